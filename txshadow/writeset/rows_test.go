package writeset_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/writeset"
)

const schema = `
CREATE TABLE accounts (id int PRIMARY KEY, email text, n int);
CREATE TABLE audit (what text);
CREATE TABLE orders (id int PRIMARY KEY, account int REFERENCES accounts ON DELETE CASCADE);
CREATE FUNCTION audit_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit VALUES (TG_OP || ' ' || NEW.email); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION audit_account();
CREATE SCHEMA "Other one";
CREATE TYPE "Other one"."a]:b" AS ENUM ('x y');
CREATE TABLE "Other one"."T.[1]: ""q""" ("Col 'a' [b]" text, "new-tuple" int, e "Other one"."a]:b", es "Other one"."a]:b"[]);
CREATE TABLE kinds (i smallint, l bigint, o oid, f real, d double precision, n numeric, b bit(3), vb varbit, t boolean, s text,
	c char(3), v varchar(40), bin bytea, a text[], aa int[], ts timestamp, tz timestamptz, iv interval, j jsonb, u uuid, nul int, g int GENERATED ALWAYS AS (i + 1) STORED);
CREATE TABLE wholes (id int, a text, b text);
ALTER TABLE wholes REPLICA IDENTITY FULL;
CREATE TABLE loose (a int);
CREATE TABLE parts (id int, k int) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE UNLOGGED TABLE quick (a int);
INSERT INTO accounts VALUES (1, 'one', 1), (2, 'two', 2);
INSERT INTO orders VALUES (10, 1), (11, 1);
INSERT INTO wholes VALUES (1, 'a', NULL);
INSERT INTO loose VALUES (1);
`

func col(name, typ, value string) writeset.Column {
	return writeset.Column{Name: name, Type: typ, Value: value}
}
func null(name, typ string) writeset.Column {
	return writeset.Column{Name: name, Type: typ, Null: true}
}

type row = []writeset.Column

// ofTheLog leaves out what is from the catalogue: see TestKeysAndReferences.
var ofTheLog = cmpopts.IgnoreFields(writeset.Column{}, "Key", "Generated", "References")

func account(id, email, n string) row {
	return row{col("id", "integer", id), col("email", "text", email), col("n", "integer", n)}
}

var rowCases = []struct {
	reason, sql string
	want        []writeset.Change
}{
	{"nothing written, and it is known", "SELECT pg_logical_emit_message(true, 'txshadow', 'id')", []writeset.Change{}},
	{"what a savepoint took back is out", "SAVEPOINT a; INSERT INTO audit VALUES ('x'); ROLLBACK TO a", []writeset.Change{}},
	{"triggers are in", "INSERT INTO accounts VALUES (3, E'a''b\n\"c\\\\', NULL)", []writeset.Change{
		{Table: "accounts", Op: writeset.Insert, New: row{col("id", "integer", "3"), col("email", "text", "a'b\n\"c\\"), null("n", "integer")}},
		{Table: "audit", Op: writeset.Insert, New: row{col("what", "text", "INSERT a'b\n\"c\\")}},
	}},
	{"the key stays: no old row", "UPDATE accounts SET n = 5 WHERE id = 2", []writeset.Change{
		{Table: "accounts", Op: writeset.Update, New: account("2", "two", "5")},
	}},
	{"the key changes", "UPDATE accounts SET id = 5 WHERE id = 2", []writeset.Change{
		{Table: "accounts", Op: writeset.Update, Old: row{col("id", "integer", "2")}, New: account("5", "two", "2")},
	}},
	{"cascades are in", "DELETE FROM accounts WHERE id = 1", []writeset.Change{
		{Table: "accounts", Op: writeset.Delete, Old: row{col("id", "integer", "1")}},
		{Table: "orders", Op: writeset.Delete, Old: row{col("id", "integer", "10")}},
		{Table: "orders", Op: writeset.Delete, Old: row{col("id", "integer", "11")}},
	}},
	{"upsert", "INSERT INTO accounts VALUES (1, 'x', 0) ON CONFLICT (id) DO UPDATE SET n = 9", []writeset.Change{
		{Table: "accounts", Op: writeset.Update, New: account("1", "one", "9")},
	}},
	{"whole old rows, without nulls", "UPDATE wholes SET a = 'b'; DELETE FROM wholes", []writeset.Change{
		{Table: "wholes", Op: writeset.Update, Old: row{col("id", "integer", "1"), col("a", "text", "a")},
			New: row{col("id", "integer", "1"), col("a", "text", "b"), null("b", "text")}},
		{Table: "wholes", Op: writeset.Delete, Old: row{col("id", "integer", "1"), col("a", "text", "b")}},
	}},
	{"no identity: the fact alone", "UPDATE loose SET a = 2; DELETE FROM loose", []writeset.Change{
		{Table: "loose", Op: writeset.Update, New: row{col("a", "integer", "2")}},
		{Table: "loose", Op: writeset.Delete},
	}},
	{"truncate, with what it cascades to", "TRUNCATE accounts RESTART IDENTITY CASCADE", []writeset.Change{
		{Table: "accounts", Op: writeset.Truncate}, {Table: "orders", Op: writeset.Truncate},
	}},
	{"truncate alone", "TRUNCATE audit", []writeset.Change{{Table: "audit", Op: writeset.Truncate}}},
	{"a partition by its own name", "INSERT INTO parts VALUES (7, 1)", []writeset.Change{
		{Table: "parts_1", Op: writeset.Insert, New: row{col("id", "integer", "7"), col("k", "integer", "1")}},
	}},
	{"odd names", `INSERT INTO "Other one"."T.[1]: ""q""" VALUES ('null', 1, 'x y', '{"x y"}')`, []writeset.Change{
		{Table: `Other one."T.[1]: ""q"""`, Op: writeset.Insert, New: row{
			col(`Col 'a' [b]`, "text", "null"), col("new-tuple", "integer", "1"),
			col("e", `"Other one"."a]:b"`, "x y"), col("es", `"Other one"."a]:b"[]`, `{"x y"}`),
		}},
	}},
	{"a table of the transaction's own", "CREATE TABLE fresh (a int); INSERT INTO fresh VALUES (1)", []writeset.Change{
		{Table: "fresh", Op: writeset.Insert, New: row{col("a", "integer", "1")}},
	}},
	{"kinds of values", `INSERT INTO kinds VALUES (-1, 9007199254740993, 4294967295, 'NaN', '-Infinity', 1.10, B'101', B'', true, '',
		'ab', 'unchanged-toast-datum', '\xdeadbeef', '{a,"b c",NULL}', '{{1,2},{3,4}}', '2026-01-02 03:04:05.6', '2026-01-02 03:04:05+02', '1 day 2 hours',
		'{"a": [1, null]}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', NULL)`, []writeset.Change{
		{Table: "kinds", Op: writeset.Insert, New: row{
			col("i", "smallint", "-1"), col("l", "bigint", "9007199254740993"), col("o", "oid", "4294967295"), col("f", "real", "NaN"),
			col("d", "double precision", "-Infinity"), col("n", "numeric", "1.10"), col("b", "bit", "101"), col("vb", "bit varying", ""),
			col("t", "boolean", "true"), col("s", "text", ""), col("c", "character", "ab "), col("v", "character varying", "unchanged-toast-datum"),
			col("bin", "bytea", `\xdeadbeef`), col("a", "text[]", `{a,"b c",NULL}`), col("aa", "integer[]", "{{1,2},{3,4}}"),
			col("ts", "timestamp without time zone", "2026-01-02 03:04:05.6"), col("tz", "timestamp with time zone", "2026-01-02 01:04:05+00"),
			col("iv", "interval", "1 day 02:00:00"), col("j", "jsonb", `{"a": [1, null]}`),
			col("u", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), null("nul", "integer"), col("g", "integer", "0"),
		}},
	}},
}

func TestRows(t *testing.T) {
	b := read(t, schema)
	before := ask[string](b, "SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM accounts t")
	for _, c := range rowCases {
		t.Run(c.reason, func(t *testing.T) {
			got := b.shadow(c.sql)
			if d := cmp.Diff(writeset.Set{Changes: c.want}, got, ofTheLog); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
	if after := ask[string](b, "SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM accounts t"); after != before {
		t.Error("something was written")
	}
}

// A value that is stored outside of its row and left alone is not in the log;
// the rest of the row is.
func TestUnchangedToast(t *testing.T) {
	b := read(t, `CREATE TABLE t (id int PRIMARY KEY, big text, n int); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
		INSERT INTO t VALUES (1, repeat('x', 100000), 1)`)
	got := b.shadow("UPDATE t SET n = 2; INSERT INTO t VALUES (2, repeat('y', 100000), 3)")
	want := []writeset.Change{
		{Table: "t", Op: writeset.Update, New: row{col("id", "integer", "1"), {Name: "big", Type: "text", Unchanged: true}, col("n", "integer", "2")}},
		{Table: "t", Op: writeset.Insert, New: row{col("id", "integer", "2"), col("big", "text", strings.Repeat("y", 100000)), col("n", "integer", "3")}},
	}
	if d := cmp.Diff(want, got.Changes, ofTheLog); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// The sums of what is decoded are those that the server counts, save for what
// is in no log.
func TestAgainstTheFootprint(t *testing.T) {
	b := read(t, schema)
	set := b.shadow("INSERT INTO accounts VALUES (3, 'c', 0); UPDATE accounts SET n = n + 1; DELETE FROM accounts WHERE id = 1; TRUNCATE loose; INSERT INTO quick VALUES (1)")
	counted := txshadow.Footprint{
		{Table: "accounts", Inserted: 1, Updated: 3, Deleted: 1}, {Table: "audit", Inserted: 1}, {Table: "orders", Deleted: 2},
	}
	if gaps := set.Against(counted); gaps != nil {
		t.Errorf("%+v", gaps)
	}
	more := append(counted, txshadow.TableRows{Table: "quick", Inserted: 1})
	more[1].Inserted, more[2] = 2, txshadow.TableRows{Table: "parents", Deleted: 1}
	want := []writeset.Gap{
		{Table: "audit", Decoded: txshadow.TableRows{Table: "audit", Inserted: 1}, Counted: txshadow.TableRows{Table: "audit", Inserted: 2}},
		{Table: "orders", Decoded: txshadow.TableRows{Table: "orders", Deleted: 2}, Counted: txshadow.TableRows{Table: "orders"}},
		{Table: "parents", Decoded: txshadow.TableRows{Table: "parents"}, Counted: txshadow.TableRows{Table: "parents", Deleted: 1}},
		{Table: "quick", Decoded: txshadow.TableRows{Table: "quick"}, Counted: txshadow.TableRows{Table: "quick", Inserted: 1}},
	}
	if d := cmp.Diff(want, set.Against(more)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if gaps := (writeset.Set{Truncated: true}).Against(more); gaps != nil {
		t.Errorf("a truncated set was compared: %+v", gaps)
	}
}
