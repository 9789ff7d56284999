package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

const gidPrefix = "txshadow-conf1-"

// prepared is a request of mode=prepare.
func (s *suite) prepared(t *testing.T, r request, gid string) *http.Request {
	t.Helper()
	m := s.mark(r, "prepare")
	m.gid = gid
	h := s.carrying(t, r, m)
	s.codec.MarkContext(h.Header, m.id, "shadow", time.Now(), false)
	s.codec.MarkNested(h.Header, m.id)
	return h
}

// prepares says whether the adapter offers mode=prepare.
func (s *suite) prepares(t *testing.T) bool {
	t.Helper()
	return s.hello(t).ack.Reason == "prepare"
}

// preparing sends requests of mode=prepare, each with a name of its own.
type preparing struct {
	*suite
	n int
}

func (p *preparing) send(t *testing.T, r request) (out reply, gid string) {
	t.Helper()
	p.n++
	gid = fmt.Sprint(gidPrefix, p.n)
	return p.do(t, p.prepared(t, r, gid)), gid
}

// plainly sends r, and wants nothing to be against it and nothing of it to be
// left.
func (p *preparing) plainly(t *testing.T, r request) (out reply) {
	t.Helper()
	p.db.unchanged(t, func() { out, _ = p.send(t, r) })
	wantPlain(t, out)
	return out
}

// checkPrepare: with mode=prepare the transaction is prepared, so that its
// rows can be decoded, and rolled back all the same.
func checkPrepare(t *testing.T, s *suite) {
	create := post("/items", fields{"name": "plums"})
	if !s.prepares(t) {
		s.db.unchanged(t, func() {
			if out := s.do(t, s.prepared(t, create, gidPrefix+"1")); out.status != http.StatusForbidden || out.err == nil {
				t.Errorf("an adapter that does not offer mode=prepare was asked for it: %d", out.status)
			}
		})
		t.Skip("this adapter does not offer mode=prepare")
	}
	p := &preparing{suite: s}
	t.Run("without a slot", func(t *testing.T) { wantFootprint(t, p.plainly(t, create), created(1)) })
	t.Run("with a slot that nobody reads", func(t *testing.T) {
		openSlot(t, s.db.dsn)
		p.plainly(t, create)
	})
	t.Run("somebody else rolls back first", func(t *testing.T) {
		openSlot(t, s.db.dsn)
		s.db.unchanged(t, func() { s.checkRolledBackByOthers(t, create) })
	})
	t.Run("its session is ended", func(t *testing.T) {
		openSlot(t, s.db.dsn)
		s.db.unchanged(t, func() { s.checkLostPrepared(t, create) })
	})
	t.Run("decoded", p.checkAllDecoded)
	t.Run("what can not be prepared", func(t *testing.T) {
		wantFootprint(t, p.plainly(t, statements(Simple, "CREATE TEMP TABLE mine (n int)", insert)), created(1))
	})
	t.Run("under another role", p.checkRole)
	t.Run("forged", func(t *testing.T) { s.checkForgedGids(t, create) })
	t.Run("escapes", func(t *testing.T) {
		if s.app.Again {
			t.Skip("the other app of this adapter tries them")
		}
		s.tryEscapes(t, func(r request) reply { out, _ := p.send(t, r); return out })
	})
}

// checkRole: a prepared transaction belongs to a role that may end it, whatever
// role the application has taken.
func (p *preparing) checkRole(t *testing.T) {
	openSlot(t, p.db.dsn) // that nobody reads, so that there is time to look
	sent, owner := make(chan struct{}), make(chan string)
	go func() { owner <- p.db.ownerOfPrepared(t, sent) }()
	var out reply
	p.db.unchanged(t, func() { out, _ = p.send(t, statements(Simple, insert, "SET ROLE pg_monitor")) })
	close(sent)
	if got := <-owner; got == "pg_monitor" || got == "" {
		t.Errorf("the prepared transaction belongs to %q: after SET LOCAL ROLE the session could not roll it back", got)
	}
	wantPlain(t, out)
}

// ownerOfPrepared is the owner of a prepared transaction of ours, "" when none
// is seen until sent is closed.
func (db *database) ownerOfPrepared(t *testing.T, sent <-chan struct{}) (owner string) {
	conn, err := pgx.Connect(context.Background(), db.dsn)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close(context.Background())
	for {
		err := conn.QueryRow(context.Background(), "SELECT owner FROM pg_prepared_xacts WHERE gid LIKE $1", gidPrefix+"%").Scan(&owner)
		if err == nil {
			return owner
		}
		select {
		case <-sent:
			return ""
		case <-time.After(time.Millisecond):
		}
	}
}

func wantPlain(t *testing.T, out reply) {
	t.Helper()
	if !out.rolledBackFor("") {
		t.Fatalf("acknowledged %+v, %v\n%d %s", out.ack, out.err, out.status, out.body)
	}
}

// whilePrepared returns while the transaction of a shadow is prepared, with a
// slot that nobody reads; the channel gives the answer, or none.
func (s *suite) whilePrepared(t *testing.T, r request) (gid string, answered <-chan reply) {
	t.Helper()
	for range 10 {
		gid = fmt.Sprint(gidPrefix, time.Now().UnixNano())
		answer := s.sendInVain(s.prepared(t, r, gid))
		for len(answer) == 0 {
			if s.db.prepared(t, gid) {
				return gid, answer
			}
		}
	}
	t.Fatal("no shadow was seen prepared")
	return "", nil
}

// checkRolledBackByOthers: a watchdog may be first with ROLLBACK PREPARED. That
// is as good, when the server says that the transaction is aborted.
func (s *suite) checkRolledBackByOthers(t *testing.T, r request) {
	for range 10 {
		gid, answered := s.whilePrepared(t, r)
		_, err := s.db.conn.Exec(context.Background(), "ROLLBACK PREPARED '"+gid+"'")
		out := <-answered
		wantPlain(t, out)
		wantFootprint(t, out, created(1))
		if err == nil {
			return
		}
	}
	t.Error("the app was always first")
}

// checkLostPrepared: what a session that is ended has prepared is rolled back
// before the answer comes.
func (s *suite) checkLostPrepared(t *testing.T, r request) {
	gid, answered := s.whilePrepared(t, r)
	s.db.exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%quack-shadow'")
	out := <-answered
	if out.err != nil || out.ack.Outcome != txshadow.RolledBack {
		t.Errorf("acknowledged %+v, %v\n%d %s", out.ack, out.err, out.status, out.body)
	}
	if s.db.prepared(t, gid) {
		t.Error("acknowledged while the transaction is still prepared")
	}
}

// checkAllDecoded: whatever writes, its rows come out of the slot.
func (p *preparing) checkAllDecoded(t *testing.T) {
	reader := openSlot(t, p.db.dsn)
	reader.run(t)
	for _, w := range writes {
		t.Run(w.name, func(t *testing.T) {
			p.db.seed(t)
			p.checkDecoded(t, reader, w)
		})
	}
	t.Run("nothing that is logged", func(t *testing.T) { p.checkDecoded(t, reader, note) })
}

// checkDecoded holds the rows that the slot gives to the footprint.
func (p *preparing) checkDecoded(t *testing.T, reader *slotReader, w write) {
	var out reply
	var gid string
	p.db.unchanged(t, func() { out, gid = p.send(t, w.request) })
	wantPlain(t, out)
	wantFootprint(t, out, w.footprint)
	rows := int64(0)
	for _, r := range w.footprint {
		if r.Table != "notes" {
			rows += r.Inserted + r.Updated + r.Deleted
		}
	}
	eventually(t, "the slot has the end of "+gid, func() bool { return reader.has("ROLLBACK PREPARED '" + gid + "'") })
	if got := reader.rows(gid); int64(len(got)) != rows {
		t.Errorf("%d rows were decoded, the footprint has %d\n%s", len(got), rows, strings.Join(got, "\n"))
	}
}

var noting = statements(Simple, "INSERT INTO notes VALUES (1)")

// note is a write that leaves no rows to decode.
var note = write{"note", noting, http.StatusOK, txshadow.Footprint{inserted("notes", 1)}}

// checkForgedGids: the name of the prepared transaction is signed and has one
// form.
func (s *suite) checkForgedGids(t *testing.T, r request) {
	for _, gid := range []string{"", "mine", "txshadow-CONF-1", "txshadow-conf1-", "txshadow-conf1-1'; COMMIT; --", gidPrefix + strings.Repeat("9", 20)} {
		s.wantForbidden(t, fmt.Sprintf("gid %q", gid), r, s.prepared(t, r, gid).Header.Get(txshadow.HeaderShadow))
	}
	good := s.prepared(t, r, gidPrefix+"1").Header.Get(txshadow.HeaderShadow)
	s.wantForbidden(t, "another gid", r, strings.Replace(good, gidPrefix+"1", gidPrefix+"2", 1))
	s.wantForbidden(t, "mode=rollback with a gid", r, strings.Replace(good, "mode=prepare", "mode=rollback", 1))
}
