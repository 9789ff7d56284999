package conformance

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/postgres"
)

// checkCrashed: the database is killed in the middle of a shadow, and comes
// back: at once, so that another server answers for the one that had the
// session, or only when the shadow has been given up, so that there is none to
// ask. That proves no leak: nothing is left, and the next shadow is as any other.
func checkCrashed(t *testing.T, s *suite) {
	if s.app.Again {
		t.Skip("another app holds the adapter to it")
	}
	// What was committed has to be there after the crash.
	c, err := postgres.Start(t.Context(), postgres.Options{Settings: map[string]string{"synchronous_commit": "on"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	crashed := *s
	crashed.whole = t
	crashed.db = openDatabase(t, c.DSN("postgres"))
	crashed.start(t, settings{dsn: crashed.db.dsn, wallCap: relaxed})
	crashed.wantReady(t)
	sleeps := slow("plums", long).shadow()
	t.Run("back at once", func(t *testing.T) {
		crashed.crash(t, c, sleeps, func(t *testing.T, pending func(*testing.T) reply) reply {
			revive(t, c)
			return pending(t)
		})
	})
	t.Run("away", func(t *testing.T) {
		crashed.crash(t, c, sleeps, func(t *testing.T, pending func(*testing.T) reply) reply {
			out := pending(t)
			if out.err == nil { // nobody was there to confirm it
				t.Errorf("acknowledged %+v", out.ack)
			}
			revive(t, c)
			return out
		})
	})
	crashed.process.kill()
}

// crash kills the server while r sleeps; answer brings it back and returns what
// has become of r.
func (s *suite) crash(t *testing.T, c *postgres.Cluster, r request, answer func(*testing.T, func(*testing.T) reply) reply) {
	t.Helper()
	s.db.seed(t)
	before := s.db.content(t)
	pending := s.sendAway(s.marked(t, r))
	s.db.sleeping(t)
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	wantUnconfirmed(t, answer(t, pending))
	s.db.conn = connect(s.whole, s.db.dsn)
	s.db.settles(t)
	if after := s.db.content(t); after != before {
		t.Errorf("before the crash:\n%s\nafter it:\n%s", before, after)
	}
	eventually(t, "live requests are served again", func() bool { // each connection of a pool may have to be met once
		out, err := s.try(s.marked(t, get("/count")))
		return err == nil && out.status == http.StatusOK
	})
	eventually(t, "the app proves again that it rolls back", func() bool { return s.hello(t).err == nil })
	create := post("/items", fields{"name": "plums"})
	out := s.rolledBack(t, create.shadow())
	wantFootprint(t, out, created(1))
	sameAnswer(t, out, s.live(t, create))
}

// wantUnconfirmed wants what Quack takes for no leak: 503 without an
// acknowledgement, or an acknowledged rollback of something that is not compared.
func wantUnconfirmed(t *testing.T, out reply) {
	t.Helper()
	switch {
	case out.err == nil && strings.HasPrefix(out.ack.Reason, "unsupported:"):
	case out.err != nil && out.status == http.StatusServiceUnavailable:
	default:
		t.Errorf("the database was killed under a shadow: %d, acknowledged %+v (%v)\n%s", out.status, out.ack, out.err, out.body)
	}
}

func revive(t *testing.T, c *postgres.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Revive(ctx); err != nil {
		t.Fatal(err)
	}
}
