package txshadow_test

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/txshadow"
)

// The server loses a backend in the middle of a shadow, and with it all of its
// sessions and what is in memory. Nothing persists, what was prepared comes back
// and is rolled back, and rows can be read again: nobody has to do anything.
func TestTheServerCrashes(t *testing.T) {
	c, err := postgres.Start(t.Context(), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	conn, err := pgx.Connect(t.Context(), c.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), schema+txshadow.InstallSQL()); err != nil {
		t.Fatal(err)
	}
	const prepare = "BEGIN; INSERT INTO accounts (email) VALUES ('orphan'); PREPARE TRANSACTION 'txshadow-killed-1'"
	crash := true
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		s.db.Exec(r.Context(), "INSERT INTO accounts (email) VALUES ('a')")
		if !crash {
			return
		}
		var pid int
		if err := s.db.QueryRow(r.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Error(err)
			return
		}
		if _, err := conn.Exec(r.Context(), prepare); err != nil { // as one that was killed has left it
			t.Error(err)
		}
		process, err := os.FindProcess(pid)
		if err != nil || process.Kill() != nil {
			t.Error("the backend can not be killed")
		}
		s.db.Exec(r.Context(), "INSERT INTO accounts (email) VALUES ('b')")
	}, func(set *setup) { set.at, set.orphans = c.DSN("postgres"), 200*time.Millisecond })
	r := s.reader()
	gid, w := r.Expect()
	req := s.marked(txshadow.ModeRollback, 5*time.Second, "POST", "/", "")
	s.codec.MarkPrepare(req.Header, req.Header.Get("Quack-Request-Id"), gid, 5*time.Second, "POST", "/", nil)
	if out := s.do(req); out.err == nil && out.ack.Reason == "" {
		t.Errorf("acknowledged as if nothing had been: %+v", out)
	}
	if set, err := w.Rows(soon()); err == nil {
		t.Errorf("a set: %+v", set)
	}
	crash = false
	up := func() bool {
		conn, err := pgx.Connect(t.Context(), c.DSN("postgres"))
		if err == nil {
			conn.Close(t.Context())
		}
		return err == nil
	}
	s.until("the server is back", up)
	s.until("the orphan is rolled back", func() bool { return s.prepared() == 0 })
	s.until("rows can be read", func() bool { return r.State().Available })
	if n := s.rows(); n != 0 {
		t.Errorf("%d rows persisted", n)
	}
	gid, w = r.Expect()
	s.prepare(gid, "/")
	if set, err := w.Rows(soon()); err != nil || len(set.Changes) != 2 {
		t.Errorf("%+v, %v", set, err)
	}
}
