"""What Django and psycopg2 can send, inside of a shadow."""

import io

import psycopg2.extras

from .harness import DSN, INSERT, Case, execute

if DSN:
    import app
    from django.db import connection


class Driver(Case):
    def test_every_way_of_sending(self):
        def view(request):
            Item = app.Item
            with connection.cursor() as c:
                c.executemany("INSERT INTO items (name) VALUES (%s)", [["a"], ["b"]])
                self.assertEqual(2, c.rowcount)
                c.copy_from(io.StringIO("c\n"), "items", columns=("name",))
                c.copy_expert("COPY items (name) FROM STDIN", io.StringIO("d\n"))
                c.callproc("lower", ["X"])
                self.assertEqual([("x",)], c.fetchall())
                out = io.StringIO()
                c.copy_to(out, "items", columns=("name",))
                self.assertEqual("a\nb\nc\nd\n", out.getvalue())
            raw = connection.connection
            with raw.cursor(cursor_factory=psycopg2.extras.DictCursor) as c:
                c.execute("SELECT count(*) AS n FROM items")
                self.assertEqual(4, c.fetchone()["n"])
                psycopg2.extras.execute_values(c, "INSERT INTO items (name) VALUES %s", [("e",), ("f",)])
            self.assertEqual(list("abcdef"), [i.name for i in Item.objects.order_by("id").iterator()])
            Item.objects.bulk_create([Item(name="g"), Item(name="h")])
            Item.objects.filter(name="h").delete()

        reply = self.shadow(view)
        self.assertEqual([], self.raised)
        self.assertEqual((200, "rolled-back", ""), (reply.status, reply.outcome, reply.reason))
        self.assertEqual('tables=("public.audits";ins=8 "public.items";ins=8;del=1)', reply.footprint)
        self.assertEqual(0, self.left())

    def test_the_drivers_own_transactions(self):
        def view(request):
            connection.ensure_connection()
            raw = connection.connection
            raw.autocommit = False
            with raw, raw.cursor() as c:
                c.execute("INSERT INTO items (name) VALUES ('kept')")
            with raw.cursor() as c:
                c.execute("INSERT INTO items (name) VALUES ('dropped')")
            raw.rollback()
            raw.autocommit = True
            self.assertEqual(["kept"], [i.name for i in app.Item.objects.all()])

        reply = self.shadow(view)
        self.assertEqual([], self.raised)
        self.assertEqual("", reply.reason)
        self.assertIn('"public.items";ins=1)', reply.footprint)
        self.assertEqual(0, self.left())

    def test_cursor_classes_of_others_do_not_lead_past_us(self):
        def view(request):
            connection.ensure_connection()
            with connection.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as c:
                c.execute("COMMIT")

        self.assertEqual("escape:commit", self.shadow(view).reason)
        self.assertEqual(0, self.left())

    def test_what_the_driver_has_besides(self):
        refused = {
            "unsupported:large-objects": lambda c: c.lobject(),
            "unsupported:cursor": lambda c: c.cursor("named"),
            "unsupported:reset-all": lambda c: c.reset(),
            "unsupported:isolation": lambda c: c.set_session(isolation_level="SERIALIZABLE"),
            "unsupported:client_encoding": lambda c: c.set_client_encoding("LATIN1"),
            "unsupported:session-characteristics": lambda c: setattr(c, "readonly", False),
            "escape:prepare-transaction": lambda c: c.tpc_begin(c.xid(1, "a", "b")),
        }
        for reason, do in refused.items():
            with self.subTest(reason):
                def view(request):
                    connection.ensure_connection()
                    execute(INSERT)
                    do(connection.connection)

                self.assertEqual(reason, self.shadow(view).reason)
                self.assertEqual(0, self.left())

    def test_closing_the_connection_leaves_the_shadow_where_it_is(self):
        def view(request):
            execute("INSERT INTO items (name) VALUES ('a')")
            connection.close()
            execute("INSERT INTO items (name) VALUES ('b')")
            self.assertEqual(2, app.Item.objects.count())

        reply = self.shadow(view)
        self.assertEqual(([], ""), (self.raised, reply.reason))
        self.assertEqual(0, self.left())

    def test_a_failed_statement_takes_nothing_else_with_it(self):
        def view(request):
            execute("INSERT INTO items (name) VALUES ('a')")
            with self.assertRaises(Exception):
                execute("INSERT INTO items (name) VALUES ('b'), ('a')")
            self.assertEqual(1, app.Item.objects.count())

        reply = self.shadow(view)
        self.assertEqual(([], ""), (self.raised, reply.reason))
        self.assertIn('"public.items";ins=1)', reply.footprint)

    def test_no_more_than_60_writers(self):
        def view(request):
            for _ in range(61):
                execute(INSERT)

        self.assertEqual("unsupported:too-many-statements", self.shadow(view).reason)
        self.assertEqual(0, self.left())

    def test_guards_are_not_raised(self):
        def view(request):
            for sql in ("SET statement_timeout = 0", "SET lock_timeout TO '1h'", "RESET lock_timeout"):
                execute(sql)
            execute("SET statement_timeout = '20ms'")
            with connection.cursor() as c:
                c.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
                self.assertEqual(("50ms", "20ms"), c.fetchone())

        self.shadow(view)
        self.assertEqual([], self.raised)
