"""How SQL is cut into statements, and what is refused."""

import unittest

from quack_shadow.lexer import tokens
from quack_shadow.statement import split

SPLITS = [
    # reason, SQL, the verbs of its statements
    ("nothing", " ; ;; -- c", []),
    ("semicolon in a string", "SELECT ';'; COMMIT", ["select", "commit"]),
    ("doubled quote", "SELECT 'a'';b'; COMMIT", ["select", "commit"]),
    ("a backslash is itself", r"SELECT '\'; COMMIT; --'", ["select", "commit"]),
    ("a backslash escapes in E", r"SELECT E'\'; COMMIT; --'", ["select"]),
    ("a string goes on in a new line", "SELECT E'a'\n'\\';COMMIT'", ["select"]),
    ("without a new line it does not", r"SELECT E'a' '\'; COMMIT", ["select", "commit"]),
    ("a comment before the new line", "SELECT 'a' -- c\n ';' ; COMMIT", ["select", "commit"]),
    ("dollar quotes", "SELECT $a$;$$;$a$; COMMIT", ["select", "commit"]),
    ("a parameter is none", "SELECT $1; COMMIT", ["select", "commit"]),
    ("a dollar inside of a word", "SELECT a$b$; COMMIT; --$b$", ["select", "commit"]),
    ("comments nest", "/* a /* ; */ ; */ COMMIT", ["commit"]),
    ("quoted identifier", 'SELECT ";""" ; END', ["select", "end"]),
    ("brackets", "((SELECT 1))", ["select"]),
    ("other letters", "SELECT é; COMMIT", ["select", "commit"]),
]

REFUSED = {
    "escape:commit": ["COMMIT", "commit work", "/*c*/ COMMIT AND CHAIN", ";;COMMIT"],
    "escape:rollback": ["ROLLBACK", "ROLLBACK AND CHAIN", "ROLLBACK WORK"],
    "escape:begin": ["BEGIN", "BEGIN READ WRITE"],
    "escape:abort": ["ABORT"],
    "escape:end": ["END"],
    "escape:start-transaction": ["START TRANSACTION READ WRITE"],
    "escape:prepare-transaction": ["PREPARE TRANSACTION 'a'"],
    "escape:commit-prepared": ["COMMIT PREPARED 'a'"],
    "escape:rollback-prepared": ["ROLLBACK PREPARED 'a'"],
    "escape:savepoint": ["RELEASE _ts_1", "ROLLBACK TO _ts_1", 'SAVEPOINT "_ts_9"'],
    "unsupported:default_transaction_read_only": [
        "SET default_transaction_read_only = off", "RESET default_transaction_read_only",
        'SET SESSION "Default_Transaction_Read_Only" TO off',
        "SELECT set_config('default_transaction_read_only', 'off', false)",
    ],
    "unsupported:session_replication_role": ["SET session_replication_role = replica"],
    "unsupported:session-characteristics": ["SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"],
    "unsupported:setting": [
        "SELECT set_config('lock_timeout', '0', true)",
    ],
    "unsupported:pg_settings": [
        "UPDATE pg_settings SET setting = 'off' WHERE name = 'x'",
        'PREPARE x AS UPDATE ONLY (pg_catalog."pg_settings") SET setting = $1',
    ],
    "unsupported:txshadow": [
        "DELETE FROM txshadow.fuse", 'DELETE FROM "txshadow".fuse', "SET LOCAL txshadow.probe = 'x'",
        "SELECT set_config('txshadow.probe', 'x', true)",
    ],
    "unsupported:unicode-identifier": ['DELETE FROM U&"txshado\\0077".fuse'],
    "unsupported:setval": ["SELECT setval('s', 1)", "PREPARE p AS SELECT pg_catalog.setval('s', 1)"],
    "unsupported:advisory-lock": ["SELECT pg_advisory_xact_lock(1)"],
    "unsupported:dblink": ["SELECT dblink_exec('x', 'y')"],
    "unsupported:skip-locked": ["SELECT * FROM t FOR UPDATE SKIP LOCKED"],
    "unsupported:copy-program": ["COPY t TO PROGRAM 'x'"],
    "unsupported:copy-file": ["COPY t TO '/tmp/x'"],
    "unsupported:listen": ["LISTEN a"],
    "unsupported:lock": ["LOCK t"],
    "unsupported:vacuum": ["VACUUM"],
    "unsupported:concurrently": ["CREATE INDEX CONCURRENTLY i ON t (a)"],
    "unsupported:reset-all": ["RESET ALL"],
    "unsupported:discard": ["DISCARD ALL"],
    "unsupported:deallocate": ["DEALLOCATE ALL", "DEALLOCATE PREPARE _ts_open"],
    "unsupported:statement": ["FROBNICATE", "1"],
    "unsupported:syntax": ["SELECT 'a", "/* a", "SELECT $a$ x", 'SELECT "a'],
    "unsupported:begin-atomic": ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END"],
    "": [
        "SELECT 'COMMIT'", "INSERT INTO t VALUES ($$COMMIT$$)", "SAVEPOINT a", "ROLLBACK TO SAVEPOINT a", "RELEASE a",
        "SET LOCAL work_mem = '1MB'", "SET CONSTRAINTS ALL DEFERRED", "DO $$BEGIN COMMIT; END$$", "COPY t FROM STDIN",
    ],
}

BLOCKED = {
    "unsupported:truncate": "TRUNCATE t",
    "unsupported:alter": "ALTER TABLE t ADD a int",
    "unsupported:create-index": "CREATE UNIQUE INDEX i ON t (a)",
    "unsupported:create-trigger": "CREATE OR REPLACE TRIGGER a AFTER INSERT ON t EXECUTE FUNCTION f()",
    "unsupported:create-table": "CREATE TABLE a (b int REFERENCES c)",
    "": "CREATE TEMP TABLE a (b int)",
}

WRITES = {
    "SELECT count(*), lower(a) FROM t": False,
    "SELECT * FROM t FOR UPDATE": True,
    "SELECT my_function()": True,
    "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a": True,
    "INSERT INTO t VALUES (1)": True,
    "SHOW all": False,
}

LEAKS = {
    "SET LOCAL search_path = a": "set-local",
    "SET LOCAL statement_timeout = 1": "",
    "SET search_path = a": "",
    "SELECT set_config('a.b', 'c', true)": "set-local",
    "SELECT set_config('a.b', 'c', false)": "",
    "DECLARE c CURSOR FOR SELECT 1": "cursor",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1": "",
    "CREATE TEMP TABLE a (b int) ON COMMIT DROP": "on-commit",
    "SET CONSTRAINTS ALL IMMEDIATE": "set-constraints",
}


class SQL(unittest.TestCase):
    def test_statements(self):
        for reason, sql, verbs in SPLITS:
            with self.subTest(reason):
                self.assertEqual(verbs, [s.verb for s in split(sql)])

    def test_old_strings(self):
        self.assertEqual(["select"], [s.verb for s in split(r"SELECT '\'; COMMIT; --'", backslash=True)])

    def test_places(self):
        sql = "SELECT 'é' ; /*c*/ SET CONSTRAINTS ALL IMMEDIATE ;"
        found = split(sql)[1]
        self.assertEqual("SET CONSTRAINTS ALL IMMEDIATE", sql[found.start : found.end])
        self.assertTrue(found.all_immediate)

    def test_refusals(self):
        for reason, all_sql in REFUSED.items():
            for sql in all_sql:
                with self.subTest(sql):
                    self.assertEqual([reason], [s.refusal for s in split(sql)])

    def test_what_live_work_would_wait_for(self):
        for reason, sql in BLOCKED.items():
            with self.subTest(sql):
                self.assertEqual([reason], [s.blocks for s in split(sql)])

    def test_writes(self):
        for sql, writes in WRITES.items():
            with self.subTest(sql):
                self.assertEqual([writes], [s.writes for s in split(sql)])

    def test_leaks(self):
        for sql, leak in LEAKS.items():
            with self.subTest(sql):
                self.assertEqual([leak], [s.leak for s in split(sql)])

    def test_targets(self):
        for sql in ('INSERT INTO a."b" VALUES (1)', "UPDATE ONLY a.b SET c = 1", "DELETE FROM a.b"):
            with self.subTest(sql):
                self.assertEqual(["a.b"], [s.table for s in split(sql)])

    def test_long_input_takes_no_long_time(self):
        sql = "SELECT '" + "''" * 100_000 + "'" + " -- x" * 10_000 + "\n; COMMIT"
        self.assertEqual(["select", "commit"], [s.verb for s in split(sql)])
        self.assertEqual(30_000, sum(1 for _ in tokens("( " * 30_000)))
