package doctor_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow/doctor"
	"github.com/quackproxy/quack/txshadow/internal/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const healthy = `CREATE TABLE accounts (id bigserial PRIMARY KEY, email text);`

// clinic is a database with a role of an application, and one for Quack.
type clinic struct {
	t          *testing.T
	dsn        string
	app, guard string
	admin      *pgx.Conn
}

func newClinic(t *testing.T) *clinic {
	c := &clinic{t: t, dsn: pgtest.NewDatabase(t)}
	c.roles()
	return c
}

func (c *clinic) roles() {
	c.t.Helper()
	var err error
	if c.admin, err = pgx.Connect(c.t.Context(), c.dsn); err != nil {
		c.t.Fatal(err)
	}
	c.exec("SET lock_timeout = '5s'")
	mark := time.Now().Format("150405.000000")
	c.app, c.guard = "app "+mark, "guard "+mark // names that need their quotes
	c.exec(fmt.Sprintf(`CREATE ROLE %q LOGIN; CREATE ROLE %q LOGIN;`, c.app, c.guard))
	c.t.Cleanup(func() {
		ctx := context.Background()
		for _, role := range []string{c.guard, c.app} {
			if _, err := c.admin.PgConn().Exec(ctx, fmt.Sprintf(`DROP OWNED BY %q CASCADE; DROP ROLE %q`, role, role)).ReadAll(); err != nil {
				c.t.Error(err)
			}
		}
		c.admin.Close(ctx)
	})
}

func (c *clinic) exec(sql string) {
	c.t.Helper()
	if _, err := c.admin.PgConn().Exec(c.t.Context(), sql).ReadAll(); err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
}

// examine looks through the role of Quack.
func (c *clinic) examine() doctor.Report {
	c.t.Helper()
	u, err := url.Parse(c.dsn)
	if err != nil {
		c.t.Fatal(err)
	}
	u.User = url.User(c.guard)
	r, err := doctor.Examine(c.t.Context(), u.String(), doctor.Options{Name: "shop", Roles: []string{c.app}, MaxShadows: 4, Cap: time.Second})
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// apply runs a script as psql would: comments are passed over.
func (c *clinic) apply(script string) { c.t.Helper(); c.eachStatement(script) }

func (c *clinic) eachStatement(script string) {
	c.t.Helper()
	for _, statement := range split(script) {
		c.exec(statement)
	}
}

// split cuts a script at semicolons at the end of a line, but for those in a
// function's body.
func split(script string) (list []string) {
	var b strings.Builder
	body := false
	for line := range strings.Lines(script) {
		b.WriteString(line)
		if (strings.Count(line, "$fuse$")+strings.Count(line, "$own$"))%2 == 1 {
			body = !body
		}
		code, _, _ := strings.Cut(line, " -- ")
		if !body && strings.HasSuffix(strings.TrimSpace(code), ";") && !strings.HasPrefix(line, "--") {
			list = append(list, b.String())
			b.Reset()
		}
	}
	return list
}

func find(t *testing.T, r doctor.Report, check string) doctor.Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f doctor.Finding) bool { return f.Check == check })
	if i < 0 {
		t.Fatalf("no finding %q in\n%s", check, text(r))
	}
	return r.Findings[i]
}

func text(r doctor.Report) string {
	var b strings.Builder
	r.WriteTo(&b)
	return b.String()
}

// Functions that a rollback does not reach are named, whatever calls them.
func TestFunctionsThatActOutside(t *testing.T) {
	c := newClinic(t)
	if f := find(t, c.examine(), "functions"); f.State != doctor.OK {
		t.Errorf("%+v", f)
	}
	for name, body := range map[string]string{
		"by_session": "PERFORM dblink_exec('dbname=x', 'INSERT INTO audit VALUES (1)')", "by_file": "COPY (SELECT 1) TO ''/tmp/x''",
		"by_program": "COPY (SELECT 1) TO PROGRAM ''mail''", "by_number": "PERFORM pg_catalog.setval('s', 1)", "harmless": "PERFORM my_setval_of(1)",
	} {
		body = strings.ReplaceAll(strings.ReplaceAll(body, "''", "'"), "'", "''")
		c.exec("CREATE FUNCTION " + name + "() RETURNS void LANGUAGE plpgsql AS 'BEGIN " + body + "; END'")
	}
	f := find(t, c.examine(), "functions")
	if want := "public.by_file, public.by_number, public.by_program, public.by_session"; f.State != doctor.Warning || !strings.HasSuffix(f.Found, ": "+want) {
		t.Errorf("%+v", f)
	}
}

// A slot of somebody else's that is sent prepared transactions gets those of
// shadows too.
func TestTwoPhaseSlotsOfOthers(t *testing.T) {
	c := newClinic(t)
	if f := find(t, c.examine(), "two-phase slots"); f.State != doctor.OK {
		t.Errorf("%+v", f)
	}
	c.exec("SELECT pg_create_logical_replication_slot('subscriber', 'test_decoding', false, true)")
	defer c.exec("SELECT pg_drop_replication_slot('subscriber')")
	if f := find(t, c.examine(), "two-phase slots"); f.State != doctor.Warning || !strings.Contains(f.Found, "subscriber") {
		t.Errorf("%+v", f)
	}
}

// A bare database, and a role for Quack that may nothing: the script that is
// printed puts all of it right, and the next look finds nothing.
func TestTheScriptPutsADatabaseRight(t *testing.T) {
	c := newClinic(t)
	c.exec(healthy)
	before := c.examine()
	if !before.Missing() || before.Level != 1 {
		t.Errorf("level %d of a bare database\n%s", before.Level, text(before))
	}
	c.apply(before.Script())
	defer c.apply("ALTER SYSTEM RESET max_slot_wal_keep_size;\nSELECT pg_reload_conf();\n")
	after := c.examine()
	// A reload is taken notice of a moment later.
	for deadline := time.Now().Add(time.Minute); after.Script() != "" && time.Now().Before(deadline); after = c.examine() {
	}
	if after.Missing() || after.Level != 4 || after.Script() != "" {
		t.Errorf("level %d, script %q\n%s", after.Level, after.Script(), text(after))
	}
}

// Each thing that can be wrong, made wrong on a real server, is found with its
// state; and what is printed for it puts it right.
func TestFindings(t *testing.T) {
	c := newClinic(t)
	c.exec(healthy)
	c.apply(c.examine().Script())
	app, guard, db := fmt.Sprintf("%q", c.app), fmt.Sprintf("%q", c.guard), c.admin.Config().Database
	for _, k := range []struct {
		check, wrong string
		state        doctor.State
		undo         string // "" where the statements put it right
	}{
		{"fuse", "DROP SCHEMA txshadow CASCADE", doctor.Missing, ""},
		{"fuse", "ALTER TABLE txshadow.fuse DISABLE TRIGGER fuse", doctor.Missing, ""},
		{"fuse", "CREATE OR REPLACE FUNCTION txshadow.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", doctor.Missing, ""},
		{"rights " + c.app, "REVOKE INSERT ON txshadow.fuse FROM " + app, doctor.Missing, ""},
		{"rights " + c.app, "REVOKE USAGE ON SCHEMA txshadow FROM " + app, doctor.Missing, ""},
		{"isolation " + c.app, "ALTER ROLE " + app + " SET default_transaction_isolation = 'serializable'", doctor.Missing, ""},
		{"isolation " + c.app, "ALTER DATABASE " + db + " SET default_transaction_isolation = 'serializable'; ALTER ROLE " + app + " RESET default_transaction_isolation", doctor.Missing, ""},
		{"idle_in_transaction_session_timeout " + c.app, "ALTER ROLE " + app + " IN DATABASE " + db + " SET idle_in_transaction_session_timeout = '100ms'", doctor.Warning, ""},
		{"statement_timeout " + c.app, "ALTER DATABASE " + db + " SET statement_timeout = 999", doctor.Warning, ""},
		{"transaction_timeout " + c.app, "ALTER ROLE " + app + " SET transaction_timeout = '0.5s'", doctor.Warning, ""},
		{"track_counts", "ALTER ROLE " + app + " SET track_counts = off", doctor.Warning, ""},
		{"pg_monitor", fmt.Sprintf("REVOKE pg_monitor FROM %q", c.guard), doctor.Missing, ""},
		{"pg_signal_backend " + c.app, fmt.Sprintf("REVOKE pg_signal_backend, %s FROM %q", app, c.guard), doctor.Missing, ""},
		{"rollback prepared " + c.app, fmt.Sprintf("REVOKE %s FROM %q", app, c.guard), doctor.Warning, ""},
		{"replication", fmt.Sprintf("ALTER ROLE %q NOREPLICATION", c.guard), doctor.Warning, ""},
		{"test_decoding", "ALTER DATABASE " + db + " SET dynamic_library_path = '/nowhere'", doctor.Warning, "ALTER DATABASE " + db + " RESET dynamic_library_path"},
		{"replica identity", "CREATE TABLE \"odd name\" (x int)", doctor.Warning, ""},
		{"replica identity", "ALTER TABLE accounts REPLICA IDENTITY NOTHING", doctor.Warning, ""},
		{"prepared transactions", "BEGIN; INSERT INTO accounts DEFAULT VALUES; PREPARE TRANSACTION 'txshadow-a-1'", doctor.Missing, ""},
		{"constraint names", "ALTER TABLE accounts ADD CONSTRAINT fuse UNIQUE (email) DEFERRABLE", doctor.Warning, ""},
		{"constraint names", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE CONSTRAINT TRIGGER fuse AFTER INSERT ON accounts DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()", doctor.Warning, ""},
		{"sequences", "CREATE TABLE hidden (id bigserial PRIMARY KEY)", doctor.Warning, ""},
		{"sequence public.old_id_seq", "CREATE TABLE old (id serial PRIMARY KEY); SELECT setval('old_id_seq', 2000000000); GRANT SELECT ON SEQUENCE old_id_seq TO " + guard, doctor.Warning, ""},
		{"sequence public.mixed", "CREATE TABLE mixed_up (id int PRIMARY KEY); CREATE SEQUENCE mixed OWNED BY mixed_up.id; SELECT setval('mixed', 2000000000); GRANT SELECT ON SEQUENCE mixed TO " + guard, doctor.Warning, ""},
		{"sequence public.ident_id_seq", "CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY); SELECT setval('ident_id_seq', 2000000000); GRANT SELECT ON SEQUENCE ident_id_seq TO " + guard, doctor.Warning, ""},
	} {
		t.Run(k.check, func(t *testing.T) {
			c.t = t
			for _, s := range strings.Split(k.wrong, "; ") {
				if k.check == "transaction_timeout "+c.app && c.admin.PgConn().ParameterStatus("server_version") < "17" {
					t.Skip("the server is older than this setting")
				}
				if !strings.Contains(k.wrong, "AS '") {
					c.exec(s)
				}
			}
			if strings.Contains(k.wrong, "AS '") {
				c.exec(k.wrong)
			}
			if k.check == "prepared transactions" {
				time.Sleep(1100 * time.Millisecond) // it has to be older than a shadow may be
			}
			r := c.examine()
			f := find(t, r, k.check)
			if f.State != k.state || f.Means == "" || len(f.Fix) == 0 {
				t.Errorf("%+v", f)
			}
			if r.Missing() != (k.state == doctor.Missing) {
				t.Errorf("missing: %t\n%s", r.Missing(), text(r))
			}
			if k.undo != "" {
				c.exec(k.undo)
			} else {
				c.apply(r.Script())
			}
			if r = c.examine(); slices.ContainsFunc(r.Findings, func(f doctor.Finding) bool { return f.Check == k.check && f.State != doctor.OK }) || r.Missing() {
				t.Errorf("it is not right after the statements\n%s", text(r))
			}
		})
	}
	c.t = t
}

// What needs a restart: the statements, a restart, and level 4 is there.
func TestSettingsOfTheServer(t *testing.T) {
	ctx := t.Context()
	cluster, err := postgres.Start(ctx, postgres.Options{Settings: map[string]string{
		"wal_level": "", "max_prepared_transactions": "", "max_connections": "", "max_replication_slots": "", "max_slot_wal_keep_size": ""}})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	ask := func() doctor.Report {
		t.Helper()
		r, err := doctor.Examine(ctx, cluster.DSN("postgres"), doctor.Options{Name: "shop", Roles: []string{"postgres"}, MaxShadows: 4, Cap: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	run := func(script string) {
		t.Helper()
		conn, err := pgx.Connect(ctx, cluster.DSN("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		for _, s := range split(script) {
			if _, err := conn.PgConn().Exec(ctx, s).ReadAll(); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	run("ALTER SYSTEM SET max_replication_slots = 1;\nALTER SYSTEM SET max_connections = 9;\nSELECT pg_create_physical_replication_slot('standby');\n")
	if err := cluster.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	before := ask()
	for _, check := range []string{"wal_level", "max_prepared_transactions", "slots", "max_slot_wal_keep_size", "connections"} {
		if f := find(t, before, check); f.State != doctor.Warning || f.Restart != (check != "max_slot_wal_keep_size") {
			t.Errorf("%+v", f)
		}
	}
	if before.Level != 1 || !strings.Contains(before.LevelWhy, "wal_level") || !strings.HasSuffix(before.Script(), "-- then restart the server\n") {
		t.Errorf("level %d (%s)\n%s", before.Level, before.LevelWhy, before.Script())
	}
	run(before.Script())
	if err := cluster.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if after := ask(); after.Level != 4 || after.Missing() || after.Script() != "" {
		t.Errorf("level %d\n%s", after.Level, text(after))
	}
}

// The roles of the application are those that were granted the fuse, when none
// is named.
func TestRolesAreSeen(t *testing.T) {
	c := newClinic(t)
	c.apply(c.examine().Script())
	r, err := doctor.Examine(t.Context(), c.dsn, doctor.Options{Name: "shop", MaxShadows: 4, Cap: time.Second})
	if err != nil || !slices.Equal(r.Roles, []string{c.app}) {
		t.Errorf("%v, %v", r.Roles, err)
	}
}

// A DSN that can not be read does not show what stands in it.
func TestABadDSNIsNotShown(t *testing.T) {
	_, err := doctor.Examine(t.Context(), "postgres://u:hunter2@host:notaport/db", doctor.Options{Name: "shop"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

// "*" takes the reader of write sets for a standby, and names do not.
func TestStandbysByName(t *testing.T) {
	c := newClinic(t)
	c.exec(healthy)
	c.apply(c.examine().Script())
	defer func() { c.exec("ALTER SYSTEM RESET synchronous_standby_names"); c.exec("SELECT pg_reload_conf()") }()
	for names, want := range map[string]doctor.State{"ANY 1 (*)": doctor.Warning, `"Quack-Writeset"`: doctor.Warning, "FIRST 1 (east, west)": doctor.OK} {
		c.exec("ALTER SYSTEM SET synchronous_standby_names = '" + names + "'")
		c.exec("SELECT pg_reload_conf()")
		var f doctor.Finding
		var r doctor.Report
		harness.Until(t, names+" are in force", func() bool {
			r = c.examine()
			f = find(t, r, "standbys")
			return strings.Contains(f.Found, names)
		})
		if f.State != want || (r.Level == 4) != (want == doctor.OK) {
			t.Errorf("%s: %+v, level %d for %q", names, f, r.Level, r.LevelWhy)
		}
	}
}
