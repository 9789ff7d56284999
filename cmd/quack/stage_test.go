package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
)

// 10,000 requests while the stage is set in the file and live: none fails, and
// both ways take effect.
func TestTogglingUnderLoadFailsNoRequest(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"legacy"}` })
	newer := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"new"}` })
	file := func(stage string) string {
		return table(legacy, newer, "", fmt.Sprintf("  - {name: show, match: \"GET /a/{id}\", stage: %s}\n", stage))
	}
	q := start(t, file("legacy"))
	ctx, stop := context.WithCancel(context.Background())
	toggled := make(chan struct{})
	go q.toggle(ctx, file, toggled)

	var failed, byNew atomic.Int64
	var clients sync.WaitGroup
	const total, perClient = 10000, 1250
	for range total / perClient {
		clients.Go(func() {
			for i := range perClient {
				res, err := http.Get(fmt.Sprintf("%s/a/%d", q.url, i))
				if err != nil {
					failed.Add(1)
					continue
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != 200 {
					failed.Add(1)
				}
				if string(body) == `{"side":"new"}` {
					byNew.Add(1)
				}
			}
		})
	}
	clients.Wait()
	stop()
	<-toggled
	if failed.Load() != 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), total)
	}
	if n := byNew.Load(); n == 0 || n == total {
		t.Errorf("%d of %d were answered by new: the toggling had no effect", n, total)
	}
}

// toggle sets the stage by turns in the file and live until ctx ends.
func (q *running) toggle(ctx context.Context, file func(string) string, done chan<- struct{}) {
	defer close(done)
	stages := []string{"new", "legacy", "shadow", "verify"}
	for i := 0; ctx.Err() == nil; i++ {
		stage := stages[i%len(stages)]
		if i%2 == 0 {
			q.write(file(stage))
		} else if err := q.client.SetStage(context.Background(), "show", stage, 0, "toggling"); err != nil {
			q.t.Errorf("set stage %s: %v", stage, err)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// A stage takes effect from the file and live; a live one stands until the
// file's own value changes.
func TestFileAndLiveStage(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"legacy"}` })
	newer := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"new"}` })
	file := func(stage string) string {
		return table(legacy, newer, "", fmt.Sprintf("  - {name: show, match: \"GET /a/{id}\", stage: %s}\n", stage))
	}
	q := start(t, file("legacy"))
	q.answeredBy("legacy")
	q.write(file("new"))
	q.answeredBy("new")
	if out, code := q.run("stage", "show", "legacy", "--why", "by hand"); code != 0 {
		t.Fatalf("quack stage: code %d\n%s", code, out)
	}
	q.answeredBy("legacy")
	if out, code := q.run("routes"); code != 0 || !strings.Contains(out, "by hand") {
		t.Errorf("quack routes does not say who set the stage: code %d\n%s", code, out)
	}
	q.kill()
	q.launch()
	q.answeredBy("legacy") // the override survives kill -9
	q.write(file("verify"))
	q.answeredBy("new")
}

func (q *running) answeredBy(side string) {
	q.t.Helper()
	want := fmt.Sprintf(`{"side":%q}`, side)
	var answer string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, answer = q.ask("GET", "/a/1", ""); answer == want {
			return
		}
	}
	q.t.Fatalf("answered %s, want %s", answer, want)
}

// A shadow backend that hangs: the client notices nothing, the queue drops and
// counts.
func TestHangingShadowIsNotNoticed(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{}` })
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(release) })
	q := start(t, table(legacy, hanging.URL, "", "  - {name: show, match: \"GET /a\", stage: shadow, shadow: {timeout: 2s}}\n"))

	const total = 2000
	for range total {
		if status, body := q.ask("GET", "/a", ""); status != 200 || body != `{}` {
			t.Fatalf("the client got %d %q", status, body)
		}
	}
	r := q.until("show", "every request accounted for", func(r reports.RouteReport) bool {
		var skipped int64
		for _, n := range r.Skipped {
			skipped += n
		}
		return r.Compared+r.Errors+r.Dropped+skipped == total
	})
	if r.Compared != 0 || r.Dropped+r.Skipped["breaker"] == 0 || r.Skipped["timeout"] == 0 {
		t.Errorf("compared %d, dropped %d, skipped %v", r.Compared, r.Dropped, r.Skipped)
	}
}

// At ramp each client stays on the side it was given, about the share that was
// asked for gets new, a larger share only adds clients, and a request without
// its client's mark goes to legacy and is counted.
func TestRampKeepsClientsOnTheirSide(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, "legacy" })
	newer := serveJSON(t, func(*http.Request) (int, string) { return 200, "new" })
	q := start(t, table(legacy, newer, "", "  - {name: show, match: GET /a, stage: ramp, percent: 25, sticky: header:X-User-Id}\n"))
	const clients = 400
	side := func(user string) string {
		req, err := http.NewRequest("GET", q.url+"/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			req.Header.Set("X-User-Id", user)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	sides := func() (onNew map[int]bool) {
		onNew = make(map[int]bool)
		for i := range clients {
			if side(fmt.Sprint("user-", i)) == "new" {
				onNew[i] = true
			}
		}
		return onNew
	}
	before, again := sides(), sides()
	if !maps.Equal(before, again) {
		t.Error("a client was given another side the second time")
	}
	if n := len(before); n < clients/8 || n > clients*3/8 {
		t.Errorf("%d of %d clients get new, want about a quarter", n, clients)
	}
	if out, code := q.run("stage", "show", "ramp", "--percent", "60", "--why", "more"); code != 0 {
		t.Fatalf("code %d\n%s", code, out)
	}
	after := sides()
	for i := range before {
		if !after[i] {
			t.Errorf("client %d went back to legacy when the share grew", i)
		}
	}
	if len(after) <= len(before) {
		t.Errorf("%d clients at 25%%, %d at 60%%", len(before), len(after))
	}
	for range 3 {
		if got := side(""); got != "legacy" {
			t.Errorf("a request without its client's mark was answered by %s", got)
		}
	}
	q.until("show", "3 unmarked", func(r reports.RouteReport) bool { return r.Unmarked == 3 })
}
