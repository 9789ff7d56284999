package txshadow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/harness"
)

// serveSingle starts a service with one connection and no pool.
func serveSingle(t *testing.T, handle func(db *txshadow.Single, w http.ResponseWriter, r *http.Request)) (*service, *pgx.Conn) {
	t.Helper()
	s := &service{t: t, logs: &harness.Log{}}
	s.database(setup{})
	cfg, err := pgx.ParseConfig(s.dsn)
	s.must(err)
	prepare := func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Prepare(ctx, "add", "INSERT INTO accounts (email) VALUES ($1)")
		return err
	}
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	s.must(err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	s.must(prepare(t.Context(), conn))
	s.adapter, err = txshadow.New(txshadow.Config{
		Secret: secret, ConnConfig: cfg, AfterConnect: prepare, WallCap: 10 * time.Second, Log: slog.New(slog.NewTextHandler(s.logs, nil)),
	})
	s.must(err)
	t.Cleanup(func() { s.must(s.adapter.Close(context.Background())) })
	db := s.adapter.Conn(conn)
	s.codec = s.adapter.Codec()
	server := httptest.NewServer(s.adapter.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(db, w, r) })))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s, conn
}

// What is sent beside an open transaction is inside it, because there is one
// connection, in a shadow as live.
func TestASingleConnection(t *testing.T) {
	s, conn := serveSingle(t, func(db *txshadow.Single, w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		count := func(email string) (n int) {
			if err := db.QueryRow(ctx, "SELECT count(*) FROM accounts WHERE email = $1", email).Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		if _, err := db.Exec(ctx, "add", "prepared"); err != nil {
			t.Errorf("a statement of AfterConnect: %v", err)
		}
		tx := must(db.Begin(ctx))
		must(tx.Exec(ctx, "add", "in"))
		must(db.Exec(ctx, "add", "beside"))
		inside := count("beside")
		if err := tx.Rollback(ctx); err != nil {
			t.Error(err)
		}
		must(db.Prepare(ctx, "mine", "INSERT INTO accounts (email) VALUES ('mine')"))
		must(db.Exec(ctx, "mine"))
		b := &pgx.Batch{}
		b.Queue("add", "batch")
		if err := db.SendBatch(ctx, b).Close(); err != nil {
			t.Error(err)
		}
		copied := must(db.CopyFrom(ctx, pgx.Identifier{"accounts"}, []string{"email"}, pgx.CopyFromRows([][]any{{"copied"}})))
		fmt.Fprint(w, inside, count("in"), count("beside"), count("prepared"), count("mine"), count("batch"), copied, db.Ping(ctx) == nil)
	})
	const want = "1 0 0 1 1 1 1 true"
	out := s.shadow("/")
	if out.body != want || out.ack.Reason != "" || s.rows() != 0 {
		t.Errorf("shadow: %s, reason %q, %d rows persist", out.body, out.ack.Reason, s.rows())
	}
	if got := out.ack.Footprint.String(); got != `tables=("public.accounts";ins=4 "public.audit";ins=4)` {
		t.Errorf("footprint %s", got)
	}
	if st := conn.PgConn().TxStatus(); st != 'I' {
		t.Errorf("the live connection has status %c", st)
	}
	resp, err := http.Post(s.url+"/", "", nil)
	s.must(err)
	resp.Body.Close()
	if n := s.rows(); n != 8 {
		t.Errorf("%d rows of a live request, want 8", n)
	}
}

// A reading shadow has a session of its own: one that writes is refused, and
// the application's connection is not used.
func TestASingleConnectionReads(t *testing.T) {
	s, conn := serveSingle(t, func(db *txshadow.Single, w http.ResponseWriter, r *http.Request) {
		var n int
		err := db.QueryRow(r.Context(), "SELECT count(*) FROM accounts").Scan(&n)
		fmt.Fprint(w, n, err)
		if r.URL.Path == "/write" {
			db.Exec(r.Context(), insert)
		}
	})
	s.must(conn.Close(t.Context())) // shadows do not need it
	for path, reason := range map[string]string{"/": "", "/write": "write:25006:insert:accounts"} {
		out := s.do(s.marked(txshadow.ModeReadOnly, 0, "GET", path, ""))
		if out.err != nil || out.ack.Reason != reason || out.body != "0 <nil>" {
			t.Errorf("%s: %+v", path, out)
		}
	}
	if n := s.rows(); n != 0 {
		t.Errorf("%d rows persist", n)
	}
}

// After a shadow's end its context leads nowhere, and another context is live
// and noticed.
func TestASingleConnectionAndOtherContexts(t *testing.T) {
	over := make(chan error, 1)
	ended := make(chan struct{})
	s, _ := serveSingle(t, func(db *txshadow.Single, w http.ResponseWriter, r *http.Request) {
		db.Exec(context.Background(), "UPDATE accounts SET n = 1")
		go func() {
			<-ended
			_, err := db.Exec(r.Context(), insert)
			over <- err
		}()
	})
	if out := s.shadow("/"); out.ack.Reason != "unsupported:foreign-context" {
		t.Errorf("reason %q", out.ack.Reason)
	}
	close(ended)
	if err := <-over; !errors.Is(err, txshadow.ErrOver) {
		t.Errorf("after the end: %v", err)
	}
	if n := s.rows(); n != 0 {
		t.Errorf("%d rows persist", n)
	}
}

func TestConfigOfConnections(t *testing.T) {
	cfg, err := pgx.ParseConfig("postgres://127.0.0.1/none")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := txshadow.New(txshadow.Config{Secret: secret}); err == nil || !strings.Contains(err.Error(), "neither Config.Pool nor Config.ConnConfig") {
		t.Errorf("without both: %v", err)
	}
	a, err := txshadow.New(txshadow.Config{Secret: secret, ConnConfig: cfg})
	if err != nil {
		t.Fatal(err)
	}
	if a.Pool() != nil {
		t.Error("an adapter without a pool has one")
	}
}
