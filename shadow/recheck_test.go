package shadow

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// place is what a test expects of one place.
type place struct {
	path    string
	kind    compare.Kind
	verdict reports.Verdict
}

func TestRecheck(t *testing.T) {
	for _, c := range []struct {
		reason        string
		legacy1, new1 string
		legacy2, new2 string
		verdict       reports.Verdict
		unsteady      bool
		places        []place
	}{
		{
			"the same difference again", `{"n":1}`, `{"n":2}`, `{"n":1}`, `{"n":2}`,
			reports.Mismatch, false, []place{{"$.n", compare.KindValue, reports.Mismatch}},
		}, {
			"the world moved: legacy has new's value now", `{"n":1}`, `{"n":2}`, `{"n":2}`, `{"n":2}`,
			reports.Transient, false, []place{{"$.n", compare.KindValue, reports.Transient}},
		}, {
			"the world keeps moving", `{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":4}`,
			reports.Transient, false, []place{{"$.n", compare.KindValue, reports.Transient}},
		}, {
			"new does not agree with itself", `{"n":1}`, `{"n":2}`, `{"n":1}`, `{"n":3}`,
			reports.Mismatch, true, []place{{"$.n", compare.KindValue, reports.Mismatch}},
		}, {
			"an intermittent fault of new", `{"n":1}`, `{"n":2}`, `{"n":1}`, `{"n":1}`,
			reports.Mismatch, true, []place{{"$.n", compare.KindValue, reports.Mismatch}},
		}, {
			"a moving value does not excuse null", `{"n":1}`, `{"n":null}`, `{"n":2}`, `{"n":null}`,
			reports.Mismatch, false, []place{{"$.n", compare.KindType, reports.Mismatch}},
		}, {
			"a moving value does not excuse a missing one", `{"m":0,"n":1}`, `{"m":0}`, `{"m":0,"n":2}`, `{"m":0}`,
			reports.Mismatch, false, []place{{"$.n", compare.KindMissing, reports.Mismatch}},
		}, {
			"a list that grows does not excuse what is wrong in it", `{"a":[{"p":1}]}`, `{"a":[{"p":2}]}`, `{"a":[{"p":1},{"p":7}]}`, `{"a":[{"p":2},{"p":7}]}`,
			reports.Mismatch, false, []place{{"$.a[*].p", compare.KindValue, reports.Mismatch}},
		}, {
			"the worst of its places", `{"m":1,"n":1}`, `{"m":2,"n":2}`, `{"m":2,"n":1}`, `{"m":2,"n":2}`,
			reports.Mismatch, false, []place{{"$.m", compare.KindValue, reports.Transient}, {"$.n", compare.KindValue, reports.Mismatch}},
		},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{}).run(t)
			r.legacy.change(func(s *server) { s.app = sequence(c.legacy2) })
			r.new.change(func(s *server) { s.app = sequence(c.new1, c.new2) })
			r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, c.legacy1))
			got := r.ledger.compared(t)
			if got.Verdict != c.verdict || got.Unsteady != c.unsteady || got.Rechecked != 1 || got.Suspect {
				t.Errorf("verdict %s, unsteady %v, suspect %v, re-checked %d times", got.Verdict, got.Unsteady, got.Suspect, got.Rechecked)
			}
			var places []place
			for _, x := range got.Differences {
				places = append(places, place{x.Path, x.Kind, x.Verdict})
			}
			if fmt.Sprint(places) != fmt.Sprint(c.places) {
				t.Errorf("places %v, want %v", places, c.places)
			}
			if string(got.Legacy.Answer.Body) != c.legacy1 || string(got.New.Answer.Body) != c.new1 {
				t.Errorf("the evidence is not of the first time: %s, %s", got.Legacy.Answer.Body, got.New.Answer.Body)
			}
			again := append(r.legacy.requests(), r.new.requests()...)
			if len(again) != 3 {
				t.Fatalf("%d shadow calls were made, want one to legacy and two to new", len(again))
			}
			for _, q := range again {
				if q.Header.Get("Quack-Role") != "shadow" || q.Target != "/accounts/1" {
					t.Errorf("sent %+v", q)
				}
			}
			r.ledger.quiet(t)
		})
	}
}

// TestTries: both sides are asked as often as the route says, and no more
// often than is of use.
func TestTries(t *testing.T) {
	for _, c := range []struct {
		reason    string
		recheck   string
		legacy    []string
		new       []string // the first is that of the first time
		verdict   reports.Verdict
		unsteady  bool
		rechecked int
		calls     int // to each side, after the first time
	}{
		{"once by default", "delay: 1ms", []string{`{"n":1}`}, []string{`{"n":2}`}, reports.Mismatch, false, 1, 1},
		{"as often as it says", "delay: 1ms, tries: 3", []string{`{"n":1}`}, []string{`{"n":2}`}, reports.Mismatch, false, 3, 3},
		{"new is wrong again in the last", "delay: 1ms, tries: 2", []string{`{"n":1}`}, []string{`{"n":2}`, `{"n":1}`, `{"n":2}`}, reports.Mismatch, false, 2, 2},
		{"new was wrong once", "delay: 1ms, tries: 2", []string{`{"n":1}`}, []string{`{"n":2}`, `{"n":1}`}, reports.Mismatch, true, 2, 2},
		{"legacy moves in the second", "delay: 1ms, tries: 3", []string{`{"n":1}`, `{"n":5}`}, []string{`{"n":2}`}, reports.Transient, false, 2, 2},
		{"no more is asked when legacy has moved", "delay: 1ms, tries: 5", []string{`{"n":2}`}, []string{`{"n":2}`}, reports.Transient, false, 1, 1},
		{"an answer that can not be compared is no try", "delay: 1ms, tries: 2", []string{"cut off", `{"n":2}`}, []string{`{"n":2}`}, reports.Transient, false, 1, 2},
		{"and when there is no other, it stands", "delay: 1ms, tries: 2", []string{"cut off"}, []string{`{"n":2}`}, reports.Mismatch, false, 0, 2},
		{"switched off", "share: 0%", []string{`{"n":2}`}, []string{`{"n":2}`}, reports.Mismatch, false, 0, 0},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{shadow: "recheck: {" + c.recheck + "}"}).run(t)
			r.legacy.change(func(s *server) { s.app = sequence(c.legacy...) })
			r.new.change(func(s *server) { s.app = sequence(c.new...) })
			r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"n":1}`))
			got := r.ledger.compared(t)
			if got.Verdict != c.verdict || got.Unsteady != c.unsteady || got.Rechecked != c.rechecked {
				t.Errorf("verdict %s, unsteady %v, re-checked %d times", got.Verdict, got.Unsteady, got.Rechecked)
			}
			if l, n := len(r.legacy.requests()), len(r.new.requests()); l != c.calls || n != c.calls+1 {
				t.Errorf("asked again: legacy %d times, new %d; want %d", l, n-1, c.calls)
			}
			r.ledger.quiet(t)
			if s := r.Stats(); s.QueuedBytes != 0 || s.Rechecks != 0 {
				t.Errorf("left behind %+v", s)
			}
		})
	}
}

// TestShareOfRechecks: what is not in the share counts at once, and says so.
func TestShareOfRechecks(t *testing.T) {
	r := newRig(t, options{shadow: "recheck: {delay: 1ms, share: 30%}"}).run(t)
	r.legacy.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
	r.new.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
	for range 40 {
		req := r.ask("show", "GET", "/accounts/1", "")
		r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{"n":1}`))
		c := r.ledger.compared(t)
		rechecked := 0
		if req.Route.Rechecked(req.ID) {
			rechecked = 1
		}
		if c.Rechecked != rechecked || (c.Verdict == reports.Mismatch) != (rechecked == 0) {
			t.Errorf("%s, re-checked %d times, want %d", c.Verdict, c.Rechecked, rechecked)
		}
	}
}

// TestSuspectAtVerify: new answers live, is asked first, and gives what legacy
// no longer gives.
func TestSuspectAtVerify(t *testing.T) {
	r := newRig(t, options{more: `  - {name: list, match: GET /accounts, stage: verify}` + "\n"}).run(t)
	r.legacy.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
	r.new.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
	for i, want := range []struct {
		verdict           reports.Verdict
		suspect, unsteady bool
	}{{reports.Transient, true, false}, {reports.Mismatch, false, true}} {
		r.Offer(r.ask("list", "GET", "/accounts", ""), routes.New, r.live(routes.New, 200, `{"n":1}`))
		if c := r.ledger.compared(t); c.Verdict != want.verdict || c.Suspect != want.suspect || c.Unsteady != want.unsteady {
			t.Errorf("time %d: %s, suspect %v, unsteady %v", i+1, c.Verdict, c.Suspect, c.Unsteady)
		}
	}
}

func TestRecheckWhenNewAnswersLive(t *testing.T) {
	r := newRig(t, options{more: `  - {name: list, match: GET /accounts, stage: verify}` + "\n"}).run(t)
	r.legacy.change(func(s *server) { s.app = sequence(`{"n":1}`, `{"n":5}`) })
	r.new.change(func(s *server) { s.app = sequence(`{"n":5}`) })
	r.Offer(r.ask("list", "GET", "/accounts", ""), routes.New, r.live(routes.New, 200, `{"n":5}`))
	c := r.ledger.compared(t)
	if c.Verdict != reports.Transient || c.Live != "new" || c.First != "new" || c.Stage != "verify" {
		t.Errorf("recorded %+v", c)
	}
	if string(c.Legacy.Answer.Body) != `{"n":1}` || string(c.New.Answer.Body) != `{"n":5}` {
		t.Errorf("sides are mixed up: %s, %s", c.Legacy.Answer.Body, c.New.Answer.Body)
	}
}

// TestVanishedDifferenceIsUnsteady: within a tolerance neither side differs
// from itself, and yet the difference has gone.
func TestVanishedDifferenceIsUnsteady(t *testing.T) {
	near := `  - {name: near, match: GET /near, compare: {rules: [{path: $.n, tolerance: 0.01}]}}` + "\n"
	r := newRig(t, options{more: near}).run(t)
	r.legacy.change(func(s *server) { s.app = answer(200, `{"n":1}`) })
	r.new.change(func(s *server) { s.app = sequence(`{"n":1.015}`, `{"n":1.008}`) })
	r.Offer(r.ask("near", "GET", "/near", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"n":1}`))
	if c := r.ledger.compared(t); c.Verdict != reports.Mismatch || !c.Unsteady {
		t.Errorf("recorded %+v", c)
	}
}

func TestTransientBecomesNoise(t *testing.T) {
	r := newRig(t, options{}).run(t)
	var bodies []string
	for i := range 20 {
		bodies = append(bodies, fmt.Sprintf(`{"hits":%d}`, 100+i))
	}
	r.legacy.change(func(s *server) { s.app = sequence(bodies...) })
	r.new.change(func(s *server) { s.app = sequence(bodies...) })
	for i, want := range []reports.Verdict{reports.Transient, reports.Transient, reports.Noise, reports.Noise} {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"hits":1}`))
		if c := r.ledger.compared(t); c.Verdict != want || c.Differences[0].Verdict != want {
			t.Errorf("time %d: %s, want %s", i+1, c.Verdict, want)
		}
	}
}

func TestDifferenceStandsWhereItCanNotBeRechecked(t *testing.T) {
	offer := func(r *rig) reports.Comparison {
		r.new.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"n":1}`))
		return r.ledger.compared(t)
	}
	t.Run("a side does not answer", func(t *testing.T) {
		r := newRig(t, options{shadow: "timeout: 50ms"}).run(t)
		r.legacy.change(func(s *server) { s.app = held(nil, nil) })
		if c := offer(r); c.Verdict != reports.Mismatch || len(c.Differences) != 1 {
			t.Errorf("recorded %+v", c)
		}
	})
	t.Run("too many wait", func(t *testing.T) {
		r := newRig(t, options{shadow: "recheck: {delay: 1m}", change: func(c *Config) { c.Rechecks = 1 }}).run(t)
		r.new.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"n":1}`))
		eventually(t, "one waits", func() bool { return r.Stats().Rechecks == 1 })
		if c := offer(r); c.Verdict != reports.Mismatch || len(r.legacy.requests()) != 0 {
			t.Errorf("recorded %+v", c)
		}
	})
	t.Run("too many bytes wait", func(t *testing.T) {
		r := newRig(t, options{shadow: "recheck: {delay: 1m}", change: func(c *Config) { c.QueueBytes = 20 }}).run(t)
		r.new.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"n":1}`))
		eventually(t, "one waits", func() bool { return r.Stats().QueuedBytes == 14 && r.Stats().Rechecks == 1 })
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, ``))
		if c := r.ledger.compared(t); c.Verdict == reports.Match {
			t.Errorf("recorded %+v", c)
		}
	})
	t.Run("the process ends", func(t *testing.T) {
		r := newRig(t, options{shadow: "recheck: {delay: 1m}"}).run(t)
		r.new.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"n":1}`))
		eventually(t, "one waits", func() bool { return r.Stats().Rechecks == 1 })
		r.stop()
		if c := r.ledger.compared(t); c.Verdict != reports.Mismatch {
			t.Errorf("recorded %+v", c)
		}
		<-r.done
		if s := r.Stats(); s.QueuedBytes != 0 || s.Rechecks != 0 {
			t.Errorf("left behind %+v", s)
		}
	})
}

// TestLegacyThatWritesInASafeRequest: asked again in a read-only transaction
// it fails, which does not excuse the difference.
func TestLegacyThatWritesInASafeRequest(t *testing.T) {
	r := newRig(t, options{rollback: "header"}).proved(t)
	r.new.change(func(s *server) { s.app = answer(200, `{"n":2}`) })
	r.legacy.acknowledge("write:25006")
	r.legacy.change(func(s *server) { s.app = answer(500, `{"error":"read-only"}`) })
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"n":1}`))
	c := r.ledger.compared(t)
	if c.Verdict != reports.Mismatch || len(c.Differences) != 2 {
		t.Fatalf("recorded %+v", c)
	}
	if x := c.Differences[0]; x.Path != "$.n" || x.Verdict != reports.Mismatch {
		t.Errorf("difference %+v", x)
	}
	if x := c.Differences[1]; x.Kind != compare.KindWrites || !strings.Contains(x.Legacy, "25006") {
		t.Errorf("difference %+v", x)
	}
}
