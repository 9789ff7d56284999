package conformance

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/quackproxy/quack/txshadow"
)

// outside is a service that the app calls, and that must not be called by a
// shadow.
type outside struct {
	url   string
	calls atomic.Int64
}

func newOutside(t *testing.T) *outside {
	o := &outside{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.calls.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	o.url = server.URL + "/hook"
	return o
}

// ran is how many effects of a kind have really happened.
func (s *suite) ran(t *testing.T, e Effect) int {
	t.Helper()
	if e == HTTP {
		return int(s.outside.calls.Load())
	}
	n, ok := s.live(t, get("/effects")).object(t)[string(e)].(float64)
	if !ok {
		t.Fatalf("GET /effects has no number %q", e)
	}
	return int(n)
}

// checkEffects: what a request does besides writing is recorded in a shadow,
// and done in a live one.
func checkEffects(t *testing.T, s *suite) {
	r := post("/effects", fields{"name": "plums"})
	before := map[Effect]int{}
	for _, e := range s.app.Has {
		before[e] = s.ran(t, e)
	}
	out := s.rolledBack(t, r.shadow())
	if out.ack.Reason != "" {
		t.Errorf("reason %q", out.ack.Reason)
	}
	wantFootprint(t, out, created(1))
	for _, e := range s.app.Has {
		if !recorded(out.ack.Effects, e) {
			t.Errorf("%s is not in the footprint: %q", e, out.header.Get(txshadow.HeaderFootprint))
		}
	}
	live := s.live(t, r)
	sameAnswer(t, out, live)
	if live.status != http.StatusAccepted {
		t.Errorf("live answer %d %s", live.status, live.body)
	}
	// The live ones have run exactly once each, and so none of the shadow's.
	for _, e := range s.app.Has {
		eventually(t, string(e)+" of the live request has run", func() bool { return s.ran(t, e) > before[e] })
		if n := s.ran(t, e) - before[e]; n != 1 {
			t.Errorf("%s ran %d times for one live request and one shadow", e, n)
		}
	}
	plain := s.rolledBack(t, post("/items", fields{"name": "grapes"}).shadow())
	if len(plain.ack.Effects) != 0 {
		t.Errorf("effects of a request without any: %v", plain.ack.Effects)
	}
}

func recorded(all txshadow.Effects, e Effect) bool {
	for _, x := range all {
		if kind, _, _ := strings.Cut(x.Name, ":"); kind == string(e) && x.Count > 0 {
			return true
		}
	}
	return false
}
