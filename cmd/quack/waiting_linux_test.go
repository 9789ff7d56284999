package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
)

// TestWaitingOnATerminal: who waits sees for what and how long, and in the end
// nothing but the result.
func TestWaitingOnATerminal(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	legacy := serveJSON(t, func(r *http.Request) (int, string) {
		if r.Method == http.MethodPost {
			close(arrived)
			<-release
		}
		return 200, `{}`
	})
	q := start(t, table(legacy, legacy, "", "  - {name: create, match: \"POST /products\"}\n"))
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		q.ask("POST", "/products", `{"a":1}`)
	}()
	<-arrived
	s := q.onTerminal(t, 100, 24, "readonly", "on", "--wait", "5m", "--why", "split")
	s.sees("\r[", "] waiting until no write is under way: 0s of 5m0s\x1b[K", "\r[", "1s of 5m0s")
	close(release)
	<-answered
	s.ends(0)
	if _, last, found := strings.Cut(s.text(), "\r\x1b[Kread-only since "); !found || strings.Contains(last, "waiting") || !strings.Contains(last, "0 writes under way") {
		t.Errorf("the terminal is sent %q", s.text())
	}
	q.until("create", "served", func(r reports.RouteReport) bool { return r.Served == 1 })
	if out, code := q.run("readonly", "status", "--wait", "1s"); code != 0 || strings.Contains(out, "waiting") || strings.Contains(out, "\r") {
		t.Errorf("without a terminal: code %d\n%s", code, out)
	}
}
