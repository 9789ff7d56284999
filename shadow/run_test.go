package shadow

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// TestHangingShadowDropsAndCounts: Offer goes on at once while all calls hang,
// and what does not fit is dropped and counted.
func TestHangingShadowDropsAndCounts(t *testing.T) {
	r := newRig(t, options{shadow: "timeout: 1h", change: func(c *Config) { c.Workers, c.Queue = 4, 10 }}).run(t)
	release := make(chan struct{})
	r.new.change(func(s *server) { s.app = held(release, answer(200, `{"id":1}`)) })
	offer := func() {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	}
	for range 3 { // three quarters of the workers
		offer()
	}
	eventually(t, "the backend's share of the workers hangs", func() bool { return len(r.new.requests()) == 3 })
	for range 10 + 7 {
		offer() // returns, although nothing can be sent before release is closed below
	}
	for range 7 {
		if e := r.ledger.next(t); !e.dropped || e.route != "show" {
			t.Fatalf("want a drop, have %v", e)
		}
	}
	r.ledger.quiet(t)
	if s := r.Stats(); s.Dropped != 7 || s.Queued != 10 || s.QueuedBytes != 10*8 {
		t.Errorf("stats %+v", s)
	}
	close(release)
	for range 13 {
		if c := r.ledger.compared(t); c.Verdict != reports.Match {
			t.Errorf("recorded %+v", c)
		}
	}
}

// TestHangingBackendDoesNotStarveAnother: with the whole queue full of what
// waits for one backend, another one's comparisons are made.
func TestHangingBackendDoesNotStarveAnother(t *testing.T) {
	r := newRig(t, options{shadow: "timeout: 1h", change: func(c *Config) { c.Workers, c.Queue = 4, 10 },
		more: `  - {name: reversed, match: "GET /reversed", new: monolith, legacy: accounts}` + "\n"}).run(t)
	release := make(chan struct{})
	defer close(release)
	r.new.change(func(s *server) { s.app = held(release, answer(200, `{"id":1}`)) })
	for range 20 {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	}
	drops := 0
	for i := range 50 {
		r.Offer(r.ask("reversed", "GET", "/reversed", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
		for e := r.ledger.next(t); e.dropped && e.route == "show"; e = r.ledger.next(t) {
			drops++
		}
		if n := len(r.legacy.requests()); n != i+1 {
			t.Fatalf("%d calls to the backend that answers, want %d", n, i+1)
		}
	}
	if drops == 0 {
		t.Error("the hanging backend's line did not give way")
	}
}

// TestDeadlineCoversTheQueue: what has waited too long for a worker is not sent.
func TestDeadlineCoversTheQueue(t *testing.T) {
	r := newRig(t, options{shadow: "timeout: 30ms"})
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	time.Sleep(16 * time.Millisecond) // it is this wait that is tested: more than half of its time
	r.run(t)
	r.ledger.skipped(t, reports.SkipStale)
	if n := len(r.new.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestRepeatedFaultsPauseSafeCalls(t *testing.T) {
	r := newRig(t, options{}).run(t)
	r.new.CloseClientConnections()
	r.new.Close()
	offer := func() {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	}
	for range breakerFaults {
		offer()
		r.ledger.skipped(t, reports.SkipUnreachable)
	}
	offer()
	r.ledger.skipped(t, reports.SkipBreaker)
	if r.Stats().BreakersOpen != 1 || !strings.Contains(r.log.String(), "paused") {
		t.Errorf("stats %+v", r.Stats())
	}
}

// TestStopping holds what becomes of everything that is under way when Run's
// context ends.
func TestStopping(t *testing.T) {
	r := newRig(t, options{rollback: "header", shadow: "timeout: 1h, budget: 1ms", more: writing,
		change: func(c *Config) { c.Workers, c.Grace, c.Drain = 2, patience, time.Hour }}).proved(t)
	release := make(chan struct{})
	r.new.change(func(s *server) { s.app = held(release, answer(200, `{"id":1}`)) })
	offer := func() {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	}
	offer()
	offer()
	eventually(t, "two calls are under way", func() bool { return len(r.new.requests()) == 2 })
	r.write("create")
	offer() // waits for a worker
	r.stop()
	if e := r.ledger.next(t); !e.dropped {
		t.Fatalf("what waited for its call: want a drop, have %v", e)
	}
	offer()
	if e := r.ledger.next(t); !e.dropped {
		t.Fatalf("what came too late: want a drop, have %v", e)
	}
	select {
	case <-r.done:
		t.Fatal("Run returned with calls under way")
	default:
	}
	close(release)
	<-r.done
	compared, skipped := 0, 0
	for range 3 {
		if e := r.ledger.next(t); e.comparison != nil {
			compared++
		} else if e.skip == reports.SkipBudget {
			skipped++
		}
	}
	if compared != 2 || skipped != 1 {
		t.Errorf("%d compared, %d over budget; want 2 and 1", compared, skipped)
	}
	if p := r.write("create"); p == nil {
		t.Error("no Pending after the end")
	}
	if e := r.ledger.next(t); !e.dropped {
		t.Errorf("a write after the end: want a drop, have %v", e)
	}
	if s := r.Stats(); s.Queued != 0 || s.Befores != 0 {
		t.Errorf("left behind %+v", s)
	}
}

func TestStoppingGivesUpAfterTheDrain(t *testing.T) {
	r := newRig(t, options{shadow: "timeout: 1h", change: func(c *Config) { c.Drain = 20 * time.Millisecond }}).run(t)
	r.new.change(func(s *server) { s.app = held(nil, nil) })
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	eventually(t, "the call is under way", func() bool { return len(r.new.requests()) == 1 })
	r.stop()
	<-r.done
	r.ledger.skipped(t, reports.SkipTimeout)
}

// TestPendingOutlivesRun: a live call that ends after Run gets no comparison,
// and does not hang.
func TestPendingOutlivesRun(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	p := r.write("create")
	r.stop()
	<-r.done
	p.Live(r.live(routes.Legacy, 201, `{}`))
	if e := r.ledger.next(t); !e.dropped {
		t.Errorf("want a drop, have %v", e)
	}
}

func TestManyAtOnce(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing, change: func(c *Config) { c.Befores, c.Queue = 100, 1000 }}).proved(t)
	const n = 50
	r.new.change(func(s *server) { s.app = answer(200, `{"id":1}`) })
	for i := range n {
		go func() {
			r.Offer(r.ask("show", "GET", fmt.Sprintf("/accounts/%d", i), ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
		}()
		go func() {
			r.Before(context.Background(), r.ask("create", "POST", "/accounts", `{}`), routes.Legacy).Live(r.live(routes.Legacy, 200, `{"id":1}`))
		}()
	}
	for range 2 * n {
		if e := r.ledger.next(t); e.comparison == nil && e.skip != reports.SkipBudget || e.comparison != nil && e.comparison.Verdict != reports.Match {
			t.Fatalf("%v", e)
		}
	}
	r.ledger.quiet(t)
}

// TestPanicDoesNotReachTheClient: not even when what cmd plugs in panics.
func TestPanicDoesNotReachTheClient(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing, change: func(c *Config) { c.Latches = brokenLatches{} }})
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	for range 2 {
		if e := r.ledger.next(t); !e.dropped {
			t.Errorf("want a drop, have %v", e)
		}
	}
}

// TestPanicInLatchingDoesNotEndTheProcess: the leak is still logged.
func TestPanicInLatchingDoesNotEndTheProcess(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	r.cfg.Latches = stuckLatches{r.latches}
	r.new.change(func(s *server) { s.sign = func(http.Header, string, Mode) {} })
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipLatched)
	if !strings.Contains(r.log.String(), "leak suspected") || !strings.Contains(r.log.String(), "stuck") {
		t.Error("the log does not say so")
	}
}

type stuckLatches struct{ *latchbook }

func (stuckLatches) Latch(Leak) { panic("stuck") }

type brokenLatches struct{}

func (brokenLatches) Latched(string) bool { panic("stuck") }
func (brokenLatches) Latch(Leak)          { panic("stuck") }
