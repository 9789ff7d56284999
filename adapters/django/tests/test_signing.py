"""The vectors that every adapter is held to."""

import hashlib
import json
import pathlib
import unittest
from urllib.parse import unquote_to_bytes

from quack_shadow import footprint, signing

VECTORS = json.loads((pathlib.Path(__file__).parents[3] / "txshadow/testdata/vectors.json").read_text())


def codec(now=VECTORS["now"]):
    return signing.Codec(signing.parse_secrets(VECTORS["secrets"]), lambda: now)


def verify(v, now):
    path, _, query = v["target"].partition("?")
    digest = hashlib.sha256(v["body"].encode()).hexdigest()
    c = codec(now)
    m = c.read_shadow(v["header"])
    c.verify_shadow(m, v["method"], unquote_to_bytes(path), query, digest)
    return m


class Signing(unittest.TestCase):
    def each(self, name):
        self.assertTrue(VECTORS[name])
        for v in VECTORS[name]:
            with self.subTest(v):
                yield v

    def test_lists_of_secrets(self):
        for v in self.each("lists"):
            if v.get("error"):
                self.assertRaises(ValueError, signing.parse_secrets, v["list"])
            else:
                self.assertEqual([s.encode() for s in v["secrets"]], signing.parse_secrets(v["list"]))

    def test_what_verifies(self):
        for v in self.each("shadow"):
            m = verify(v, VECTORS["now"])
            self.assertEqual((v["id"], v["mode"], v["budget_ms"]), (m.id, m.mode, int(m.budget)))
            self.assertEqual(v["target"].encode(), m.target)
            self.assertTrue(codec().nested(v["baggage"]))

    def test_what_is_refused(self):
        for v in self.each("refused"):
            self.assertRaises(signing.Refused, verify, v, v["now"])

    def test_same_target(self):
        for v in self.each("same_target"):
            path, _, query = v["received"].partition("?")
            got = signing.same_target(v["signed"].encode(), unquote_to_bytes(path), query)
            self.assertEqual(v["same"], got)

    def test_results(self):
        for v in self.each("result"):
            self.assertEqual(v["header"], codec().result(v["id"], v["outcome"], v["reason"]))
        self.assertIn("reason=unsupported:a_b;", codec().result("x", "rolled-back", "unsupported:a;b"))

    def test_nested(self):
        for v in self.each("nested"):
            self.assertEqual(v["nested"], codec().nested(v["baggage"]) is not None)

    def test_context(self):
        for v in self.each("context"):
            value = v["headers"]["Quack-Context"]
            self.assertEqual((v["id"], v["role"], v["time"], v["readonly"]), codec().read_context(v["id"], value))
            self.assertIsNone(codec().read_context("another", value))
            self.assertIsNone(codec().read_context(v["id"], value.replace("readonly=", "readonly=x")))

    def test_a_gid_is_signed_and_has_one_form(self):
        def header(gid, mode="prepare", signed=None):
            target = "/items"
            digest = hashlib.sha256(b"").hexdigest()
            fields = ["quack-shadow-v1", "a", mode, str(VECTORS["now"]), "250", "POST", target, digest, signed or gid]
            sig = codec().sign(*fields)
            text = f"v1;id=a;mode={mode};t={VECTORS['now']};budget=250;target=L2l0ZW1z;gid={gid};sig={sig}"
            return {"header": text, "target": target, "method": "POST", "body": ""}

        self.assertEqual("txshadow-q1-7", verify(header("txshadow-q1-7"), VECTORS["now"]).gid)
        wrong = [
            header("txshadow-Q1-7"), header("mine"), header("txshadow-q1-7'"), header("txshadow-q1-"),
            header("txshadow-q1-7", mode="rollback"), header("txshadow-q1-7", signed="txshadow-q1-8"),
        ]
        for v in wrong:
            with self.subTest(v["header"]):
                self.assertRaises(signing.Refused, verify, v, VECTORS["now"])

    def test_secrets_are_not_shown(self):
        self.assertNotIn(VECTORS["secret"], repr(codec()))


class Footprint(unittest.TestCase):
    def test_vectors(self):
        for v in VECTORS["footprint"]:
            with self.subTest(v):
                tables = {}
                for t in v["tables"]:
                    name = t["table"]
                    schema, dot, table = name.partition(".")
                    key = (schema, table) if dot and not name.startswith('"') else ("public", name.strip('"'))
                    tables[key] = tuple(t.get(k, 0) for k in ("ins", "upd", "del"))
                effects = {e["name"]: e["n"] for e in v.get("effects", ())}
                self.assertEqual(v["header"], footprint.header(tables, effects))

    def test_effects_stand_beside_the_tables(self):
        text = footprint.header({("public", "items"): (1, 0, 0)}, {"mail": 1, 'job:"A"': 2})
        self.assertEqual('tables=("public.items";ins=1), effects=("job:\\"A\\"";n=2 "mail";n=1)', text)

    def test_it_is_cut_at_4_KiB(self):
        tables = {("public", f"table_{i:04}"): (1, 0, 0) for i in range(500)}
        for effects in (None, {"mail": 1}):
            text = footprint.header(tables, effects)
            self.assertTrue(text.endswith("truncated"), text[-60:])
            self.assertLessEqual(len(text), 4096)

    def test_what_savepoints_take_back_is_taken_off(self):
        books = footprint.Ledger()
        books.read([("public", "items", 1, 0, 0)])
        mark = books.mark()
        books.read([("public", "items", 3, 0, 0), ("public", "audits", 2, 0, 0)])
        books.undone(mark)
        self.assertEqual({("public", "items"): (1, 0, 0)}, books.tables())
