package shadow

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

func TestInstancesAreAskedWhenRunStarts(t *testing.T) {
	r := newRig(t, options{rollback: "header", change: func(c *Config) { c.ProofEvery = time.Hour }})
	if p := r.Proofs(); len(p) != 0 {
		t.Errorf("before Run: %+v", p)
	}
	r.proved(t)
	p := r.Proofs()
	if p[0].Backend != "accounts" || p[0].URL != r.new.URL || p[0].Detail != "" || time.Since(p[0].At) > patience || p[1].Backend != "monolith" {
		t.Errorf("proofs %+v", p)
	}
	hello := r.new.all()[0]
	if hello.Method != "GET" || hello.Target != "/.well-known/quack/hello" || hello.Mode != ModeHello || hello.Body != "" ||
		"http://"+hello.Host != r.new.URL {
		t.Errorf("hello %+v", hello)
	}
	if r.new.hellos() != helloRound {
		t.Errorf("%d hellos for the first proof", r.new.hellos())
	}
}

func TestProofsAreRenewedAndLost(t *testing.T) {
	r := newRig(t, options{rollback: "header", change: func(c *Config) { c.ProofEvery = 200 * time.Millisecond }}).proved(t)
	eventually(t, "the proof is renewed", func() bool { return r.new.hellos() > helloRound+2 })
	r.new.change(func(s *server) { s.bare = func(request) bool { return true } })
	eventually(t, "the adapter is missed, and the other backend's proof is kept", func() bool {
		p := r.Proofs()
		return !p[0].Proved && strings.Contains(p[0].Detail, "404") && p[1].Proved
	})
	const lost = "has not proved that it rolls back: unsafe requests are not shadowed to it\" backend="
	eventually(t, "the log says so", func() bool { return strings.Contains(r.log.String(), lost+"accounts") })
	if strings.Contains(r.log.String(), lost+"monolith") {
		t.Error("the other backend's proof was lost too")
	}
}

func TestProofExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProofs(Config{ProofEvery: 10 * time.Second})
		b := &routes.Backend{Name: "accounts", Rollback: routes.RollbackHeader}
		u := &url.URL{Scheme: "http", Host: "127.0.0.1:4000"}
		i := &upstream.Instance{URL: u}
		k := newProof(keyOf(b.Name, u))
		p.known.Store(&map[proofKey]*proof{k.key: k})
		if p.proved(b, i, time.Now()) {
			t.Error("proved before it was asked")
		}
		k.state.Store(&Proof{Backend: b.Name, Proved: true, At: time.Now()})
		if !p.proved(b, i, time.Now()) {
			t.Error("not proved")
		}
		if other := (&routes.Backend{Name: "monolith", Rollback: routes.RollbackHeader}); p.proved(other, i, time.Now()) {
			t.Error("another backend at the same URL is proved")
		}
		if none := (&routes.Backend{Name: "accounts"}); p.proved(none, i, time.Now()) {
			t.Error("a backend without rollback is proved")
		}
		time.Sleep(30*time.Second - time.Nanosecond)
		if !p.proved(b, i, time.Now()) || !p.list()[0].Proved {
			t.Error("expired too early")
		}
		time.Sleep(time.Nanosecond)
		if p.proved(b, i, time.Now()) || p.list()[0].Proved || p.list()[0].Detail == "" {
			t.Errorf("not expired: %+v", p.list())
		}
	})
}

// TestHelloBeforeADoubtDoesNotProve: what was asked before the fault says
// nothing of what stands behind the URL now.
func TestHelloBeforeADoubtDoesNotProve(t *testing.T) {
	r := newRig(t, options{rollback: "header"})
	r.proofs.follow()
	b := r.table.Route("show").New
	i := r.cfg.Backend(b).Instances()[0]
	k := (*r.proofs.known.Load())[keyOf(b.Name, i.URL)]
	if _, ask := k.begin(time.Now(), time.Minute, true); !ask {
		t.Fatal("the first hello is not due")
	}
	if _, ask := k.begin(time.Now(), time.Minute, true); ask {
		t.Fatal("two hellos at once")
	}
	r.proofs.doubt(b.Name, i, "connection reset")
	k.conclude([]hello{{kind: helloReady}}, time.Minute, r.Dispatcher.log)
	if r.proofs.proved(b, i, time.Now()) {
		t.Error("proved by a hello from before the doubt")
	}
	if _, ask := k.begin(time.Now(), time.Minute, true); !ask {
		t.Error("not asked again at once")
	}
	k.conclude([]hello{{kind: helloReady}}, time.Minute, r.Dispatcher.log)
	if !r.proofs.proved(b, i, time.Now()) {
		t.Error("not proved by the hello after the doubt")
	}
	r.proofs.doubt(b.Name, i, "connection reset")
	if wait, ask := k.begin(time.Now(), time.Minute, true); ask || wait > 3*time.Second {
		t.Errorf("asked once more at once: %v, after %v", ask, wait)
	}
	if _, ask := k.begin(time.Now().Add(3*time.Second), time.Minute, true); !ask {
		t.Error("not asked once more")
	}
}

func TestSilentInstanceIsAskedSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newProof(proofKey{"accounts", "http", "127.0.0.1:4000"})
		log := slog.New(slog.DiscardHandler)
		every := 10 * time.Second
		for _, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
			if _, ask := k.begin(time.Now(), every, true); !ask {
				t.Fatal("not due")
			}
			k.conclude([]hello{{kind: helloSilent, detail: "connection refused"}}, every, log)
			wait, ask := k.begin(time.Now(), every, true)
			if ask || wait != want*time.Second {
				t.Fatalf("asked again after %v, want %v s", wait, want)
			}
			time.Sleep(wait)
		}
		k.begin(time.Now(), every, true)
		k.conclude([]hello{{kind: helloRefused, detail: "404"}}, every, log)
		if wait, _ := k.begin(time.Now(), every, true); wait != every {
			t.Errorf("an instance without the adapter is asked again after %v", wait)
		}
	})
}

// TestAlternatingInstances: two servers behind one URL, one without the adapter.
func TestAlternatingInstances(t *testing.T) {
	r := newRig(t, options{rollback: "header", more: writing, change: func(c *Config) { c.ProofEvery = 20 * time.Millisecond }})
	var n atomic.Int64
	r.new.change(func(s *server) { s.bare = func(request) bool { return n.Add(1)%2 == 0 } })
	r.run(t)
	eventually(t, "it is noticed", func() bool {
		p := r.Proofs()
		return len(p) == 2 && !p[0].Proved && p[0].Detail == "instances with and without the adapter behind one URL"
	})
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipNoProof)
	eventually(t, "the log says so", func() bool {
		return strings.Contains(r.log.String(), "instances with and without the adapter behind one URL")
	})
	r.new.change(func(s *server) { s.bare = nil })
	eventually(t, "all have the adapter now", func() bool { return r.Proofs()[0].Proved })
}

func TestTableChangeIsFollowed(t *testing.T) {
	r := newRig(t, options{rollback: "header"})
	var inForce atomic.Pointer[routes.Table]
	inForce.Store(r.table)
	r.cfg.Table = inForce.Load
	r.proofs.cfg.Table = inForce.Load
	r.proved(t)
	third := newServer(t, secret)
	inForce.Store(table(t, r.legacy, third, "header", "timeout: 10s", ""))
	r.TableChanged()
	eventually(t, "the new instance is proved and the old forgotten", func() bool {
		p := r.Proofs()
		return len(p) == 2 && p[0].URL == third.URL && p[0].Proved && p[1].Proved
	})
	if n := r.legacy.hellos(); n != helloRound {
		t.Errorf("the instance that stayed was asked anew: %d hellos", n)
	}
	inForce.Store(table(t, r.legacy, r.new, "none", "timeout: 10s", ""))
	r.TableChanged()
	eventually(t, "backends without rollback are not asked", func() bool { return len(r.Proofs()) == 0 })
}

func TestHelloAnswers(t *testing.T) {
	r := newRig(t, options{rollback: "header"})
	c := newCodec(secret)
	for _, x := range []struct {
		reason string
		answer http.HandlerFunc
		kind   helloKind
		detail string
	}{
		{"no adapter", http.NotFound, helloRefused, "answered with 404"},
		{"an adapter with another secret says so", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the signature does not verify\ncheck the secret", http.StatusForbidden)
		}, helloRefused, `refused: "the signature does not verify"`},
		{"a single-page application answers everything", answer(200, "<html>"), helloRefused, "200"},
		{"a gateway without a backend", answer(502, ""), helloSilent, "in between"},
		{"a starting balancer", answer(503, ""), helloSilent, "in between"},
		{"ready, but passed on to the application", func(w http.ResponseWriter, q *http.Request) {
			id, _, _ := c.asked(q, nil)
			c.acknowledge(w.Header(), id, "ready", "")
			answer(200, "{}")(w, q)
		}, helloRefused, "hello was answered with"},
		{"another outcome", func(w http.ResponseWriter, q *http.Request) {
			id, _, _ := c.asked(q, nil)
			c.acknowledge(w.Header(), id, "rolled-back", "")
			w.WriteHeader(204)
		}, helloRefused, "hello was answered with"},
		{"an answer to another hello", func(w http.ResponseWriter, q *http.Request) {
			c.acknowledge(w.Header(), newID(), "ready", "")
			w.WriteHeader(204)
		}, helloRefused, "hello was answered with"},
		{"ready", func(w http.ResponseWriter, q *http.Request) {
			id, _, _ := c.asked(q, nil)
			c.acknowledge(w.Header(), id, "ready", "")
			w.WriteHeader(204)
		}, helloReady, ""},
	} {
		s := httptest.NewServer(x.answer)
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		h := sayHello(t.Context(), r.proofs.cfg.Protocol, upstream.New("accounts", []*url.URL{u}, upstream.Options{}).Instances()[0])
		if h.kind != x.kind || (h.detail == "") != (x.kind == helloReady) || !strings.Contains(h.detail, x.detail) {
			t.Errorf("%s: %+v", x.reason, h)
		}
		s.Close()
		if h := sayHello(t.Context(), r.proofs.cfg.Protocol, upstream.New("accounts", []*url.URL{u}, upstream.Options{}).Instances()[0]); h.kind != helloSilent {
			t.Errorf("nobody listens: %+v", h)
		}
	}
}

// TestLookUpAllocatesNothing: it is on the path of each unsafe request.
func TestLookUpAllocatesNothing(t *testing.T) {
	r := newRig(t, options{rollback: "header"}).proved(t)
	b := r.table.Route("show").New
	i := r.cfg.Backend(b).Instances()[0]
	if n := testing.AllocsPerRun(100, func() { r.proofs.proved(b, i, time.Now()) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
