package conformance

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// checkSessionLost: the server ends a shadow's session. Nothing persists, and
// the app goes on.
func checkSessionLost(t *testing.T, s *suite) {
	s.db.unchanged(t, func() {
		pending := s.sendAway(s.marked(t, slow("plums", long).shadow()))
		s.db.sleeping(t)
		s.db.exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
		out := pending(t)
		if out.err != nil && out.status < 500 || out.err == nil && !strings.HasPrefix(out.ack.Reason, "unsupported:") {
			t.Errorf("acknowledged %+v, %v\n%d %s", out.ack, out.err, out.status, out.body)
		}
		s.db.settles(t)
	})
	create := post("/items", fields{"name": "plums"})
	sameAnswer(t, s.rolledBack(t, create.shadow()), s.live(t, create))
}

// checkPooler: behind a pooler that shares sessions the belt would reach live
// work, so an adapter is not ready and runs nothing.
func checkPooler(t *testing.T, s *suite) {
	dsn := pooler(t, s.db.dsn)
	pooled := *s
	pooled.start(t, settings{dsn: dsn, wallCap: relaxed})
	if out := pooled.hello(t); out.err == nil || out.status < 500 {
		t.Errorf("hello behind a pooler: %d, outcome %q", out.status, out.ack.Outcome)
	}
	s.db.unchanged(t, func() {
		out := pooled.do(t, pooled.marked(t, post("/items", fields{"name": "plums"}).shadow()))
		if out.err == nil && !strings.HasPrefix(out.ack.Reason, "unsupported:") {
			t.Errorf("a shadow behind a pooler was run: %+v", out.ack)
		}
	})
	pooled.process.kill()
	// More than the pooler has sessions: none of them has kept a setting.
	for range 8 {
		conn := connect(t, dsn+"&default_query_exec_mode=simple_protocol")
		var readOnly string
		if err := conn.QueryRow(t.Context(), "SHOW default_transaction_read_only").Scan(&readOnly); err != nil || readOnly != "off" {
			t.Errorf("a session of the pooler has default_transaction_read_only = %q (%v)", readOnly, err)
		}
	}
}

// pooler starts PgBouncer in transaction mode before the database of dsn.
func pooler(t *testing.T, dsn string) (pooled string) {
	t.Helper()
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		bin = "/usr/sbin/pgbouncer" // not in the path of everyone
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	ini := filepath.Join(t.TempDir(), "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=%s port=%s user=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\nunix_socket_dir =\n"+
		"auth_type = any\npool_mode = transaction\nignore_startup_parameters = extra_float_digits,options,client_encoding\n",
		u.Hostname(), u.Port(), u.User.Username(), port)
	if err := os.WriteFile(ini, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{bin, ini}
	if os.Getuid() == 0 { // it does not run as root
		args = []string{bin, "-u", "nobody", ini}
	}
	cmd := kept(args)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		killGroup(cmd)
		cmd.Wait()
	})
	u.Host = "127.0.0.1:" + port
	eventually(t, "PgBouncer answers", func() bool {
		conn, err := pgx.Connect(t.Context(), u.String())
		if err != nil {
			return false
		}
		conn.Close(t.Context())
		return true
	})
	return u.String()
}
