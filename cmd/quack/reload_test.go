package main

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A bad file changes nothing and is said everywhere; the next good one is in
// force at once when SIGHUP asks for it.
func TestBadFileLeavesTheTableInForce(t *testing.T) {
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"legacy"}` })
	newer := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"new"}` })
	good := table(legacy, newer, "", "  - {name: show, match: \"GET /a/{id}\", stage: new}\n")
	q := start(t, good)
	q.answeredBy("new")

	q.write(strings.Replace(good, "stage: new", "stage: newest", 1))
	q.loadError(`"newest"`)
	q.answeredBy("new")
	if !strings.Contains(q.logged(), "the table in force stays") {
		t.Errorf("the log does not say so:\n%s", q.logged())
	}

	q.write(strings.Replace(good, "stage: new", "stage: legacy", 1))
	if err := q.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	q.answeredBy("legacy")
	q.loadError("")
}

// loadError waits until quack status gives a load error with the text, or none.
func (q *running) loadError(text string) {
	q.t.Helper()
	var last string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		status, err := q.client.Status(context.Background())
		if err != nil {
			q.t.Fatal(err)
		}
		last = status.Table.LoadError
		if (text == "") == (last == "") && strings.Contains(last, text) {
			return
		}
	}
	q.t.Fatalf("load error %q, want one with %q", last, text)
}

// While a stop is announced, clients are still served.
func TestLameDuckServesOn(t *testing.T) {
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{}` })
	q := start(t, strings.TrimSuffix(table(legacy, legacy, "", ""), "routes:\n"), "--lame-duck", "2s")
	ready := func() int {
		res, err := http.Get(q.client.Base + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if code := ready(); code != 200 {
		t.Fatalf("/readyz answers %d", code)
	}
	if err := q.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for ready() == 200 {
		time.Sleep(5 * time.Millisecond)
	}
	http.DefaultClient.CloseIdleConnections() // a new connection is what is tried
	if status, _ := q.ask("GET", "/", ""); status != 200 {
		t.Errorf("a client of the lame duck got %d", status)
	}
	<-q.exited
	if code := q.state.ExitCode(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, q.logged())
	}
}
