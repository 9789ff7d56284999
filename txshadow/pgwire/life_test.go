package pgwire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

func TestReadingShadow(t *testing.T) {
	p := lane(t, patient)
	w := dialWire(t, p.dsn)
	p.open(func(s *Shadow) { s.Mode = txshadow.ModeReadOnly })
	if got := w.ask(query("SELECT count(*) FROM accounts")); errorCode(got) != "" {
		t.Errorf("got %s", got)
	}
	if got := w.ask(query("UPDATE accounts SET n = 0")); errorCode(got) != catalog.StateReadOnly {
		t.Errorf("got %s", got)
	}
	if out := p.close(); out.Reason != "write:25006:update:accounts" {
		t.Errorf("%+v", out)
	}
	p.open(func(s *Shadow) { s.Mode = txshadow.ModeReadOnly })
	if got := w.ask(query("RESET transaction_read_only; UPDATE accounts SET n = 0")); errorCode(got) != StateUnsupported {
		t.Errorf("got %s", got)
	}
	if out := p.close(); out.Reason != "unsupported:read-write" {
		t.Errorf("%+v", out)
	}
}

func TestLaneThatIsNotPrepared(t *testing.T) {
	p := start(t, database(t, shop), func(c *Config) { c.Lane = &LaneConfig{WallCap: 20 * time.Second} })
	connect(t, p.dsn)
	if err := p.server.Lane().Prove(context.Background()); err == nil || !strings.Contains(err.Error(), "quack txshadow install") {
		t.Errorf("Prove says %v", err)
	}
	live(t, p.direct, txshadow.InstallSQL())
	if err := p.server.Lane().Prove(context.Background()); err != nil {
		t.Errorf("Prove says %v", err)
	}
	live(t, p.direct, "ALTER TABLE txshadow.fuse DISABLE TRIGGER fuse")
	if err := p.server.Lane().Prove(context.Background()); err == nil {
		t.Error("Prove finds nothing wrong with a fuse that is switched off")
	}
}

// An instance may connect only when its request comes.
func TestFirstConnectionWithinAShadow(t *testing.T) {
	p := lane(t, patient)
	p.open()
	conn := connect(t, p.dsn)
	if _, err := conn.Exec(context.Background(), insert); err != nil {
		t.Error(err)
	}
	if out := p.close(); out.Reason != "" || len(out.Footprint) != 2 {
		t.Errorf("%+v", out)
	}
	p.unchanged()
}

func TestClientGoneInAShadow(t *testing.T) {
	p := lane(t, patient)
	stay := dialWire(t, p.dsn)
	stay.ask(query("SELECT 1"))
	p.open()
	var stream []byte
	for _, f := range []frame{query("BEGIN"), query("INSERT INTO accounts VALUES (1, 'a', 1)"), parse("s", "INSERT INTO audit (what) VALUES ('x')"),
		bind("", "s"), execute("", 0), flush(), syncGroup(), query("COPY accounts FROM STDIN"), message('d', []byte("8\tcopied\t1\n"))} {
		stream = append(stream, f...)
		w := dialWire(t, p.dsn)
		w.send(stream)
		w.conn.Close()
		alone(p)
		w = dialWire(t, p.dsn)
		w.send(stream[:len(stream)-1])
		w.conn.Close()
		alone(p)
	}
	if got := stay.ask(query("SELECT count(*) FROM accounts")); !strings.Contains(got, `\x010`) || !strings.HasSuffix(got, "Z I\n") {
		t.Errorf("got %s", got)
	}
	if n := strings.Count(stay.ask(query("SELECT name FROM pg_prepared_statements WHERE name LIKE '\\_tc%'")), "D "); n != 0 {
		t.Errorf("%d statements of clients that are gone are left", n)
	}
	p.close()
	p.unchanged()
}

// alone waits until one client is left, and nobody has the turn.
func alone(p *proxy) {
	l := p.server.lane
	until(p.t, "all others are gone", func() bool {
		if !l.take(context.Background()) {
			return false
		}
		defer l.give()
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.members) == 1
	})
}

func TestLaneSessionKilled(t *testing.T) {
	p := lane(t, patient)
	conn, ctx := connect(t, p.dsn), context.Background()
	var pid int
	p.must(conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid))
	p.open()
	_, err := conn.Exec(ctx, insert)
	p.must(err)
	live(t, p.direct, fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
	if _, err := conn.Exec(ctx, insert); err == nil {
		t.Error("the client noticed nothing")
	}
	if out := p.close(); out.Reason != "unsupported:session-lost" || out.Footprint != nil {
		t.Errorf("%+v", out)
	}
	p.unchanged()
	again := connect(t, p.dsn)
	p.open()
	_, err = again.Exec(ctx, insert)
	p.must(err)
	if out := p.close(); out.Reason != "" {
		t.Errorf("the next shadow: %+v", out)
	}
}

func TestCopyInAShadow(t *testing.T) {
	p := lane(t, patient)
	conn, ctx := connect(t, p.dsn), context.Background()
	p.open()
	var all [][]any
	for i := range 5000 {
		all = append(all, []any{i, fmt.Sprint(i), 1})
	}
	n, err := conn.CopyFrom(ctx, pgx.Identifier{"accounts"}, []string{"id", "email", "n"}, pgx.CopyFromRows(all))
	if n != 5000 || err != nil {
		t.Fatalf("copied %d: %v", n, err)
	}
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"accounts"}, []string{"id", "email", "n"}, pgx.CopyFromRows(all)); state(err) != "23505" {
		t.Errorf("got %v", err)
	}
	if _, err := conn.Exec(ctx, "SELECT 1"); err != nil {
		t.Error(err)
	}
	if out := p.close(); out.Reason != "" || out.Footprint[0].Inserted != 5000 {
		t.Errorf("%+v", out)
	}
	p.unchanged()
}

func TestCancelsInALaneHitNothingLater(t *testing.T) {
	const limit = 20 * time.Minute
	p := lane(t, LaneConfig{WallCap: limit})
	cancels(t, p, func(*wire) { p.open(func(s *Shadow) { s.Budget = limit }) })
	p.close()
}

// TestCrowdInALane lets several clients send random streams at once, while
// shadows are opened and closed and some clients leave in the middle: nothing
// persists, nothing gets stuck, and the session is never out of step.
func TestCrowdInALane(t *testing.T) {
	p := lane(t, LaneConfig{WallCap: 20 * time.Second, Patience: 5 * time.Second, TurnTimeout: 200 * time.Millisecond})
	connect(t, p.dsn)
	stream := rapid.Custom(func(r *rapid.T) []step { return steps(r, queries) })
	for round := range 20 {
		p.open()
		var crowd sync.WaitGroup
		for client := range 4 {
			crowd.Go(func() {
				w := dialWire(t, p.dsn)
				defer w.conn.Close()
				var frames []frame
				for _, s := range stream.Example(100*round + client) {
					frames = append(frames, s.frame)
				}
				w.send(frames...)
				if client == 3 { // leaves with its answers unread
					return
				}
				w.send(message('f', "the end"), syncGroup(), message('X'))
				w.read(func(frame) bool { return false })
			})
		}
		crowd.Wait()
		p.close()
		p.inOrder()
	}
	p.unchanged()
}

// A portal's name that was used before its transaction ended says nothing of
// what is bound to it later.
func TestNamesUsedAgain(t *testing.T) {
	p := lane(t, patient)
	w := dialWire(t, p.dsn)
	w.ask(parse("read", "SELECT 1"), parse("end", "COMMIT"), parse("write", insert), syncGroup())
	w.ask(bind("p", "read"), syncGroup())
	p.open()
	w.ask(bind("p", "write"), execute("p", 0), syncGroup())
	w.ask(bind("p", "read"), syncGroup())
	if got := w.ask(bind("p", "end"), execute("p", 0), syncGroup()); !strings.Contains(got, "C COMMIT\n") {
		t.Errorf("got %s", got)
	}
	if got := w.ask(execute("p", 0), syncGroup()); errorCode(got) != "34000" {
		t.Errorf("the portal has outlived its transaction: %s", got)
	}
	if out := p.close(); out.Reason != "" || len(out.Footprint) != 2 {
		t.Errorf("%+v", out)
	}
	p.unchanged()
}

// The session's usual isolation level is the shadow's.
func TestIsolationOfTheSession(t *testing.T) {
	p := lane(t, patient)
	w := dialWire(t, p.dsn)
	for _, c := range []struct{ usual, asked, state string }{
		{"repeatable read", "REPEATABLE READ", ""}, {"repeatable read", "SERIALIZABLE", StateUnsupported}, {"read uncommitted", "READ COMMITTED", ""},
	} {
		w.ask(query("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL " + c.usual))
		p.open()
		if got := errorCode(w.ask(query("BEGIN ISOLATION LEVEL " + c.asked))); got != c.state {
			t.Errorf("%s where %s is usual: SQLSTATE %q, want %q", c.asked, c.usual, got, c.state)
		}
		w.ask(query("ROLLBACK"))
		p.close()
	}
	w.ask(query("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
	if err := p.server.Lane().Prove(context.Background()); !errors.Is(err, catalog.ErrSerializable) {
		t.Errorf("Prove says %v", err)
	}
	if got := w.ask(query("SELECT 1")); errorCode(got) != "" || !strings.HasSuffix(got, "Z I\n") {
		t.Errorf("after a shadow that was not opened: %s", got)
	}
}
