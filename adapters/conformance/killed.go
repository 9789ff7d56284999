package conformance

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
)

// checkKilled: the app is killed in the middle of a shadow. The server's own
// limits end what it was doing, and nothing persists.
func checkKilled(t *testing.T, s *suite) {
	r := slow("plums", long).shadow()
	r.budget = 4 * time.Second
	s.db.unchanged(t, func() {
		h := s.marked(t, r)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			s.try(h) // no answer comes
		}()
		s.db.sleeping(t)
		s.process.kill()
		<-gone
		s.db.settles(t)
	})
	s.startFor(t, s.whole, s.set)
	s.wantReady(t)
	sameAnswer(t, s.rolledBack(t, post("/items", fields{"name": "plums"}).shadow()), s.live(t, post("/items", fields{"name": "plums"})))
}

// checkPlainRole: an app needs no more rights than for its own tables.
func checkPlainRole(t *testing.T, s *suite) {
	role := "app_" + strings.ToLower(rand.Text())
	s.db.exec(t, "CREATE ROLE "+role+" LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO "+role+"; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "+role)
	t.Cleanup(func() {
		if _, err := s.db.conn.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(s.db.dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	plain := *s
	plain.start(t, settings{dsn: u.String(), wallCap: relaxed})
	plain.wantReady(t)
	create := post("/items", fields{"name": "plums"})
	out := plain.rolledBack(t, create.shadow())
	sameAnswer(t, out, plain.live(t, create))
	wantFootprint(t, out, created(1))
	plain.rolledBack(t, verbs("COMMIT", "INSERT …").request(s.app.Protocols[0]).shadow())
	plain.process.kill()
	s.db.settles(t)
}

// checkWithoutFuse: where the fuse is not installed nothing is run that could
// persist, and live requests are served.
func checkWithoutFuse(t *testing.T, s *suite) {
	bare := *s
	bare.db = &database{dsn: pgtest.NewDatabase(t)}
	bare.db.conn = connect(t, bare.db.dsn)
	bare.db.exec(t, schema)
	bare.start(t, settings{dsn: bare.db.dsn, wallCap: relaxed})
	if out := bare.hello(t); out.err == nil || out.status < 500 {
		t.Errorf("hello without the fuse: %d, outcome %q", out.status, out.ack.Outcome)
	}
	create := post("/items", fields{"name": "plums"})
	out := bare.do(t, bare.marked(t, create.shadow()))
	if out.err == nil && !strings.HasPrefix(out.ack.Reason, "unsupported:") {
		t.Errorf("a shadow without the fuse was run: %+v", out.ack)
	}
	if n := bare.db.count(t, "SELECT count(*) FROM items"); n != 0 {
		t.Errorf("%d items persist", n)
	}
	if out := bare.live(t, create); out.status != http.StatusCreated {
		t.Errorf("a live write without the fuse: %d %s", out.status, out.body)
	}
	bare.process.kill()
}

// install puts the fuse where it was, if an escape has damaged it.
func (db *database) install(t *testing.T) {
	t.Helper()
	db.exec(t, txshadow.InstallSQL())
}
