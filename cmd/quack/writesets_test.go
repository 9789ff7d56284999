package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/txshadow"
)

const rowsSchema = `
CREATE TABLE accounts (id bigserial PRIMARY KEY, email text, token text, made_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE audits (id bigserial PRIMARY KEY, account_id bigint NOT NULL, what text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE stock (id int PRIMARY KEY, left_over int NOT NULL);
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent_id int REFERENCES parents ON DELETE CASCADE);
INSERT INTO stock VALUES (1, 5), (2, 5), (3, 5);
INSERT INTO parents VALUES (1);
INSERT INTO children VALUES (1, 1), (2, 1);
CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audits (account_id, what) VALUES (NEW.id, 'made or changed'); RETURN NEW; END $$;
CREATE TRIGGER audited AFTER INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION audited();
`

// writer writes what a request is for, and, when it is the new service's, with the
// fault.
type writer func(ctx context.Context, tx pgx.Tx, fault string, faulty bool) error

// rowsApp is a service on the database that does what each request says, and,
// when it is the new one, with a fault: the request's body names it.
func rowsApp(t *testing.T, dsn string, write writer, faulty bool) string {
	t.Helper()
	adapter := newAdapter(t, dsn)
	s := httptest.NewServer(adapter.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fault := string(body)
		err := pgx.BeginFunc(r.Context(), adapter.Pool(), func(tx pgx.Tx) error { return write(r.Context(), tx, fault, faulty) })
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{}`)
	})))
	t.Cleanup(s.Close)
	return s.URL
}

func writeRows(ctx context.Context, tx pgx.Tx, fault string, faulty bool) error {
	exec := func(sql string, args ...any) error { _, err := tx.Exec(ctx, sql, args...); return err }
	switch {
	case fault == "cascade" && faulty:
		if err := exec(`UPDATE children SET parent_id = NULL WHERE parent_id = 1`); err != nil {
			return err
		}
		fallthrough
	case fault == "cascade":
		return exec(`DELETE FROM parents WHERE id = 1`)
	case fault == "many" && faulty:
		return exec(`UPDATE stock SET left_over = 4 WHERE id <= 2`)
	case fault == "many":
		return exec(`UPDATE stock SET left_over = 4 WHERE id = 1`)
	}
	var email *string
	if text := "ada@example.com"; !(fault == "column" && faulty) {
		email = &text
	}
	var id int64
	if err := tx.QueryRow(ctx, `INSERT INTO accounts (email, token) VALUES ($1, 'a secret of Ada') RETURNING id`, email).Scan(&id); err != nil {
		return err
	}
	switch {
	case fault == "audit" && faulty:
		return exec(`INSERT INTO audits (account_id, what) VALUES ($1, 'seen')`, id)
	case fault == "twice" && faulty:
		return exec(`UPDATE accounts SET email = email WHERE id = $1`, id)
	}
	return nil
}

// startRows starts a proxy before a sound service and a faulty one on one
// database. Without a DSN it can read no rows.
func startRows(t *testing.T, withDSN bool) (q *running, conn *pgx.Conn) {
	t.Helper()
	return startWriting(t, rowsSchema, writeRows, withDSN)
}

func startWriting(t *testing.T, schema string, write writer, withDSN bool) (q *running, conn *pgx.Conn) {
	t.Helper()
	return startWritingAt(t, pgtest.NewDatabase(t), schema, write, withDSN)
}

// startWritingAt is startWriting in an empty database.
func startWritingAt(t *testing.T, dsn, schema string, write writer, withDSN bool) (q *running, conn *pgx.Conn) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), schema+txshadow.InstallSQL()); err != nil {
		t.Fatal(err)
	}
	backend := func(faulty bool) string {
		return "{urls: [" + rowsApp(t, dsn, write, faulty) + "], rollback: header, database: shop}"
	}
	q = startPrepared(t, "version: 1\nbackends:\n  monolith: "+backend(false)+"\n  accounts: "+backend(true)+"\ndatabases: {shop: {}}\n"+
		"defaults: {legacy: monolith, new: accounts}\nroutes:\n"+
		"  - {name: create, match: POST /accounts, stage: shadow, shadow: {budget: 20s, run: both}}\n", func(c *exec.Cmd) {
		if withDSN {
			c.Env = append(c.Env, "QUACK_DB_SHOP="+dsn)
		}
	})
	q.proved(2)
	if withDSN {
		q.rowsReadable()
	}
	return q, conn
}

// rowsReadable waits until the rows of one database can be read.
func (q *running) rowsReadable() {
	q.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		status, err := q.client.Status(context.Background())
		if err != nil {
			q.t.Fatal(err)
		}
		if len(status.WriteSets) == 1 && status.WriteSets[0].Database == "shop" && status.WriteSets[0].Available {
			return
		}
	}
	q.t.Fatalf("rows can not be read:\n%s", q.logged())
}

// newest asks for the n-th time and gives the comparison of that request.
func (q *running) newest(fault string, n int64) *reports.Comparison {
	q.t.Helper()
	if status, body := q.ask("POST", "/accounts", fault); status != http.StatusCreated {
		q.t.Fatalf("%s: %d %s", fault, status, body)
	}
	q.until("create", fault+" is compared", func(r reports.RouteReport) bool { return r.Compared == n })
	list, _, err := q.client.Comparisons(context.Background(), reports.Filter{Limit: 1})
	if err != nil || len(list) != 1 {
		q.t.Fatalf("%d comparisons, %v", len(list), err)
	}
	c, err := q.client.Comparison(context.Background(), list[0].ID)
	if err != nil {
		q.t.Fatal(err)
	}
	return c
}

// TestPlantedFaultsInWrites plants each fault in the new service and wants it found,
// in the rows at level 4 and, where counts differ, in these at level 1.
func TestPlantedFaultsInWrites(t *testing.T) {
	t.Parallel()
	faults := []struct {
		name        string
		rows, count []string
	}{
		{"none", nil, nil},
		{"column", []string{"writes table:accounts.email"}, nil},
		{"audit", []string{"writes table:audits"}, []string{"footprint table:audits"}},
		{"twice", []string{"writes table:accounts", "writes table:audits"}, []string{"footprint table:accounts", "footprint table:audits"}},
		{"many", []string{"writes table:stock"}, []string{"footprint table:stock"}},
		{"cascade", []string{"writes table:children", "writes table:children"}, []string{"footprint table:children"}},
	}
	for _, level := range []string{"level 4", "level 1"} {
		t.Run(level, func(t *testing.T) {
			q, conn := startRows(t, level == "level 4")
			for i, f := range faults {
				c := q.newest(f.name, int64(i+1))
				got, want := found(c), f.count
				if level == "level 4" {
					want = f.rows
				}
				if c.Writes != level || !slices.Equal(got, want) {
					t.Errorf("%s: compared by %q (%s), found %q, want %q\n%+v", f.name, c.Writes, c.WritesNote, got, want, c.Differences)
				}
			}
			var accounts, prepared int
			err := conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())`).Scan(&accounts, &prepared)
			if err != nil || accounts != 4 || prepared != 0 {
				t.Errorf("%d accounts, %d prepared transactions, %v: want the 4 of live requests, and none", accounts, prepared, err)
			}
		})
	}
}

// A shadow's transaction that somebody commits can not be hindered; it is a leak
// all the same, loudly, and its routes' writes are not shadowed any more.
func TestACommittedShadowIsALeak(t *testing.T) {
	q, conn := startRows(t, true)
	for _, sql := range []string{"BEGIN", "INSERT INTO stock VALUES (9, 9)", "PREPARE TRANSACTION 'txshadow-ofanotherquack-7'", "COMMIT PREPARED 'txshadow-ofanotherquack-7'"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	r := q.until("create", "a leak is suspected", func(r reports.RouteReport) bool { return r.Leak != "" })
	if !strings.Contains(r.Leak, "txshadow-ofanotherquack-7") || !strings.Contains(r.Leak, "database shop") {
		t.Errorf("the leak is %q", r.Leak)
	}
	q.ask("POST", "/accounts", "none")
	q.until("create", "writes are not shadowed", func(r reports.RouteReport) bool { return r.Skipped[reports.SkipLatched] == 1 })
}

// page is what a browser that has logged in sees.
func (q *running) page(path string) string {
	q.t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer browser.CloseIdleConnections()
	link, err := q.client.LoginLink(context.Background())
	if err != nil {
		q.t.Fatal(err)
	}
	at, err := url.Parse(link)
	if err != nil {
		q.t.Fatal(err)
	}
	res, err := browser.PostForm(q.client.Base+"/login", at.Query())
	if err != nil {
		q.t.Fatal(err)
	}
	res.Body.Close()
	req, err := http.NewRequest("GET", q.client.Base+path, nil)
	if err != nil {
		q.t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		req.AddCookie(c)
	}
	if res, err = browser.Do(req); err != nil {
		q.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		q.t.Fatal(err)
	}
	return string(body)
}

// TestWrittenRowsAreShown holds that the rows stand in quack diff, in the API and on
// the page, without the secret that is in them.
func TestWrittenRowsAreShown(t *testing.T) {
	t.Parallel()
	q, _ := startRows(t, true)
	c := q.newest("column", 1)
	out, code := q.run("diff", c.ID)
	page := q.page("/comparisons/" + c.ID)
	for where, text := range map[string]string{"quack diff": strings.Join(strings.Fields(out), ""), "the API": q.adminGet("/api/v1/comparisons/" + c.ID), "the page": page} {
		if !strings.Contains(text, "ada@example.com") || !strings.Contains(text, "redacted:") || strings.Contains(strings.ReplaceAll(text, " ", ""), "asecretofAda") {
			t.Errorf("%s does not show the rows as it should:\n%s", where, text)
		}
	}
	if code != 0 || !strings.Contains(out, "row by row (level 4)") || !strings.Contains(page, "row by row (level 4)") {
		t.Errorf("the level is not said: code %d\n%s", code, out)
	}
	m := q.adminGet("/metrics")
	for _, metric := range []string{`quack_write_sets_available{database="shop"`, `quack_shadow_rows_inserted{`, `table="accounts"`} {
		if !strings.Contains(m, metric) {
			t.Errorf("no metric %s", metric)
		}
	}
}
