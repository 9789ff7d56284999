package shadow

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// cloned makes r's sides have a database each, and its routes keep writes.
func (r *rig) cloned(t *testing.T, more string) *rig {
	t.Helper()
	src := fmt.Sprintf(`version: 1
backends:
  monolith: {urls: ["%s"], database: shop}
  accounts: {urls: ["%s"], database: copy}
databases: {shop: {}, copy: {}}
defaults:
  legacy: monolith
  new: accounts
  stage: shadow
  shadow: {order: clone}
routes:
  - {name: show, match: "GET /accounts/{id}"}
  - {name: create, match: "POST /accounts"}
  - {name: back, match: "POST /back", stage: verify}
%s`, r.legacy.URL, r.new.URL, more)
	tab, err := routes.Parse("routes.yaml", []byte(src))
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	r.table = tab
	return r
}

// by is the request of a client.
func by(req Request, client string) Request {
	req.Client = client
	return req
}

// TestKeptWriteAsSent holds what a write that is kept looks like on the wire:
// what it causes must be known for a shadow's, and no adapter be asked.
func TestKeptWriteAsSent(t *testing.T) {
	for _, c := range []struct {
		route, reason string
		live          routes.Side
	}{
		{"create", "new is shadowed", routes.Legacy},
		{"back", "legacy is shadowed: it has a database of its own too", routes.New},
	} {
		t.Run(c.route, func(t *testing.T) {
			r := newRig(t, options{}).cloned(t, "").run(t)
			shadow, live := r.new, r.legacy
			if c.live == routes.New {
				shadow, live = live, shadow
			}
			shadow.change(func(s *server) { s.app = answer(201, `{"id":2}`) })
			req := r.ask(c.route, "POST", "/"+c.route, `{"name":"Ada"}`)
			r.Offer(req, c.live, r.live(c.live, 201, `{"id":1}`))
			got := r.ledger.compared(t)
			if got.Verdict != reports.Mismatch || len(got.Differences) != 1 || got.First != string(c.live) {
				t.Errorf("%s: recorded %+v", c.reason, got)
			}
			time.Sleep(20 * time.Millisecond) // a re-check would come after a millisecond
			sent := shadow.requests()
			if len(sent) != 1 || len(live.requests()) != 0 {
				t.Fatalf("%s: %d requests to the shadow side and %d to the live side, want 1 and 0", c.reason, len(sent), len(live.requests()))
			}
			h := sent[0].Header
			if sent[0].Body != `{"name":"Ada"}` || h.Get("Quack-Shadow") != "" || !r.cfg.Protocol.Nested(h) || !strings.Contains(h.Get("Quack-Context"), "role=shadow") {
				t.Errorf("%s: sent %+v", c.reason, sent[0])
			}
		})
	}
}

// TestWritesOfAClientKeepTheirOrder: the queue serves its newest job first, and
// eight workers serve it; a client's requests go one after the other all the same.
func TestWritesOfAClientKeepTheirOrder(t *testing.T) {
	r := newRig(t, options{}).cloned(t, "")
	r.new.change(func(s *server) {
		s.app = func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Millisecond)
			answer(200, `{"id":1}`)(w, r)
		}
	})
	const clients, each = 4, 25
	for i := range each {
		for client := range clients {
			req := r.ask("create", "POST", fmt.Sprintf("/accounts?client=%d&n=%d", client, i), `{}`)
			if i%5 == 4 {
				req = r.ask("show", "GET", fmt.Sprintf("/accounts/1?client=%d&n=%d", client, i), "")
			}
			r.Offer(by(req, fmt.Sprint(client)), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
		}
	}
	r.run(t)
	for range clients * each {
		if c := r.ledger.compared(t); c.Verdict != reports.Match {
			t.Errorf("recorded %+v", c)
		}
	}
	for client := range clients {
		var order []string
		for _, got := range r.new.requests() {
			if _, query, _ := strings.Cut(got.Target, "?"); strings.HasPrefix(query, fmt.Sprintf("client=%d&", client)) {
				order = append(order, strings.SplitAfter(query, "n=")[1])
			}
		}
		var want []string
		for i := range each {
			want = append(want, fmt.Sprint(i))
		}
		if !slices.Equal(order, want) {
			t.Errorf("client %d: %v", client, order)
		}
	}
	r.leavesNothing(t)
}

func TestAClientDoesNotWaitForAnother(t *testing.T) {
	r := newRig(t, options{}).cloned(t, "").run(t)
	release := make(chan struct{})
	r.new.change(func(s *server) {
		slow := held(release, answer(200, `{"id":1}`))
		s.app = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("slow") != "" {
				slow(w, r)
				return
			}
			answer(200, `{"id":1}`)(w, r)
		}
	})
	offer := func(client, target string) {
		r.Offer(by(r.ask("create", "POST", target, `{}`), client), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	}
	offer("slow", "/accounts?slow=1")
	offer("slow", "/accounts")
	offer("quick", "/accounts")
	r.ledger.compared(t)
	eventually(t, "the other client's is there", func() bool { return len(r.new.requests()) == 2 })
	r.ledger.quiet(t)
	close(release)
	r.ledger.compared(t)
	r.ledger.compared(t)
}

// TestAKeptWriteIsSentOnce also where the connection is lost without an answer.
func TestAKeptWriteIsSentOnce(t *testing.T) {
	r := newRig(t, options{}).cloned(t, "").run(t)
	req := r.ask("create", "POST", "/accounts", `{}`)
	r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.compared(t) // there is a kept connection now
	r.new.change(func(s *server) {
		s.app = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	})
	r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.skipped(t, reports.SkipUnreachable)
	if n := len(r.new.requests()); n != 2 {
		t.Errorf("%d requests for two writes", n)
	}
	if log := r.log.String(); !strings.Contains(log, "a write may be missing") {
		t.Errorf("the log does not say so:\n%s", log)
	}
}

// TestLanesAreBounded: what has no room is dropped and counted, and so is what
// waits when Quack stops. Nothing is lost without a count.
func TestLanesAreBounded(t *testing.T) {
	r := newRig(t, options{change: func(c *Config) { c.Queue, c.Drain = 4, time.Millisecond }}).cloned(t, "").run(t)
	r.new.change(func(s *server) { s.app = held(make(chan struct{}), nil) })
	const offered = 10
	for range offered {
		r.Offer(by(r.ask("create", "POST", "/accounts", `{}`), "one"), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	}
	dropped := 0
	for ; dropped < offered-1-4; dropped++ {
		if e := r.ledger.next(t); !e.dropped {
			t.Fatalf("event %v, want dropped", e)
		}
	}
	r.ledger.quiet(t)
	eventually(t, "4 wait behind the one under way", func() bool { return r.Stats().Queued == 4 })
	r.stop()
	<-r.done
	for range offered - dropped {
		if e := r.ledger.next(t); !e.dropped && e.skip != reports.SkipTimeout {
			t.Errorf("event %v", e)
		}
	}
	r.ledger.quiet(t)
	r.leavesNothing(t)
}

// TestKeptWritesAreMadeWhileQuackStops: without them each restart would make the
// copy drift. Reads that wait are dropped, as ever.
func TestKeptWritesAreMadeWhileQuackStops(t *testing.T) {
	r := newRig(t, options{}).cloned(t, "").run(t)
	release := make(chan struct{})
	r.new.change(func(s *server) { s.app = held(release, answer(200, `{"id":1}`)) })
	const each = 10
	for i := range each {
		for _, client := range []string{"ada", "bob"} {
			r.Offer(by(r.ask("create", "POST", fmt.Sprintf("/accounts?%s=%d", client, i), `{}`), client), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
		}
	}
	r.Offer(by(r.ask("show", "GET", "/accounts/1", ""), "ada"), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	eventually(t, "two are under way", func() bool { return len(r.new.requests()) == 2 })
	r.stop()
	eventually(t, "it stops", func() bool {
		r.queue.mu.Lock()
		defer r.queue.mu.Unlock()
		return r.queue.finished
	})
	close(release)
	<-r.done
	writes, dropped := 0, 0
	for range 2*each + 1 {
		switch e := r.ledger.next(t); {
		case e.dropped:
			dropped++
		case e.comparison != nil && e.comparison.Verdict == reports.Match:
			writes++
		default:
			t.Errorf("event %v", e)
		}
	}
	if writes != 2*each || dropped != 1 {
		t.Errorf("%d writes were made and %d requests dropped, want %d and 1", writes, dropped, 2*each)
	}
	for _, client := range []string{"ada", "bob"} {
		n := 0
		for _, got := range r.new.requests() {
			if strings.Contains(got.Target, client) {
				if !strings.HasSuffix(got.Target, fmt.Sprintf("=%d", n)) {
					t.Errorf("%s came as number %d", got.Target, n)
				}
				n++
			}
		}
	}
	// What comes later is dropped, and counted.
	r.Offer(r.ask("create", "POST", "/accounts", `{}`), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	if e := r.ledger.next(t); !e.dropped {
		t.Errorf("event %v", e)
	}
	r.leavesNothing(t)
}
