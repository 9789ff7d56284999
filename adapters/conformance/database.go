package conformance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

// schema is what every app finds. Each item writes an audit by a trigger; a
// child's parent is looked for only at commit. Notes are in no log, so that what
// writes nothing else has no rows to decode.
const schema = `
CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL UNIQUE, qty int NOT NULL DEFAULT 0 CHECK (qty >= 0));
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id serial PRIMARY KEY, parent_id int NOT NULL REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
CREATE UNLOGGED TABLE notes (n int);
CREATE TABLE audits (id serial PRIMARY KEY, item text NOT NULL);
CREATE FUNCTION audit_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audits (item) VALUES (NEW.name); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION audit_item();
`

// database is the app's database, seen from a connection of its own.
type database struct {
	dsn  string
	conn *pgx.Conn
}

func openDatabase(t *testing.T, dsn string) *database {
	t.Helper()
	db := &database{dsn: dsn, conn: connect(t, dsn)}
	db.exec(t, schema+txshadow.InstallSQL())
	return db
}

// connect opens a connection that is closed at t's end.
func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func (db *database) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := db.conn.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (db *database) count(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	if err := db.conn.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// content is every row of every table, as text.
func (db *database) content(t *testing.T) (text string) {
	t.Helper()
	const sql = `SELECT concat_ws(E'\n',
		(SELECT string_agg('item ' || i::text, E'\n' ORDER BY id) FROM items i),
		(SELECT string_agg('audit ' || a::text, E'\n' ORDER BY id) FROM audits a),
		(SELECT string_agg('parent ' || p::text, E'\n' ORDER BY id) FROM parents p),
		(SELECT string_agg('child ' || c::text, E'\n' ORDER BY id) FROM children c),
		(SELECT string_agg('note ' || n::text, E'\n' ORDER BY n) FROM notes),
		(SELECT string_agg('fuse ' || f::text, E'\n') FROM txshadow.fuse f),
		(SELECT string_agg('prepared ' || gid, E'\n' ORDER BY gid) FROM pg_prepared_xacts WHERE database = current_database()))`
	if err := db.conn.QueryRow(context.Background(), sql).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// open is how many transactions and locks others have in this database.
const open = `SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
		AND backend_type = 'client backend' AND xact_start IS NOT NULL)
	+ (SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
		WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND c.relnamespace = 'public'::regnamespace AND l.pid <> pg_backend_pid() AND l.mode NOT IN ('ShareUpdateExclusiveLock', 'AccessShareLock'))`

// settles waits until nobody has a transaction open. That takes no second
// after an answer; the patience is for a loaded machine.
func (db *database) settles(t *testing.T) {
	t.Helper()
	eventually(t, "no transaction and no lock is left", func() bool { return db.count(t, open) == 0 })
}

// sleeping waits until somebody is in pg_sleep.
func (db *database) sleeping(t *testing.T) {
	t.Helper()
	eventually(t, "a statement sleeps", func() bool {
		return db.count(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'") > 0
	})
}

// eventually waits for what something else brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	const patience = 20 * time.Second
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// seed makes the rows that the cases start from.
func (db *database) seed(t *testing.T) {
	t.Helper()
	db.settles(t)
	db.exec(t, `TRUNCATE items, audits, children, parents RESTART IDENTITY;
		INSERT INTO items (name, qty) VALUES ('apples', 10), ('pears', 3);
		INSERT INTO parents VALUES (1)`)
}

// unchanged runs f and wants every table to be as it was.
func (db *database) unchanged(t *testing.T, f func()) {
	t.Helper()
	before := db.content(t)
	f()
	if after := db.content(t); after != before {
		t.Errorf("the shadow has left something behind\nbefore:\n%s\nafter:\n%s", before, after)
	}
}

// id is an item's.
func (db *database) id(t *testing.T, name string) string {
	t.Helper()
	return fmt.Sprint(db.count(t, "SELECT id FROM items WHERE name = $1", name))
}
