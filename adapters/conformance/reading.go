package conformance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quackproxy/quack/txshadow"
)

func reading(target string) request {
	r := get(target)
	r.mode = txshadow.ModeReadOnly
	return r
}

// checkReading: a shadow of a GET reads what is there, and can not write.
func checkReading(t *testing.T, s *suite) {
	for _, target := range []string{"/count", "/items/" + s.db.id(t, "apples"), "/items/99999"} {
		out := s.rolledBack(t, reading(target))
		sameAnswer(t, out, s.live(t, get(target)))
		if out.ack.Reason != "" {
			t.Errorf("%s: reason %q", target, out.ack.Reason)
		}
	}
	out := s.rolledBack(t, reading("/write"))
	if !strings.HasPrefix(out.ack.Reason, "write:25006:insert") {
		t.Errorf("a GET that writes: reason %q, want write:25006:insert:items", out.ack.Reason)
	}
	// The connections that reading shadows have used write as before.
	for range 8 {
		s.db.seed(t)
		if out := s.live(t, get("/write")); out.status != http.StatusOK {
			t.Errorf("a live GET that writes: %d %s", out.status, out.body)
		}
		if n := s.db.count(t, "SELECT count(*) FROM items"); n != 3 {
			t.Errorf("%d items after a live GET that writes one", n)
		}
	}
}

// checkStream: an answer in several parts is kept whole until the rollback,
// or the shadow is acknowledged as one that can not be compared.
func checkStream(t *testing.T, s *suite) {
	r := post("/stream", fields{"name": "plums"})
	out := s.rolledBack(t, r.shadow())
	live := s.live(t, r)
	switch {
	case strings.HasPrefix(out.ack.Reason, "unsupported:"):
	case out.ack.Reason != "":
		t.Errorf("reason %q", out.ack.Reason)
	case out.body != live.body || out.status != live.status:
		t.Errorf("the shadow's answer: %d %q\nlive: %d %q", out.status, out.body, live.status, live.body)
	}
	if n := s.db.count(t, "SELECT count(*) FROM items"); n != 3 {
		t.Errorf("%d items after a live request that writes one", n)
	}
}
