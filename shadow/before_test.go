package shadow

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// write makes one unsafe request with its shadow before live.
func (r *rig) write(route string) *Pending {
	return r.Before(context.Background(), r.ask(route, "POST", "/accounts", `{"name":"Ada"}`), routes.Legacy)
}

func TestShadowBeforeLive(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	r.new.change(func(s *server) { s.app = answer(201, `{"name":"Ada"}`) })
	p := r.write("create")
	got := r.new.requests()
	if len(got) != 1 || got[0].Mode != ModeRollback || got[0].Body != `{"name":"Ada"}` {
		t.Fatalf("sent %+v before Before returned", got)
	}
	if v := got[0].Header.Get("Quack-Shadow"); !strings.Contains(v, ";budget=250;") {
		t.Errorf("Quack-Shadow: %s", v)
	}
	r.ledger.quiet(t)
	p.Live(r.live(routes.Legacy, 201, `{"name":"Ada"}`))
	c := r.ledger.compared(t)
	if c.Verdict != reports.Match || c.First != "new" || c.Live != "legacy" || c.Writes != "" {
		t.Errorf("recorded %+v", c)
	}
	p.Live(r.live(routes.Legacy, 201, `{"name":"Ada"}`))

	p = r.write("create")
	p.Live(r.live(routes.Legacy, 400, `{"error":"e-mail"}`))
	c = r.ledger.compared(t)
	if c.Verdict != reports.Mismatch || c.Unsteady || c.Differences[0].Kind != compare.KindStatus {
		t.Errorf("recorded %+v", c)
	}
	if n := len(r.new.requests()) + len(r.legacy.requests()); n != 2 {
		t.Errorf("a write was re-checked: %d shadow calls", n)
	}
	r.ledger.quiet(t)
}

func TestLiveThatBreaksOffIsNotCompared(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	a := r.live(routes.Legacy, 201, `{"na`)
	a.Exchange.Incomplete = "unexpected EOF"
	r.write("create").Live(a)
	r.ledger.skipped(t, reports.SkipAborted)
	new(Pending).Live(a) // of a request without a shadow
	r.ledger.quiet(t)
}

// TestLiveThatFellBack: legacy answered in place of new, so that both answers
// are legacy's.
func TestLiveThatFellBack(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	a := r.live(routes.Legacy, 201, `{"name":"Ada"}`)
	a.Skip = reports.SkipFallback
	r.write("create").Live(a)
	r.ledger.skipped(t, reports.SkipFallback)
	r.ledger.quiet(t)
}

// TestAcknowledgements holds what each answer to a shadow write leads to.
func TestAcknowledgements(t *testing.T) {
	other := newCodec(stranger)
	for _, c := range []struct {
		reason  string
		status  int
		sign    func(h http.Header, id string, m Mode)
		skip    string
		latched bool
		doubted bool
	}{
		{"none at all", 200, func(http.Header, string, Mode) {}, reports.SkipLatched, true, true},
		{"of another request", 200, func(h http.Header, id string, _ Mode) {
			newCodec(secret).acknowledge(h, newID(), "rolled-back", "")
		}, reports.SkipLatched, true, true},
		{"with another secret", 200, func(h http.Header, id string, _ Mode) {
			other.acknowledge(h, id, "rolled-back", "")
		}, reports.SkipLatched, true, true},
		{"none, and a gateway's status", 502, func(http.Header, string, Mode) {}, reports.SkipUnconfirmed, false, true},
		{"none, and a balancer's status", 503, func(http.Header, string, Mode) {}, reports.SkipUnconfirmed, false, true},
		{"none, and an application's status", 500, func(http.Header, string, Mode) {}, reports.SkipLatched, true, true},
		{"an escape", 500, func(h http.Header, id string, _ Mode) {
			newCodec(secret).acknowledge(h, id, "rolled-back", "escape:commit")
		}, reports.SkipLatched, true, true},
		{"none, and a server's own refusal of a large head", 431, func(http.Header, string, Mode) {}, "unsupported:head-size", false, false},
		{"none, and a server's own refusal of a long target", 414, func(http.Header, string, Mode) {}, "unsupported:head-size", false, false},
		{"out of its budget", 503, func(h http.Header, id string, _ Mode) {
			newCodec(secret).acknowledge(h, id, "rolled-back", "budget")
		}, reports.SkipBudget, false, false},
		{"not to be sandboxed", 501, func(h http.Header, id string, _ Mode) {
			newCodec(secret).acknowledge(h, id, "rolled-back", "unsupported:copy")
		}, "unsupported:copy", false, false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{rollback: "header", more: writing}).proved(t)
			hellos := r.new.hellos()
			r.new.change(func(s *server) { s.sign, s.app = c.sign, answer(c.status, `{}`) })
			p := r.write("create")
			if c.latched && !r.latches.Latched("create") {
				t.Error("not latched when Before has returned")
			}
			p.Live(r.live(routes.Legacy, 201, `{}`))
			r.ledger.skipped(t, c.skip)
			leaks := r.latches.all()
			if c.latched != (len(leaks) == 1) || c.latched != strings.Contains(r.log.String(), "leak suspected") {
				t.Errorf("latched %+v", leaks)
			}
			if c.latched && (leaks[0].Route != "create" || leaks[0].Backend != "accounts" || leaks[0].RequestID == "" || leaks[0].Why == "" || leaks[0].At.IsZero()) {
				t.Errorf("latched %+v", leaks[0])
			}
			if c.doubted {
				eventually(t, "the instance is asked for its proof again", func() bool { return r.new.hellos() > hellos })
			}
			r.ledger.quiet(t)
		})
	}
}

func TestLatchedAtTheFirst(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	r.new.change(func(s *server) { s.sign = func(http.Header, string, Mode) {} })
	for range 5 {
		r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
		r.ledger.skipped(t, reports.SkipLatched)
	}
	if n := len(r.new.requests()); n != 1 {
		t.Errorf("%d writes were sent", n)
	}
}

func TestNoProofSendsNothing(t *testing.T) {
	for _, c := range []struct {
		reason string
		o      options
		change func(*server)
	}{
		{"it has no adapter", options{rollback: "header", more: writing}, func(s *server) { s.bare = func(request) bool { return true } }},
		{"it has another secret", options{rollback: "header", more: writing, newcomer: stranger}, func(*server) {}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, c.o)
			r.new.change(c.change)
			r.run(t)
			eventually(t, "the instance was asked", func() bool { return r.new.hellos() >= helloRound })
			r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
			r.ledger.skipped(t, reports.SkipNoProof)
			for _, got := range r.new.all() {
				if got.Target != helloPath || got.Method != "GET" {
					t.Errorf("sent %+v", got)
				}
			}
		})
	}
}

func TestReadOnlyGateSendsNoWrites(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	req := r.ask("create", "POST", "/accounts", `{}`)
	req.ReadOnly = true
	r.Before(context.Background(), req, routes.Legacy).Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipReadOnly)
	if n := len(r.new.requests()); n != 0 {
		t.Errorf("%d writes were sent", n)
	}
}

// TestBeforeReturnsWithoutAnAnswer: the live call goes on while the shadow
// still hangs, and what becomes of the shadow is judged all the same.
func TestBeforeReturnsWithoutAnAnswer(t *testing.T) {
	for _, c := range []struct {
		reason  string
		grace   time.Duration
		sign    func(h http.Header, id string, m Mode)
		release bool
		skip    string
		latched bool
	}{
		{"an answer without acknowledgement comes late", patience, func(http.Header, string, Mode) {}, true, reports.SkipLatched, true},
		{"an acknowledgement comes late", patience, nil, true, reports.SkipBudget, false},
		{"none comes", 50 * time.Millisecond, nil, false, reports.SkipUnconfirmed, false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{rollback: "header", shadow: "budget: 20ms", more: writing,
				change: func(cfg *Config) { cfg.Grace = c.grace }}).proved(t)
			release := make(chan struct{})
			r.new.change(func(s *server) { s.sign, s.app = c.sign, held(release, answer(201, `{}`)) })
			began := time.Now()
			p := r.write("create")
			if took := time.Since(began); took < 20*time.Millisecond || took > patience/2 {
				t.Errorf("returned after %v", took)
			}
			if c.release && r.Stats().Befores != 1 {
				t.Error("the shadow that hangs does not count as under way")
			}
			p.Live(r.live(routes.Legacy, 201, `{}`))
			if c.release {
				close(release)
			}
			r.ledger.skipped(t, c.skip)
			if r.latches.Latched("create") != c.latched {
				t.Errorf("latched: %+v", r.latches.all())
			}
			eventually(t, "its seat is free", func() bool { return r.Stats().Befores == 0 })
			r.ledger.quiet(t)
		})
	}
}

func TestShadowIsNotStartedWhenLiveMayBeUnderWay(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	p := &Pending{d: r.Dispatcher, req: r.ask("create", "POST", "/accounts", `{}`), live: routes.Legacy,
		until: time.Now().Add(time.Millisecond), confirmed: make(chan struct{})}
	s := step{side: routes.New, backend: p.req.Route.New}
	s.instance = r.pickProved(s.backend)
	if _, skip := p.runUnsafe(context.Background(), s, true); skip != reports.SkipBudget {
		t.Errorf("skip %q", skip)
	}
	if n := len(r.new.requests()); n != 0 {
		t.Errorf("%d writes were sent", n)
	}
}

func TestClientThatHasGoneDoesNotLetLiveStartBesideTheShadow(t *testing.T) {
	r := newRig(t, options{rollback: "header", shadow: "budget: 10s", more: writing}).proved(t)
	release, returned := make(chan struct{}), make(chan struct{})
	r.new.change(func(s *server) { s.app = held(release, answer(201, `{}`)) })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	go func() {
		defer close(returned)
		r.Before(ctx, r.ask("create", "POST", "/accounts", `{}`), routes.Legacy).Live(r.live(routes.Legacy, 201, `{}`))
	}()
	eventually(t, "the shadow was sent", func() bool { return len(r.new.requests()) == 1 })
	select {
	case <-returned:
		t.Fatal("Before returned before the shadow's rollback")
	default:
	}
	close(release)
	<-returned
	r.ledger.compared(t)
}

func TestBusy(t *testing.T) {
	r := newRig(t, options{rollback: "header", shadow: "budget: 1ms", more: writing,
		change: func(c *Config) { c.Befores, c.Grace = 4, patience }}).proved(t)
	release := make(chan struct{})
	r.new.change(func(s *server) { s.app = held(release, answer(201, `{}`)) })
	for range 3 {
		r.write("create")
	}
	r.ledger.quiet(t)
	r.write("create") // the fourth seat is for other backends
	r.ledger.skipped(t, reports.SkipBusy)
	if _, ok := r.befores.take("monolith"); !ok {
		t.Error("no seat was left for another backend")
	}
	close(release)
	for range 3 {
		r.ledger.skipped(t, reports.SkipBudget)
	}
}

func TestRepeatedFaultsPauseWrites(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing, change: func(c *Config) { c.ProofEvery = time.Second }}).proved(t)
	r.new.change(func(s *server) { s.sign, s.app = func(http.Header, string, Mode) {}, answer(502, `bad gateway`) })
	sent := 0
	for range breakerFaults {
		eventually(t, "the instance is proved again", func() bool { return r.Proofs()[0].Proved })
		r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
		r.ledger.skipped(t, reports.SkipUnconfirmed)
		sent++
	}
	eventually(t, "the instance is proved again", func() bool { return r.Proofs()[0].Proved })
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipBreaker)
	if n := len(r.new.requests()); n != sent || r.Stats().BreakersOpen != 1 {
		t.Errorf("%d writes were sent, want %d; %+v", n, sent, r.Stats())
	}
	if len(r.latches.all()) != 0 {
		t.Error("a gateway's answer latched the route")
	}
}

func TestSafeRequestBeforeLive(t *testing.T) {
	r := newRig(t, options{rollback: "header", shadow: "order: before, run: both, budget: 20ms"}).proved(t)
	before := func() *Pending {
		return r.Before(context.Background(), r.ask("show", "GET", "/accounts/1", ""), routes.Legacy)
	}
	before().Live(r.live(routes.Legacy, 200, `{"id":1}`))
	if c := r.ledger.compared(t); c.Verdict != reports.Match || c.First != "new" {
		t.Errorf("recorded %+v", c)
	}
	if got := r.new.requests(); len(got) != 1 || got[0].Mode != ModeReadOnly {
		t.Errorf("sent %+v", got)
	}
	r.new.change(func(s *server) { s.app = held(nil, nil) })
	before().Live(r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.skipped(t, reports.SkipBudget)
}

func TestRunBoth(t *testing.T) {
	both := `  - {name: create, match: "POST /accounts", shadow: {run: both}}` + "\n"
	r := newRig(t, options{rollback: "header", more: both}).proved(t)
	wrote := func(s *server, rows string) {
		s.change(func(s *server) {
			s.app = answer(201, `{"name":"Ada"}`)
			s.sign = func(h http.Header, id string, _ Mode) {
				s.codec.acknowledge(h, id, "rolled-back", "")
				h.Set("Quack-Footprint", rows)
			}
		})
	}
	wrote(r.legacy, inserted("accounts", "audit"))
	wrote(r.new, inserted("accounts", "audit"))
	p := r.write("create")
	c := r.ledger.compared(t)
	if c.Verdict != reports.Match || c.Live != "" || c.First != "legacy" || c.Writes != "level 1" {
		t.Errorf("recorded %+v", c)
	}
	p.Live(r.live(routes.Legacy, 201, `{"name":"somebody else"}`))
	for _, s := range []*server{r.legacy, r.new} {
		if got := s.requests(); len(got) != 1 || got[0].Mode != ModeRollback {
			t.Errorf("sent %+v", got)
		}
	}

	wrote(r.new, inserted("accounts"))
	r.write("create").Live(r.live(routes.Legacy, 201, `{"name":"Ada"}`))
	c = r.ledger.compared(t)
	if c.Verdict != reports.Mismatch || len(c.Differences) != 1 || c.Differences[0].Kind != compare.KindFootprint || !strings.Contains(c.Differences[0].Path, "audit") {
		t.Errorf("recorded %+v", c)
	}

	r.legacy.acknowledge("budget")
	before := len(r.new.requests())
	r.write("create").Live(r.live(routes.Legacy, 201, `{"name":"Ada"}`))
	r.ledger.skipped(t, reports.SkipBudget)
	if len(r.new.requests()) != before {
		t.Error("new was run although legacy was not to be compared")
	}

	r.legacy.change(func(s *server) { s.sign = func(http.Header, string, Mode) {} })
	r.write("create").Live(r.live(routes.Legacy, 201, `{"name":"Ada"}`))
	r.ledger.skipped(t, reports.SkipLatched)
	if leaks := r.latches.all(); len(leaks) != 1 || leaks[0].Backend != "monolith" {
		t.Errorf("latched %+v", leaks)
	}
	r.ledger.quiet(t)
}

func TestRunBothNeedsBothProofs(t *testing.T) {
	both := `  - {name: create, match: "POST /accounts", shadow: {run: both}}` + "\n"
	r := newRig(t, options{rollback: "header", more: both, newcomer: stranger}).run(t)
	eventually(t, "legacy is proved", func() bool { p := r.Proofs(); return len(p) == 2 && p[1].Proved })
	eventually(t, "new was asked", func() bool { return r.new.hellos() >= helloRound })
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipNoProof)
	if n := len(r.legacy.requests()) + len(r.new.requests()); n != 0 {
		t.Errorf("%d writes were sent", n)
	}
}

// TestProofLostWhileTheOtherSideRuns: the second side's proof counts when it is
// its turn.
func TestProofLostWhileTheOtherSideRuns(t *testing.T) {
	both := `  - {name: create, match: "POST /accounts", shadow: {run: both}}` + "\n"
	r := newRig(t, options{rollback: "header", more: both}).proved(t)
	newcomer := r.table.Route("create").New
	r.new.change(func(s *server) { s.bare = func(request) bool { return true } })
	r.legacy.change(func(s *server) {
		s.app = func(w http.ResponseWriter, q *http.Request) {
			r.proofs.doubt(newcomer.Name, r.cfg.Backend(newcomer).Instances()[0], "connection reset")
			answer(201, `{}`)(w, q)
		}
	})
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipNoProof)
	if l, n := len(r.legacy.requests()), len(r.new.requests()); l != 1 || n != 0 {
		t.Errorf("%d writes were sent to legacy and %d to new", l, n)
	}
}

// TestPanicAroundAWriteLatches: what was sent by then is not known.
func TestPanicAroundAWriteLatches(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing}).proved(t)
	r.cfg.Protocol = panicky{newCodec(secret)}
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipLatched)
	if leaks := r.latches.all(); len(leaks) != 1 || !strings.Contains(leaks[0].Why, "no ink") {
		t.Errorf("latched %+v", leaks)
	}
	r.ledger.quiet(t)
}
