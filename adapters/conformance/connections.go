package conformance

import (
	"net/http"
	"testing"
	"time"
)

// checkConnections: a shadow has one session, and a request may use several
// connections. They see what each has written; two transactions on them can not
// be apart.
func checkConnections(t *testing.T, s *suite) {
	if s.app.OneConnection {
		t.Skip("this app has one connection")
	}
	t.Run("beside each other", func(t *testing.T) {
		r := post("/beside", fields{"name": "plums"})
		out := s.rolledBack(t, r.shadow())
		if out.ack.Reason != s.app.Beside {
			t.Errorf("reason %q, want %q\n%d %s", out.ack.Reason, s.app.Beside, out.status, out.body)
		}
		live := s.live(t, r)
		if live.status != http.StatusCreated || live.object(t)["seen"] != true {
			t.Errorf("live answer %d %s", live.status, live.body)
		}
		if s.app.Beside == "" {
			sameAnswer(t, out, live)
			wantFootprint(t, out, created(1))
		}
	})
	t.Run("two transactions at once", func(t *testing.T) {
		s.db.seed(t)
		r := post("/apart", fields{"a": "plums", "b": "grapes"})
		shadow := r.shadow()
		shadow.budget = 1500 * time.Millisecond // one may wait for the other for ever
		if out := s.rolledBack(t, shadow); out.ack.Reason != s.app.Apart {
			t.Errorf("reason %q, want %q\n%d %s", out.ack.Reason, s.app.Apart, out.status, out.body)
		}
		if out := s.live(t, r); out.status != http.StatusCreated {
			t.Errorf("live answer %d %s", out.status, out.body)
		}
		s.wantBooked(t, created(2))
	})
}

// checkQueryBefore: the app sends a query for each request before the adapter
// sees it. That would be live in a shadow, so the app is not ready, and says so
// of a shadow that comes all the same.
func checkQueryBefore(t *testing.T, s *suite) {
	early := *s
	early.start(t, settings{dsn: s.db.dsn, wallCap: relaxed, env: []string{"QUERY_BEFORE=1"}})
	for range 8 { // an adapter may know a thread by the request before
		early.live(t, get("/count"))
	}
	if n := s.db.count(t, "SELECT count(*) FROM notes"); n == 0 {
		t.Error("the app has sent nothing before the adapter: QUERY_BEFORE is to insert a note")
	}
	tries := 1
	if s.app.PerThread {
		tries = 30
	}
	helloed, refused := false, false
	var hello, out reply
	for range tries {
		if !helloed {
			hello = early.hello(t)
			helloed = hello.err != nil && hello.status >= 500
		}
		if !refused {
			out = early.do(t, early.marked(t, post("/items", fields{"name": "plums"}).shadow()))
			refused = out.err != nil && out.status >= 500 || // it may have written
				out.rolledBackFor("unsupported:query-before")
		}
	}
	if !helloed {
		t.Errorf("hello: %d, outcome %q", hello.status, hello.ack.Outcome)
	}
	if !refused {
		t.Errorf("a shadow behind a query: %d, %+v, %v\n%s", out.status, out.ack, out.err, out.body)
	}
	if n := s.db.count(t, "SELECT count(*) FROM items"); n != 2 {
		t.Errorf("%d items, and the shadow should not have been run", n)
	}
	if out := early.live(t, post("/items", fields{"name": "plums"})); out.status != http.StatusCreated {
		t.Errorf("a live write: %d %s", out.status, out.body)
	}
	early.process.kill()
	s.db.exec(t, "TRUNCATE notes")
}
