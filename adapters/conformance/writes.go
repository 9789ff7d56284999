package conformance

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/txshadow"
)

// write is a request that writes, and what is to be seen of it. The answer's
// yardstick is the app itself: the same request made live, from the same state.
type write struct {
	name      string
	request   request
	status    int
	footprint txshadow.Footprint
}

func inserted(table string, n int64) txshadow.TableRows {
	return txshadow.TableRows{Table: table, Inserted: n}
}

// created is the footprint of n new items.
func created(n int64) txshadow.Footprint {
	return txshadow.Footprint{inserted("audits", n), inserted("items", n)}
}

func nothing() txshadow.Footprint { return txshadow.Footprint{} }

var writes = []write{
	{"create", post("/items", fields{"name": "plums"}), http.StatusCreated, created(1)},
	{"taken", post("/items", fields{"name": "apples"}), http.StatusConflict, nothing()},
	{"transfer", post("/transfer", fields{"from": "apples", "to": "pears", "qty": 4}), http.StatusOK, txshadow.Footprint{{Table: "items", Updated: 2}}},
	{"transfer too much", post("/transfer", fields{"from": "apples", "to": "pears", "qty": 11}), http.StatusUnprocessableEntity, nothing()},
	{"nested", post("/nested", fields{"outer": "plums", "inner": "grapes"}), http.StatusCreated, created(1)},
	{"two", post("/two", fields{"a": "plums", "b": "grapes"}), http.StatusCreated, created(2)},
	{"two, the second taken", post("/two", fields{"a": "plums", "b": "apples"}), http.StatusConflict, created(1)},
	{"deferred", post("/deferred", fields{"parent": 1}), http.StatusCreated, txshadow.Footprint{inserted("children", 1)}},
	{"deferred, no parent", post("/deferred", fields{"parent": 7}), http.StatusConflict, nothing()},
	{"durable", post("/durable", fields{"name": "plums"}), http.StatusCreated, created(1)},
	{"read committed", post("/isolation", fields{"level": "read committed"}), http.StatusCreated, created(1)},
	{"slow", post("/slow", fields{"ms": 20, "name": "plums"}), http.StatusCreated, created(1)},
	{"not found", post("/nowhere", fields{}), http.StatusNotFound, nothing()},
}

// checkWrites: each write runs for real, is answered as it would be, is
// counted, and leaves nothing.
func checkWrites(t *testing.T, s *suite) {
	for _, w := range writes {
		t.Run(w.name, func(t *testing.T) {
			s.db.seed(t)
			shadow := s.rolledBack(t, w.request.shadow())
			again := s.rolledBack(t, w.request.shadow())
			live := s.live(t, w.request)
			if live.status != w.status {
				t.Errorf("live answer %d, want %d\n%s", live.status, w.status, live.body)
			}
			for _, out := range []reply{shadow, again} {
				sameAnswer(t, out, live)
				if out.ack.Reason != "" {
					t.Errorf("reason %q", out.ack.Reason)
				}
				wantFootprint(t, out, w.footprint)
			}
			s.wantBooked(t, w.footprint)
		})
	}
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			out := s.rolledBack(t, post("/isolation", fields{"level": level}).shadow())
			if out.ack.Reason != "unsupported:isolation" {
				t.Errorf("reason %q, want unsupported:isolation: a shadow's transaction has one level", out.ack.Reason)
			}
		})
	}
}

// sameAnswer compares a shadow's answer with the live one, generated ids aside.
func sameAnswer(t *testing.T, shadow, live reply) {
	t.Helper()
	if shadow.status != live.status {
		t.Errorf("the shadow was answered with %d, live with %d\n%s", shadow.status, live.status, shadow.body)
	}
	if s, l := shadow.header.Get("Content-Type"), live.header.Get("Content-Type"); s != l {
		t.Errorf("Content-Type of the shadow %q, live %q", s, l)
	}
	if d := cmp.Diff(withoutIDs(live.body), withoutIDs(shadow.body)); d != "" {
		t.Errorf("-live +shadow\n%s", d)
	}
}

func withoutIDs(body string) any {
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return body
	}
	if m, ok := v.(fields); ok {
		delete(m, "id")
	}
	return v
}

func wantFootprint(t *testing.T, out reply, want txshadow.Footprint) {
	t.Helper()
	switch {
	case out.ack.FootprintErr != nil:
		t.Errorf("the footprint says nothing: %v\n%q", out.ack.FootprintErr, out.header.Values(txshadow.HeaderFootprint))
	case out.ack.Footprint == nil:
		t.Error("no footprint")
	default:
		if d := cmp.Diff(want, out.ack.Footprint); d != "" {
			t.Errorf("footprint: -want +got\n%s", d)
		}
	}
}

// wantBooked holds the footprint to what the live request has left.
func (s *suite) wantBooked(t *testing.T, f txshadow.Footprint) {
	t.Helper()
	was := map[string]int64{"items": 2, "parents": 1} // of the seed
	now := map[string]int64{}
	for _, table := range []string{"items", "audits", "children"} {
		now[table] = int64(s.db.count(t, "SELECT count(*) FROM "+table))
	}
	now["audits"] -= 2
	for _, r := range f {
		was[r.Table] += r.Inserted - r.Deleted
	}
	for table, n := range now {
		if n != was[table] {
			t.Errorf("the live request has left %d rows in %s, the footprint says %d", n, table, was[table])
		}
	}
}

// checkNested: a live request that a shadow has caused must not write.
func checkNested(t *testing.T, s *suite) {
	nested := func(r request) *http.Request {
		h := s.marked(t, r)
		s.codec.MarkNested(h.Header, "request-of-a-shadow")
		return h
	}
	s.db.unchanged(t, func() {
		if out := s.do(t, nested(post("/items", fields{"name": "plums"}))); out.status != http.StatusConflict {
			t.Errorf("an unsafe request that a shadow has caused: %d", out.status)
		}
		if out := s.do(t, nested(get("/items/"+s.db.id(t, "apples")))); out.status != http.StatusOK {
			t.Errorf("a safe request that a shadow has caused: %d", out.status)
		}
	})
	forged := s.marked(t, post("/items", fields{"name": "plums"}))
	forged.Header.Set("Baggage", "quack.shadow=request.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	if out := s.do(t, forged); out.status != http.StatusCreated {
		t.Errorf("baggage that does not verify: %d, want what the app answers", out.status)
	}
}
