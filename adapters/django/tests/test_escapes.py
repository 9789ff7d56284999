"""The ways of ending a shadow's transaction, with layers taken away."""

import pathlib
import re

import psycopg2

from .harness import DSN, INSERT, Case

if DSN:
    from django.db import connection, transaction

    from quack_shadow.layers import layers

LAYERS = pathlib.Path(__file__).parents[3] / "txshadow/testdata/layers.md"
FUSE_AND_BELT, ALL, NOTICED = 4, 5, 7  # columns of its table


class Escapes(Case):
    """The spellings of txshadow/testdata/layers.md, inside of atomic and outside."""

    def setUp(self):
        super().setUp()
        self.addCleanup(vars(layers).update, dict(vars(layers)))

    def spellings(self):
        for line in LAYERS.read_text().splitlines()[2:]:
            cells = [c.strip() for c in line.strip("|").split("|")]
            statements = [s.strip("`") for s in re.split("` then `", cells[0])]
            yield statements, cells

    def attempt(self, statements, atomic):
        def view(request):
            def send():
                for sql in [INSERT] + statements:
                    try:
                        with connection.connection.cursor() as c:  # past Django: it would stop after an error
                            c.execute(sql.replace("INSERT …", INSERT))
                    except psycopg2.Error:
                        pass

            connection.ensure_connection()
            if not atomic:
                return send()
            with transaction.atomic():
                send()

        reply = self.shadow(view)
        return reply, self.left()

    def tried(self, want_alarm, column):
        for statements, cells in self.spellings():
            for atomic in (True, False):
                with self.subTest(f"{statements} atomic={atomic}"):
                    reply, left = self.attempt(statements, atomic)
                    if cells[column] == "stops":
                        self.assertEqual(0, left)
                    if want_alarm(cells):
                        self.assertRegex(reply.reason or "", "^(escape|unsupported):")

    # By SQL alone no COMMIT can be prepared, so that there is nothing to execute.
    HARMLESS = ("EXECUTE prepared_commit", "DO $$BEGIN COMMIT; END$$")

    def test_all_layers(self):
        harmless = self.HARMLESS + ("SET CONSTRAINTS ALL IMMEDIATE` then `INSERT …",)
        self.tried(lambda cells: cells[0].strip("`") not in harmless, ALL)

    def test_without_interception_an_escape_is_noticed(self):
        layers.interception = False
        self.tried(lambda cells: cells[NOTICED] == "yes" and cells[0].strip("`") not in self.HARMLESS, FUSE_AND_BELT)

    def test_fuse_and_belt_alone(self):
        layers.interception = layers.watch = False
        for statements, cells in self.spellings():
            if cells[0].strip("`") in self.HARMLESS:
                continue
            with self.subTest(cells[0]):
                _, left = self.attempt(statements, atomic=True)
                self.assertEqual(cells[FUSE_AND_BELT], "stops" if left == 0 else "lets through")
