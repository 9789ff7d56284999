package shadow

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// forgivingIDs compares, and forgives other values of members named id as
// generated, whatever they look like.
func forgivingIDs(legacy, new *compare.Exchange, rules *compare.Rules, known compare.Known) compare.Result {
	r := compare.ExchangesKnowing(legacy, new, rules, known)
	var left []compare.Difference
	at := map[string]int{}
	for _, x := range r.Differences {
		if x.Kind != compare.KindValue || !strings.HasSuffix(x.Path, ".id") {
			left = append(left, x)
			continue
		}
		if i, ok := at[x.Path]; ok {
			r.Forgiven[i].Count++
			continue
		}
		at[x.Path] = len(r.Forgiven)
		r.Forgiven = append(r.Forgiven, compare.Forgiven{Path: x.Path, At: x.At, Kind: x.Kind, Reason: compare.ReasonGenerated,
			Rule: -1, Legacy: x.Legacy, New: x.New, Count: 1})
	}
	r.Differences = left
	return r
}

func TestGeneratedIDs(t *testing.T) {
	for _, c := range []struct {
		reason  string
		first   routes.Side
		answers []string // as in judged
		want    string   // verdict and marks
		stored  string   // places that are known to be stored afterwards
	}{
		{"both sides make another each time", routes.Legacy, []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`, `{"id":"d"}`}, "match", ""},
		{"legacy has stored it", routes.Legacy, []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"a"}`, `{"id":"d"}`}, "mismatch", "$.id"},
		{"both have stored one", routes.Legacy, []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"a"}`, `{"id":"b"}`}, "mismatch", "$.id"},
		{"new was wrong once", routes.Legacy, []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"a"}`, `{"id":"a"}`}, "mismatch unsteady", "$.id"},
		{"new was wrong, or it was another when it was asked first", routes.New, []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"a"}`, `{"id":"a"}`}, "transient suspect", ""},
		{"legacy makes another in the second try", routes.Legacy, []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`, `{"id":"d"}`}, "match", ""},
		{"some in a list are stored", routes.Legacy, []string{
			`[{"id":"a","n":1},{"id":"b","n":2},{"id":"c","n":3}]`, `[{"id":"d","n":1},{"id":"e","n":2},{"id":"f","n":3}]`,
			`[{"id":"a","n":1},{"id":"x","n":2},{"id":"y","n":3}]`, `[{"id":"d","n":1},{"id":"z","n":2},{"id":"w","n":3}]`}, "mismatch", "$[*].id"},
		{"all in a list are made", routes.Legacy, []string{
			`[{"id":"a","n":1},{"id":"b","n":2}]`, `[{"id":"d","n":1},{"id":"e","n":2}]`,
			`[{"id":"x","n":1},{"id":"y","n":2}]`, `[{"id":"z","n":1},{"id":"w","n":2}]`}, "match", ""},
		{"the place has gone", routes.Legacy, []string{`{"id":"a","n":1}`, `{"id":"b","n":1}`, `{"n":1}`, `{"n":1}`}, "match unverified", ""},
		{"another answer altogether", routes.Legacy, []string{`{"id":"a"}`, `{"id":"b"}`, `404 {"e":1}`, `404 {"e":1}`}, "match unverified", ""},
		{"legacy fails when asked again", routes.Legacy, []string{`{"id":"a"}`, `{"id":"b"}`, `503 {"id":"a"}`, `{"id":"d"}`}, "match unverified", ""},
		{"beside a difference that counts", routes.Legacy, []string{`{"id":"a","n":1}`, `{"id":"b","n":2}`, `{"id":"a","n":2}`, `{"id":"d","n":2}`}, "mismatch: $.n transient, $.id mismatch", "$.id"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			d := judge()
			d.compare = forgivingIDs
			got := judged(t, d, asking(c.first), c.answers...)
			text := summary(got)
			if got.Unverified {
				text += " unverified"
			}
			if text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
			for at, s := range d.ids.places {
				if s.stored != (at.path == c.stored) {
					t.Errorf("%s: %+v", at.path, s)
				}
			}
			if c.stored != "" && !d.ids.knows(idPlace{"show", c.stored}, true) {
				t.Errorf("%s is not known to be stored", c.stored)
			}
			if stored := c.stored != ""; stored == (len(got.Forgiven) > 0) && got.Verdict != reports.Transient {
				t.Errorf("forgiven: %+v", got.Forgiven)
			}
		})
	}
}

// idRig has servers that answer with one body after the other.
func idRig(t *testing.T, o options, legacy, new []string) *rig {
	r := newRig(t, o)
	r.compare = forgivingIDs
	r.run(t)
	r.legacy.change(func(s *server) { s.app = sequence(legacy...) })
	r.new.change(func(s *server) { s.app = sequence(new...) })
	return r
}

func numbered(prefix string, n int) (bodies []string) {
	for i := range n {
		bodies = append(bodies, fmt.Sprintf(`{"id":"%s%d"}`, prefix, i))
	}
	return bodies
}

// TestTrustInGeneratedIDs: the first matches are re-checked, later ones are not.
func TestTrustInGeneratedIDs(t *testing.T) {
	r := idRig(t, options{}, numbered("l", 50), numbered("n", 50))
	for i := range 10 {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":"first"}`))
		want := 0
		if i < idTimes {
			want = 1
		}
		if c := r.ledger.compared(t); c.Verdict != reports.Match || c.Unverified || c.Rechecked != want && i < idTimes || len(generatedIn(compare.Result{Forgiven: c.Forgiven})) != 1 {
			t.Errorf("time %d: %s, re-checked %d times, unverified %v", i+1, c.Verdict, c.Rechecked, c.Unverified)
		}
	}
	if n := len(r.legacy.requests()); n < idTimes || n > idTimes+2 { // one in a thousand is asked again
		t.Errorf("legacy was asked %d times", n)
	}
}

// TestStoredIDCountsAtOnce: once it is known that legacy has stored the id, no
// re-check is needed.
func TestStoredIDCountsAtOnce(t *testing.T) {
	r := idRig(t, options{}, []string{`{"id":"stored"}`}, numbered("n", 50))
	for i := range 5 {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":"stored"}`))
		c := r.ledger.compared(t)
		if c.Verdict != reports.Mismatch || len(c.Differences) != 1 || c.Differences[0].Path != "$.id" || c.Differences[0].Kind != compare.KindValue || len(generatedIn(compare.Result{Forgiven: c.Forgiven})) != 0 {
			t.Errorf("time %d: %s %+v, forgiven %+v", i+1, c.Verdict, c.Differences, c.Forgiven)
		}
	}
	if n := len(r.legacy.requests()); n < 1 || n > 3 { // one in a thousand is asked again
		t.Errorf("legacy was asked %d times", n)
	}
}

// TestUnverifiedMatches: what can not be asked again stands, and says so.
func TestUnverifiedMatches(t *testing.T) {
	for _, c := range []struct {
		reason string
		o      options
		legacy []string
	}{
		{"re-checks are off", options{shadow: "recheck: {share: 0%}"}, numbered("l", 50)},
		{"legacy does not answer", options{}, []string{"cut off"}},
		{"too many wait", options{change: func(c *Config) { c.QueueBytes = 20 }}, numbered("l", 50)},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := idRig(t, c.o, c.legacy, numbered("n", 50))
			r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":"l"}`))
			if got := r.ledger.compared(t); got.Verdict != reports.Match || !got.Unverified || got.Rechecked != 0 {
				t.Errorf("%s, unverified %v, re-checked %d times", got.Verdict, got.Unverified, got.Rechecked)
			}
			if r.ids.underWay != 0 || len(r.ids.waiting) != 0 {
				t.Errorf("left under way: %d, %v", r.ids.underWay, r.ids.waiting)
			}
		})
	}
}

// TestIDsLeaveRoom: what is looked at for ids alone does not take the room of
// differences, and memory is bounded.
func TestIDsLeaveRoom(t *testing.T) {
	var s ids
	result := func(path string) compare.Result {
		return compare.Result{Forgiven: []compare.Forgiven{{Path: path, Reason: compare.ReasonGenerated, Count: 1}}}
	}
	route := &routes.Route{Name: "show"}
	looked := 0
	for range 10 {
		if look, open := s.begin(route, "a", result("$.id")); len(look) > 0 {
			looked++
		} else if !open {
			t.Error("a place that is not looked at passes for trusted")
		}
	}
	if looked != idsAtOnce {
		t.Errorf("%d are looked at for one place at once", looked)
	}
	for i := range 100 {
		if look, _ := s.begin(route, "a", result(fmt.Sprintf("$.o%d.id", i))); len(look) > 0 {
			looked++
		}
	}
	if looked != idsUnderWay || s.underWay != idsUnderWay {
		t.Errorf("%d are looked at", looked)
	}
	for i := range 2 * idPlaces {
		s.learn(idPlace{"show", fmt.Sprint(i)}, i%2 == 0)
	}
	if len(s.places) > idPlaces {
		t.Errorf("%d places are remembered", len(s.places))
	}
}
