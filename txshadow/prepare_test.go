package txshadow_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/writeset"
)

// reader starts a reader of the service's database.
func (s *service) reader() *writeset.Reader {
	s.t.Helper()
	r, err := writeset.New(writeset.Config{DSN: s.dsn, Log: slog.New(slog.NewTextHandler(s.logs, nil))})
	s.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	s.t.Cleanup(func() { cancel(); s.must(<-done) })
	s.until("write sets are available", func() bool { return r.State().Available })
	return r
}

// prepare runs a shadow whose transaction is to be prepared as gid, and wants
// it acknowledged as rolled back, with nothing left behind.
func (s *service) prepare(gid, target string) reply {
	s.t.Helper()
	out := s.do(s.asPrepared(gid, target))
	if out.err != nil || out.ack.Outcome != txshadow.RolledBack {
		s.t.Fatalf("not acknowledged: %v (%d %s)\n%s", out.err, out.status, out.body, s.logs)
	}
	if n := s.prepared(); n != 0 {
		s.t.Errorf("%d prepared transactions are left", n)
	}
	if n := s.rows(); n != 0 {
		s.t.Errorf("%d rows persisted", n)
	}
	return out
}

// asPrepared is a request whose transaction is to be prepared as gid.
func (s *service) asPrepared(gid, target string) *http.Request {
	s.t.Helper()
	r := s.marked(txshadow.ModeRollback, 5*time.Second, "POST", target, "")
	s.codec.MarkPrepare(r.Header, r.Header.Get("Quack-Request-Id"), gid, 5*time.Second, "POST", target, nil)
	return r
}

func (s *service) prepared() int {
	s.t.Helper()
	return ask[int](s, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()")
}

// soon is long enough for what is there already, and short for what never comes.
func soon() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	_ = cancel
	return ctx
}

// sends is a handler that sends the statements of the request's query.
func sends(s *service, w http.ResponseWriter, r *http.Request) {
	for _, sql := range r.URL.Query()["q"] {
		if _, err := s.db.Exec(r.Context(), sql); err != nil {
			w.Header().Add("Failed", err.Error())
		}
	}
}

func statements(sql ...string) string {
	return "/?q=" + strings.Join(sql, "&q=")
}

var spaced = strings.NewReplacer(" ", "%20", ";", "%3B", "'", "%27")

func TestPrepareGivesTheRows(t *testing.T) {
	s := serve(t, sends)
	r := s.reader()
	gid, w := r.Expect()
	out := s.prepare(gid, spaced.Replace(statements("INSERT INTO accounts (email) VALUES ('a')", "INSERT INTO accounts (email) VALUES ('a')", "UPDATE accounts SET n = 7", "INSERT INTO other.notes VALUES ('x')")))
	if out.ack.Reason != "" || out.header.Get("Failed") == "" {
		t.Fatalf("%+v", out)
	}
	set, err := w.Rows(soon()) // the adapter has waited for it
	if err != nil {
		t.Fatalf("%v\n%+v\n%s", err, r.State(), s.logs)
	}
	var got []string
	for _, c := range set.Changes {
		line := string(c.Op) + " " + c.Table
		for _, col := range c.New {
			line += " " + col.Name + "=" + col.Value
		}
		got = append(got, line)
	}
	id := set.Changes[0].New[0].Value
	want := []string{
		"insert accounts id=" + id + " email=a n=0", "insert audit id=" + set.Changes[1].New[0].Value + " what=INSERT a",
		"update accounts id=" + id + " email=a n=7", "insert other.notes note=x",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if gaps := set.Against(out.ack.Footprint); gaps != nil || out.ack.Footprint == nil {
		t.Errorf("%+v is not %v", gaps, out.ack.Footprint)
	}
}

func TestNothingWrittenIsASetAsWell(t *testing.T) {
	s := serve(t, sends)
	gid, w := s.reader().Expect()
	out := s.prepare(gid, spaced.Replace(statements("SELECT 1")))
	set, err := w.Rows(soon())
	if err != nil || set.Changes == nil || len(set.Changes) != 0 || out.ack.Footprint == nil {
		t.Errorf("%+v, %v, %v", set, err, out.ack.Footprint)
	}
}

// Where PREPARE is refused the shadow is rolled back as ever, and its rows are
// counted; there is no set.
func TestWhatCanNotBePreparedIsCounted(t *testing.T) {
	s := serve(t, sends)
	r := s.reader()
	insert := "INSERT INTO accounts (email) VALUES ('a')"
	for _, c := range []struct{ reason, sql, want string }{
		{"temporary tables", "CREATE TEMP TABLE t AS SELECT 1", ""},
		{"an attempt to escape", "COMMIT", "escape:commit"},
		{"a lift by the application", "SET txshadow.probe = 'x'", "unsupported:txshadow"},
	} {
		gid, w := r.Expect()
		out := s.prepare(gid, spaced.Replace(statements(insert, c.sql)))
		if out.ack.Reason != c.want {
			t.Errorf("%s: %q", c.reason, out.ack.Reason)
		}
		if set, err := w.Rows(soon()); err == nil {
			t.Errorf("%s: %+v", c.reason, set)
		}
		if c.want == "" && len(out.ack.Footprint) != 2 {
			t.Errorf("%s: footprint %v", c.reason, out.ack.Footprint)
		}
	}
}

// Without a decoder, and with one that does not move, a shadow ends all the
// same. (What a reader makes of one that comes late is tested there.)
func TestADecoderThatIsPaused(t *testing.T) {
	s := serve(t, sends, ownDatabase)
	insert := spaced.Replace(statements("INSERT INTO accounts (email) VALUES ('a')"))
	if out := s.prepare("txshadow-nobody-1", insert); out.ack.Reason != "" || len(out.ack.Footprint) != 2 {
		t.Errorf("without a slot: %+v", out)
	}
	s.live("SELECT pg_create_logical_replication_slot('txshadow_paused', 'test_decoding', false, true)")
	defer s.live("SELECT pg_drop_replication_slot('txshadow_paused')")
	if out := s.prepare("txshadow-paused-1", insert); out.ack.Reason != "" || len(out.ack.Footprint) != 2 {
		t.Errorf("paused: %+v", out)
	}
}

// A session that is gone with its transaction prepared is looked after by
// another one; and what somebody has committed is no rollback.
func TestAPreparedTransactionOfASessionThatIsGone(t *testing.T) {
	s := serve(t, sends)
	for _, c := range []struct {
		reason, meanwhile string
		ok                bool
	}{
		{"still prepared", "SELECT 1", true},
		{"rolled back by another", "ROLLBACK PREPARED 'txshadow-gone-1'", true},
		{"committed by another", "COMMIT PREPARED 'txshadow-gone-1'", false},
	} {
		err := s.adapter.PrepareAndGo(t.Context(), "txshadow-gone-1", "INSERT INTO accounts (email) VALUES ('a')", func() { s.live(c.meanwhile) })
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.reason, err)
		}
		if n := s.prepared(); n != 0 {
			t.Errorf("%s: %d are left", c.reason, n)
		}
		if (s.rows() == 0) != c.ok {
			t.Errorf("%s: %d rows", c.reason, s.rows())
		}
	}
}

// What a process that was killed has left prepared is rolled back by the next
// one, and what is not a shadow's, or not ours, is left alone.
func TestOrphansAreRolledBack(t *testing.T) {
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {}, ownDatabase, func(set *setup) { set.orphans = 50 * time.Millisecond })
	s.live("CREATE ROLE neighbour SUPERUSER LOGIN")
	prepare := func(gid, role string) {
		s.live("BEGIN; SET LOCAL ROLE " + role + "; INSERT INTO accounts (email) VALUES ('" + gid + "'); PREPARE TRANSACTION '" + gid + "'")
	}
	prepare("txshadow-killed-1", "postgres")
	prepare("txshadow-Killed-1", "postgres")
	prepare("app-1", "postgres")
	conn, err := pgx.Connect(t.Context(), strings.Replace(s.dsn, "postgres@", "neighbour@", 1))
	s.must(err)
	_, err = conn.Exec(t.Context(), "BEGIN; INSERT INTO accounts (email) VALUES ('n'); PREPARE TRANSACTION 'txshadow-neighbour-1'")
	s.must(err)
	s.must(conn.Close(t.Context()))
	resp, err := http.Get(s.url + "/") // a live request
	s.must(err)
	resp.Body.Close()
	left := func() string {
		return ask[string](s, "SELECT string_agg(gid, ' ' ORDER BY gid COLLATE \"C\") FROM pg_prepared_xacts WHERE database = current_database()")
	}
	s.until("the orphan is gone", func() bool { return !strings.Contains(left(), "txshadow-killed-1") })
	prepare("txshadow-killed-2", "postgres") // later, it is looked again
	s.until("the next orphan is gone", func() bool { return !strings.Contains(left(), "txshadow-killed-2") })
	if got := left(); got != "app-1 txshadow-Killed-1 txshadow-neighbour-1" {
		t.Errorf("left: %s", got)
	}
	for _, gid := range []string{"app-1", "txshadow-Killed-1", "txshadow-neighbour-1"} {
		s.live("ROLLBACK PREPARED '" + gid + "'")
	}
	s.live("DROP ROLE neighbour")
}

func (s *service) hello() reply {
	s.t.Helper()
	s.adapter.ForgetProof(true)
	return s.do(s.marked(txshadow.ModeHello, 0, "GET", txshadow.HelloPath, ""))
}

// olderFuse is the fuse before it had a lift.
const olderFuse = `CREATE OR REPLACE FUNCTION txshadow.refuse() RETURNS trigger LANGUAGE plpgsql AS $fuse$
BEGIN RAISE EXCEPTION 'a shadow transaction can not be committed' USING ERRCODE = 'QF001'; END $fuse$`

// looseFuse is lifted by any nonce.
const looseFuse = `CREATE OR REPLACE FUNCTION txshadow.refuse() RETURNS trigger LANGUAGE plpgsql AS $fuse$
BEGIN IF current_setting('txshadow.probe', true) <> '' THEN RETURN NULL; END IF;
RAISE EXCEPTION 'a shadow transaction can not be committed' USING ERRCODE = 'QF001'; END $fuse$`

func TestHelloSaysWhetherRowsCanBeRead(t *testing.T) {
	s := serve(t, sends, ownDatabase)
	if out := s.hello(); out.ack.Outcome != txshadow.Ready || out.ack.Reason != txshadow.ReasonPrepare {
		t.Errorf("%+v\n%s", out, s.logs)
	}
	s.live(olderFuse)
	if out := s.hello(); out.ack.Outcome != txshadow.Ready || out.ack.Reason != "" {
		t.Errorf("an older fuse: %+v\n%s", out, s.logs)
	}
	out := s.prepare("txshadow-older-1", spaced.Replace(statements("INSERT INTO accounts (email) VALUES ('a')")))
	if out.ack.Reason != "" || len(out.ack.Footprint) != 2 {
		t.Errorf("an older fuse: %+v", out)
	}
	s.live(txshadow.InstallSQL()) // over it
	if out := s.hello(); out.ack.Reason != txshadow.ReasonPrepare {
		t.Errorf("installed anew: %+v\n%s", out, s.logs)
	}
	s.live(looseFuse)
	if out := s.hello(); out.err == nil || out.status != http.StatusServiceUnavailable || !strings.Contains(out.body, "another transaction's nonce") {
		t.Errorf("a fuse that is lifted by any nonce: %+v", out)
	}
	if n := s.prepared(); n != 0 {
		t.Errorf("%d prepared transactions are left", n)
	}
}

// The nonce can not be read by a role that may only arm the fuse, so that it
// can not lift it, with no other layer before it.
func TestAPlainRoleCanNotLiftTheFuse(t *testing.T) {
	s := serve(t, sends, ownDatabase)
	s.live("CREATE ROLE plain LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO plain; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain")
	defer s.live("DROP OWNED BY plain; DROP ROLE plain")
	conn, err := pgx.Connect(t.Context(), strings.Replace(s.dsn, "postgres@", "plain@", 1))
	s.must(err)
	defer conn.Close(context.Background())
	for _, lift := range []string{
		"SET LOCAL txshadow.probe = 'guess'", "SET txshadow.probe = ''", "SET LOCAL txshadow.probe = 'NONCE'", `SET LOCAL "txshadow.probe" = ''`,
		"SELECT set_config('txshadow.probe', nonce, true) FROM txshadow.fuse", "SELECT set_config('txshadow.probe', '', true)",
		"UPDATE txshadow.fuse SET nonce = ''", "DELETE FROM txshadow.fuse", "INSERT INTO txshadow.fuse VALUES ('') RETURNING nonce",
		"INSERT INTO txshadow.fuse VALUES ('mine'); SET LOCAL txshadow.probe = 'mine'",
	} {
		for _, end := range []string{"COMMIT", "PREPARE TRANSACTION 'txshadow-plain-1'"} {
			_, err := conn.Exec(t.Context(), "BEGIN; INSERT INTO txshadow.fuse VALUES ('nonce'); INSERT INTO accounts (email) VALUES ('a'); "+lift+"; "+end)
			if err == nil {
				t.Errorf("%s; %s: accepted", lift, end)
			}
			if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
			if s.prepared() != 0 || s.rows() != 0 {
				t.Errorf("%s; %s: persisted", lift, end)
			}
		}
	}
}

// A replayed request prepares the same name once more, or is only counted.
func TestAPreparedShadowThatIsReplayed(t *testing.T) {
	s := serve(t, sends)
	gid, w := s.reader().Expect()
	target := spaced.Replace(statements("INSERT INTO accounts (email) VALUES ('a')"))
	for range 2 {
		if out := s.prepare(gid, target); out.ack.Reason != "" || len(out.ack.Footprint) != 2 {
			t.Errorf("%+v", out)
		}
	}
	if set, err := w.Rows(soon()); err != nil || len(set.Changes) != 2 {
		t.Errorf("%+v, %v", set, err)
	}
	if _, err := w.Rows(soon()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second set: %v", err)
	}
}

// Every escape of the matrix, from a shadow that is to be prepared: with all
// layers nothing persists and the alarm is raised; without the interception the
// layers behind it let through what they do for any other shadow.
func TestEscapesFromAPreparedShadow(t *testing.T) {
	for _, set := range []struct {
		name   string
		layers txshadow.Layers
		let    string // what lets through in the table, "" for nothing
	}{
		{"all", txshadow.Layers{}, ""},
		{"fuse and belt", txshadow.Layers{NoInterception: true}, "ROLLBACK AND CHAIN|BEGIN READ WRITE|START TRANSACTION|nonce, true"},
	} {
		t.Run(set.name, func(t *testing.T) {
			var a attempt
			s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { a.run(r.Context(), s.db) },
				withLayers(set.layers), withPool(func(c *pgxpool.Config) {
					c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
						_, err := conn.Prepare(ctx, "prepared_commit", "COMMIT")
						return err
					}
				}))
			db, r := s.watchman(), s.reader()
			for _, escape := range tried {
				for _, a = range []attempt{{escape, false, true}, {escape, true, true}, {escape, false, false}} {
					gid, w := r.Expect()
					req := s.marked(txshadow.ModeRollback, 5*time.Second, "POST", "/", "")
					s.codec.MarkPrepare(req.Header, req.Header.Get("Quack-Request-Id"), gid, 5*time.Second, "POST", "/", nil)
					out := s.do(req)
					w.Forget()
					name := escape.String()
					letThrough := set.let != "" && regexp.MustCompile(set.let).MatchString(name)
					if n := db.leaked(); n > 0 && !letThrough {
						t.Errorf("%s: %d rows persisted (%+v)", name, n, a)
					}
					if set.layers == (txshadow.Layers{}) && out.ack.Reason == "" && !escape.Harmless {
						t.Errorf("%s: no alarm (%+v): %+v", name, a, out)
					}
				}
			}
		})
	}
}
