package watchdog_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// The sessions of the Go adapter are known as what they are: one that holds a
// row is ended, and its service says that the session was lost, not that
// anything is wrong.
func TestASessionOfTheAdapterIsEnded(t *testing.T) {
	w := newWorld(t)
	if err := txshadow.Install(t.Context(), w.session("setup")); err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	const secret = "a secret of tests that is long enough"
	adapter, err := txshadow.New(txshadow.Config{Secret: secret, Pool: pool, WallCap: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer adapter.Close(context.Background())
	holding, over := make(chan error, 1), make(chan struct{})
	service := httptest.NewServer(adapter.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := adapter.Pool().Exec(r.Context(), "UPDATE accounts SET n = n + 100 WHERE id = 1")
		holding <- err
		<-over
		adapter.Pool().Exec(r.Context(), "UPDATE accounts SET n = n + 100 WHERE id = 2")
	})))
	defer service.Close()

	dog := w.watch(w.dsn, settings())
	defer enter(t, dog)()
	answered := make(chan *http.Response, 1)
	secrets, err := txshadow.ParseSecrets(secret)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := txshadow.NewCodec(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		req, _ := http.NewRequest("POST", service.URL+"/accounts", strings.NewReader(""))
		codec.MarkShadow(req.Header, "r1", txshadow.ModeRollback, 20*time.Second, "POST", "/accounts", nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
		answered <- resp
	}()
	if err := <-holding; err != nil {
		t.Fatal(err)
	}
	live := w.session("live")
	live.Exec(t.Context(), "UPDATE accounts SET n = n + 1 WHERE id = 1", pgx.QueryExecModeSimpleProtocol)
	close(over)
	resp := <-answered
	if resp == nil {
		t.FailNow()
	}
	resp.Body.Close()
	ack, err := codec.Acknowledged(resp.Header, "r1")
	if err != nil || ack.Outcome != txshadow.RolledBack || ack.Reason != "unsupported:session-lost" {
		t.Errorf("%d, %+v, %v", resp.StatusCode, ack, err)
	}
	if n := w.n(1); n != 1 {
		t.Errorf("n is %d", n)
	}
	w.until("one is counted", func() bool { return dog.State().Blocking == 1 })
}
