package conformance

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/escapes"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
)

// checkKilled: the app is killed in the middle of a shadow, and of one that is
// prepared where it offers that. The server's own limits end what was running,
// and nothing persists. The rest is restarted's.
func checkKilled(t *testing.T, s *suite) {
	s.db.exec(t, "BEGIN; INSERT INTO notes VALUES (2); PREPARE TRANSACTION '"+notOurs+"'")
	s.whole.Cleanup(func() { s.db.conn.Exec(context.Background(), "ROLLBACK PREPARED '"+notOurs+"'") })
	prepares := s.prepares(t) && !s.app.Again
	if prepares {
		s.db.exec(t, "ROLLBACK PREPARED '"+notOurs+"'") // a slot would wait for it
		openSlot(t, s.db.dsn)
		s.db.exec(t, "BEGIN; INSERT INTO notes VALUES (2); PREPARE TRANSACTION '"+notOurs+"'")
	}
	before := s.db.content(t)
	r := slow("plums", long).shadow()
	r.budget = 4 * time.Second
	sleeping := s.sendInVain(s.marked(t, r))
	s.db.sleeping(t)
	var other <-chan reply
	if prepares {
		s.orphan, other = s.whilePrepared(t, noting)
	}
	s.process.kill()
	<-sleeping
	if prepares {
		<-other
	}
	s.db.settles(t)
	if s.orphan != "" && s.db.prepared(t, s.orphan) {
		before += "\nprepared " + s.orphan
	} else if prepares {
		t.Error("the transaction that was prepared is not there after the kill")
	}
	if after := s.db.content(t); sortedLines(after) != sortedLines(before) {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// standbyAway makes commits of new sessions wait for a standby that is away, until
// back is called, which may be more than once.
func (db *database) standbyAway(t *testing.T) (back func()) {
	t.Helper()
	name := db.conn.Config().Database
	set := func(standbys, commit string) {
		db.exec(t, "ALTER SYSTEM SET synchronous_standby_names = '"+standbys+"'")
		db.exec(t, "SELECT pg_reload_conf()")
		db.exec(t, "ALTER DATABASE "+name+" "+commit)
	}
	set("away", "SET synchronous_commit = on")
	return func() { set("", "RESET synchronous_commit") }
}

// notOurs is a prepared transaction of somebody else's.
const notOurs = "not-ours"

func (db *database) prepared(t *testing.T, gid string) bool {
	t.Helper()
	return db.count(t, "SELECT count(*) FROM pg_prepared_xacts WHERE gid = $1", gid) == 1
}

func sortedLines(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// checkRestarted: an app that starts rolls back what its like have left
// prepared, when that is old enough, and what nobody has lost stays. It has a
// cap on shadows now, which holds whatever their budget.
func checkRestarted(t *testing.T, s *suite) {
	if s.orphan != "" {
		eventually(t, "the orphan is old enough", func() bool {
			return s.db.count(t, "SELECT count(*) FROM pg_prepared_xacts WHERE gid = $1 AND prepared > clock_timestamp() - interval '11 s'", s.orphan) == 0
		})
		if !s.db.prepared(t, s.orphan) {
			t.Error("the orphan was gone before the app was started")
		}
	}
	back := func() {}
	if s.orphan != "" {
		back = s.db.standbyAway(t)
		defer back()
	}
	s.startFor(t, s.whole, settings{dsn: s.db.dsn, wallCap: 2500 * time.Millisecond})
	if s.orphan != "" { // nothing but GET /up has been asked
		eventually(t, "the orphan is rolled back", func() bool { return !s.db.prepared(t, s.orphan) })
		back()
	}
	if !s.db.prepared(t, notOurs) {
		t.Error("a prepared transaction of somebody else's was ended")
	}
	s.wantReady(t)
	create := post("/items", fields{"name": "plums"})
	sameAnswer(t, s.rolledBack(t, create.shadow()), s.live(t, create))
	wantEnded(t, s.rolledBack(t, slow("grapes", long).shadow()), "budget")
}

// checkPlainRole: an app needs no more rights than for its own tables. It reaches
// them by something that can change its SQL on the way.
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
	wire := tamperWith(t, u.Host)
	u.Host = wire.addr
	plain := *s
	plain.start(t, settings{dsn: u.String(), wallCap: relaxed})
	plain.wantReady(t)
	create := post("/items", fields{"name": "plums"})
	out := plain.rolledBack(t, create.shadow())
	sameAnswer(t, out, plain.live(t, create))
	wantFootprint(t, out, created(1))
	plain.rolledBack(t, requestOf(escapes.Verbs("COMMIT", "INSERT …"), Simple).shadow())
	t.Run("ended behind its back", func(t *testing.T) { plain.checkTampered(t, wire) })
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
