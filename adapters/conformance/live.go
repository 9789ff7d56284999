package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/quackproxy/quack/txshadow"
)

// checkLive: requests that are no shadow are as if there were no adapter.
func checkLive(t *testing.T, s *suite) {
	s.rolledBack(t, post("/items", fields{"name": "plums"}).shadow())
	// More than the pool has connections: none of them has been left read-only.
	for i := range 12 {
		r := post("/items", fields{"name": fmt.Sprint("live-", i)})
		h := s.marked(t, r)
		if i%2 == 0 {
			h = s.unsigned(t, r)
		}
		out := s.do(t, h)
		if out.status != http.StatusCreated {
			t.Errorf("live write: %d %s", out.status, out.body)
		}
		for name := range out.header {
			if strings.HasPrefix(name, "Quack-") {
				t.Errorf("a live answer has %s", name)
			}
		}
	}
	if n := s.db.count(t, "SELECT count(*) FROM items WHERE name LIKE 'live-%'"); n != 12 {
		t.Errorf("%d of 12 live writes are there", n)
	}
	if n := s.db.count(t, "SELECT count(*) FROM txshadow.fuse"); n != 0 {
		t.Errorf("%d rows in the fuse", n)
	}
	out := s.live(t, get("/items/"+s.db.id(t, "live-0")))
	if v := out.object(t); out.status != http.StatusOK || v["name"] != "live-0" || v["qty"] != float64(0) {
		t.Errorf("%d %s", out.status, out.body)
	}
	if out := s.live(t, get("/items/99999")); out.status != http.StatusNotFound {
		t.Errorf("an item that is not there: %d", out.status)
	}
}

// checkActive: the app can ask whether a request is a shadow.
func checkActive(t *testing.T, s *suite) {
	for _, c := range []struct {
		mode txshadow.Mode
		want bool
	}{{"", false}, {txshadow.ModeReadOnly, true}, {txshadow.ModeRollback, true}, {"", false}} {
		r := get("/active")
		r.mode = c.mode
		if out := s.live(t, r); out.object(t)["active"] != c.want {
			t.Errorf("mode %q: %s", c.mode, out.body)
		}
	}
}
