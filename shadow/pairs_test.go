package shadow

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// TestPairsAcrossComparisons: ids that one comparison has learnt hold in later
// ones where the shadow side keeps its writes, and nowhere else.
func TestPairsAcrossComparisons(t *testing.T) {
	same := `  - {name: account, match: "GET /mapped/{id}", compare: {rules: [{path: $.id, same: account}]}}` + "\n"
	for _, c := range []struct {
		reason string
		order  routes.Order
		third  reports.Verdict
	}{
		{"the shadow side has a clone", routes.OrderClone, reports.Mismatch},
		{"it is rolled back", routes.OrderAuto, reports.Match},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{more: same}).run(t)
			route := *r.table.Route("account")
			route.Shadow.Order = c.order
			for i, step := range []struct {
				legacy, new string
				want        reports.Verdict
			}{
				{`{"id":17}`, `{"id":9}`, reports.Match},
				{`{"id":17}`, `{"id":9}`, reports.Match},
				{`{"id":17}`, `{"id":10}`, c.third},
				{`{"id":17}`, `{"id":17}`, reports.Match},
				{`{"id":18,"n":1}`, `{"id":11,"n":2}`, reports.Mismatch}, // nothing is learnt of it
				{`{"id":18}`, `{"id":12}`, reports.Match},
			} {
				r.legacy.change(func(s *server) { s.app = answer(200, step.legacy) })
				r.new.change(func(s *server) { s.app = answer(200, step.new) })
				req := r.ask("account", "GET", "/mapped/1", "")
				req.Route = &route
				r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, step.legacy))
				if got := r.ledger.compared(t); got.Verdict != step.want {
					t.Errorf("step %d, %s against %s: %s, want %s", i+1, step.legacy, step.new, got.Verdict, step.want)
				}
			}
		})
	}
}

func TestPairsAreBounded(t *testing.T) {
	var s pairs
	pair := func(i int) compare.Pair {
		return compare.Pair{Name: "account", Legacy: fmt.Sprint("l", i), New: fmt.Sprint("n", i)}
	}
	for i := range pairsMost {
		s.learn(pair(i))
	}
	s.learn(compare.Pair{Name: "account", Legacy: "l1", New: "n-other"})
	if n, ok := s.New("account", "l1"); !ok || n != "n1" {
		t.Errorf("l1 has another partner: %q", n)
	}
	if _, ok := s.Legacy("account", "n-other"); ok {
		t.Error("a pair was half learnt")
	}
	s.learn(pair(pairsMost)) // the oldest that was not asked for leaves
	if _, ok := s.New("account", "l0"); ok {
		t.Error("the oldest is remembered")
	}
	if l, ok := s.Legacy("account", "n1"); !ok || l != "l1" {
		t.Error("the one that was asked for is not")
	}
	if _, ok := s.New("order", "l1"); ok {
		t.Error("another mapping knows it")
	}
	m := s.mappings["account"]
	if m.seen.Len() != pairsMost || len(m.there) != pairsMost || len(m.back) != pairsMost {
		t.Errorf("%d, %d, %d pairs are remembered", m.seen.Len(), len(m.there), len(m.back))
	}
	for i := range 2 * mappingsMost {
		s.learn(compare.Pair{Name: fmt.Sprint(i), Legacy: "l", New: "n"})
	}
	if len(s.mappings) > mappingsMost {
		t.Errorf("%d mappings are remembered", len(s.mappings))
	}
}

// TestLongIDsAreNotRemembered: a client may choose an id, and how long it is.
func TestLongIDsAreNotRemembered(t *testing.T) {
	var s pairs
	long := strings.Repeat("x", pairLength+1)
	for _, p := range []compare.Pair{{Name: "a", Legacy: long, New: "1"}, {Name: "a", Legacy: "1", New: long}, {Name: "a", Legacy: "2", New: "3"}} {
		s.learn(p)
	}
	if n := s.mappings["a"].seen.Len(); n != 1 {
		t.Errorf("%d pairs are remembered, want 1", n)
	}
}
