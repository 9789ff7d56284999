package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
)

// The gate from the outside: a write under way is waited for, others are
// blocked with the operator's message, reads go on, a skipped route passes
// marked, and kill -9 changes nothing.
func TestReadOnlyMode(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	legacy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-release
		}
		io.WriteString(w, "marked: "+r.Header.Get("Quack-Read-Only"))
	}))
	t.Cleanup(legacy.Close)
	q := start(t, table(legacy.URL, legacy.URL, "", "  - {name: skipped, match: POST /events, readonly: skip}\n"))

	slow := make(chan int, 1)
	go func() {
		status, _ := q.ask("POST", "/slow", "x")
		slow <- status
	}()
	<-arrived
	if out, code := q.run("readonly", "on", "--wait", "300ms", "--why", "moving <the> database"); code != 1 || !strings.Contains(out, "1") {
		t.Fatalf("a write is under way; code %d\n%s", code, out)
	}
	q.blocked("moving <the> database", "moving &lt;the&gt; database")
	close(release)
	if status := <-slow; status != 200 {
		t.Errorf("the write that was under way got %d", status)
	}
	if out, code := q.run("readonly", "on", "--wait", "10s", "--for", "15m", "--why", "moving it"); code != 0 || !strings.Contains(out, "read-only") {
		t.Fatalf("code %d\n%s", code, out)
	}

	q.kill()
	q.launch()
	q.blocked("moving it", "moving it")
	if status, _ := q.ask("GET", "/anything", ""); status != 200 {
		t.Errorf("a read got %d", status)
	}
	if _, body := q.ask("POST", "/events", "x"); body != "marked: 1" {
		t.Errorf("the skipped route passed with %q", body)
	}
	if out, code := q.run("readonly", "off", "--why", "moved"); code != 0 {
		t.Fatalf("code %d\n%s", code, out)
	}
	if status, _ := q.ask("POST", "/anything", "x"); status != 200 {
		t.Errorf("a write got %d after the gate was opened", status)
	}
	if out, _ := q.run("audit"); !strings.Contains(out, "moved") || !strings.Contains(out, "moving it") {
		t.Errorf("the audit does not say why:\n%s", out)
	}
}

// blocked checks both forms of the answer to a write.
func (q *running) blocked(message, inHTML string) {
	q.t.Helper()
	for accept, want := range map[string][2]string{
		"application/json": {"application/problem+json", ""},
		"text/html":        {"text/html", inHTML},
	} {
		req, err := http.NewRequest("POST", q.url+"/anything", strings.NewReader("x"))
		if err != nil {
			q.t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			q.t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			q.t.Fatal(err)
		}
		h := res.Header
		if res.StatusCode != 503 || h.Get("Retry-After") == "" || h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("Content-Type"), want[0]) {
			q.t.Errorf("%s: %d %v", accept, res.StatusCode, h)
		}
		if accept == "text/html" && !strings.Contains(string(body), want[1]) {
			q.t.Errorf("the page does not show %q:\n%s", want[1], body)
		}
	}
	if out, code := q.run("readonly", "status"); code != 0 || !strings.Contains(out, message) {
		q.t.Errorf("quack readonly status: code %d\n%s", code, out)
	}
}

// After kill -9 and a restart the report agrees with the traffic, to within
// the last second.
func TestReportSurvivesKill(t *testing.T) {
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"a":1}` })
	newer := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"a":2}` })
	q := start(t, table(legacy, newer, "", "  - {name: show, match: GET /a, stage: shadow}\n"))
	const total = 50
	for range total {
		q.ask("GET", "/a", "")
	}
	q.until("show", "all compared", func(r reports.RouteReport) bool { return r.Mismatched == total })
	time.Sleep(2 * time.Second) // what is promised is: all but the last second
	q.kill()
	q.launch()
	q.until("show", "what was counted before", func(r reports.RouteReport) bool { return r.Mismatched == total && r.Served == total })
	if groups := q.differences(); len(groups) == 0 || groups[0].Count != total || groups[0].Path != "$.a" {
		t.Errorf("the differences after the restart: %+v", groups)
	}
}
