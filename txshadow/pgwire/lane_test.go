package pgwire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

var patient = LaneConfig{WallCap: 20 * time.Second, Patience: 5 * time.Second, seize: 20 * time.Second}

// lane starts a proxy with a lane, on a database with the shop and the fuse.
func lane(t testing.TB, cfg LaneConfig) *proxy {
	t.Helper()
	return start(t, database(t, shop+txshadow.InstallSQL()), func(c *Config) { c.Lane = &cfg })
}

// open opens a shadow.
func (p *proxy) open(change ...func(*Shadow)) {
	p.t.Helper()
	s := Shadow{ID: "request-1", Mode: txshadow.ModeRollback, Budget: time.Minute}
	for _, f := range change {
		f(&s)
	}
	p.must(p.server.Lane().Open(context.Background(), s))
}

// close ends it; the server must have rolled back.
func (p *proxy) close() Outcome {
	p.t.Helper()
	out := p.server.Lane().Close(context.Background())
	if !out.RolledBack {
		p.t.Errorf("the outcome is %+v", out)
	}
	return out
}

func (p *proxy) unchanged() {
	p.t.Helper()
	if left := one[string](p.t, p.direct, contents); left != "//" {
		p.t.Errorf("the tables have %s", left)
	}
}

func TestShadowIsRolledBack(t *testing.T) {
	p := lane(t, patient)
	conn, ctx := connect(t, p.dsn), context.Background()
	for i := range 3 {
		p.open()
		tx, err := conn.Begin(ctx)
		p.must(err)
		_, err = tx.Exec(ctx, "INSERT INTO accounts VALUES ($1, 'a', 1)", 1)
		p.must(err)
		p.must(tx.Commit(ctx))
		var n int
		p.must(conn.QueryRow(ctx, "SELECT count(*) FROM accounts").Scan(&n))
		if n != 1 {
			t.Errorf("the shadow sees %d rows", n)
		}
		p.unchanged()
		out := p.close()
		if f := out.Footprint.String(); out.Reason != "" || f != `tables=("public.accounts";ins=1 "public.audit";ins=1)` {
			t.Errorf("shadow %d: %+v", i, out)
		}
		p.must(conn.QueryRow(ctx, "SELECT count(*) FROM accounts").Scan(&n))
		if n != 0 {
			t.Errorf("after the shadow there are %d rows", n)
		}
	}
	p.unchanged()
}

// What was prepared and set before a shadow is there within it, and what is
// prepared within it stays.
func TestStateIsKeptAroundShadows(t *testing.T) {
	p := lane(t, patient)
	w := dialWire(t, p.dsn)
	w.ask(query("SET search_path = pg_catalog; SET TimeZone = 'Asia/Tokyo'"))
	w.ask(parse("before", "SELECT 'before', current_setting('TimeZone')"), syncGroup())
	p.open()
	if got := w.ask(bind("", "before"), execute("", 0), syncGroup()); !strings.Contains(got, "Asia/Tokyo") {
		t.Errorf("got %s", got)
	}
	w.ask(parse("within", "SELECT 'within'"), query("SET TimeZone = 'Europe/Paris'"), syncGroup())
	w.ready(1)
	p.close()
	if got := w.ask(bind("", "within"), execute("", 0), bind("", "before"), execute("", 0), syncGroup()); !strings.Contains(got, "within") || !strings.Contains(got, "Tokyo") {
		t.Errorf("got %s", got)
	}
}

// Outside of shadows an instance can read, and not write, however it tries.
func TestOutsideOfShadows(t *testing.T) {
	p := lane(t, patient)
	w := dialWire(t, p.dsn)
	const insert = "INSERT INTO accounts VALUES (1, 'a', 1)"
	for _, c := range []struct{ sql, state string }{
		{"SELECT 1", ""},
		{insert, catalog.StateReadOnly},
		{"SELECT nextval('orders_id_seq')", catalog.StateReadOnly},
		{"BEGIN READ WRITE; " + insert + "; COMMIT", StateBackground},
		{"START TRANSACTION READ WRITE", StateBackground},
		{"BEGIN; SET TRANSACTION READ WRITE; " + insert, StateBackground},
		{"BEGIN; SET transaction_read_only = off; " + insert, StateBackground},
		{"SET default_transaction_read_only = off", StateUnsupported},
		{"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", StateUnsupported},
		{"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ", ""},
		{"BEGIN; RESET transaction_read_only; " + insert + "; COMMIT", StateBackground},
		{`BEGIN; SET "Transaction_Read_Only" = off; ` + insert + "; COMMIT", StateBackground},
		{"NOTIFY x", StateBackground},
		{"SELECT pg_notify('x', 'y')", StateBackground},
		{"SELECT lo_create(4711)", StateBackground},
		{"SELECT set_config('default_transaction_read_only', 'off', false)", StateUnsupported},
		{"DO $$BEGIN SET TRANSACTION READ WRITE; INSERT INTO audit (what) VALUES ('x'); END$$", "25001"},
		{"RESET ALL", StateUnsupported},
		{"VACUUM", StateUnsupported},
		{"PREPARE TRANSACTION 'x'", StateUnsupported},
		{"SELECT pg_advisory_lock(1)", StateUnsupported},
		{"LISTEN x", StateUnsupported},
		{"SET client_encoding TO 'UTF-8'", ""},
		{"SET NAMES 'utf8'", ""},
		{"SET client_encoding TO 'SJIS'", StateUnsupported},
		{"DISCARD ALL", ""},
		{"DEALLOCATE ALL", ""},
	} {
		for _, protocol := range []string{"simple", "extended"} {
			if protocol == "extended" && strings.Contains(c.sql, ";") && !strings.Contains(c.sql, "$$") {
				continue
			}
			frames := []frame{query(c.sql)}
			if protocol == "extended" {
				frames = []frame{parse("", c.sql), bind("", ""), execute("", 0), syncGroup()}
			}
			if got := errorCode(w.ask(frames...)); got != c.state {
				t.Errorf("%s, %s: SQLSTATE %q, want %q", c.sql, protocol, got, c.state)
			}
			w.ask(query("ROLLBACK"))
		}
	}
	p.unchanged()
}

// A session that has become writable all the same is closed before anything
// more is taken.
func TestBeltTakenOff(t *testing.T) {
	p := lane(t, patient)
	live(t, p.direct, `CREATE FUNCTION sly() RETURNS text LANGUAGE plpgsql AS $$
		BEGIN RETURN set_config('default_transaction_read_only', 'off', false); END$$`)
	w := dialWire(t, p.dsn)
	w.send(query("SELECT sly()"), query("INSERT INTO accounts VALUES (1, 'a', 1)"))
	got := transcript(w.read(func(frame) bool { return false }))
	if !strings.Contains(got, StateQuarantine) {
		t.Errorf("got %s", got)
	}
	p.unchanged()
}

// A name that the server has no more, because of a DEALLOCATE as SQL or of a
// portal's savepoint that was rolled back, is judged by what it is given next.
func TestNamesThatAreUsedAgain(t *testing.T) {
	again := []frame{parse("i", insert), parse("a1", "ROLLBACK AND CHAIN"), parse("a2", "COMMIT")}
	for name, frames := range map[string][2][]frame{
		"statements": {
			{parse("a1", "SELECT 1"), parse("a2", "SELECT 1"), query("DEALLOCATE a1; DEALLOCATE a2")},
			append(again[:3:3], bind("", "a1"), execute("", 0), bind("", "i"), execute("", 0), bind("", "a2"), execute("", 0), syncGroup()),
		},
		"portals": {
			{parse("s", "SELECT 1"), bind("p", "s"), bind("q", "s"), parse("bad", "SELEC"), syncGroup()},
			append(again[:3:3], bind("p", "a1"), execute("p", 0), bind("", "i"), execute("", 0), bind("q", "a2"), execute("q", 0), syncGroup()),
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := lane(t, patient)
			w := dialWire(t, p.dsn)
			p.open()
			w.ask(frames[0]...)
			w.ask(frames[1]...)
			if out := p.close(); out.Reason != "" {
				t.Errorf("%+v", out)
			}
			p.unchanged()
		})
	}
}

// TestTranscriptsInALane: what a client gets in a shadow is what it gets from
// PostgreSQL itself, and the tables are left as they were.
func TestTranscriptsInALane(t *testing.T) {
	p := lane(t, patient)
	connect(t, p.dsn) // so that the session is one that has seen others
	rapid.Check(t, func(r *rapid.T) {
		stream := steps(r, queries)
		live(t, p.direct, clean)
		want := run(t, p.direct, stream)
		live(t, p.direct, clean)
		p.open()
		got := run(t, p.dsn, stream)
		out := p.close()
		p.inOrder()
		if got != want {
			r.Errorf("%v\nwithout the proxy:\n%s\nin a shadow (%s):\n%s", stream, want, out.Reason, got)
		}
		if left := one[string](t, p.direct, contents); left != "//" {
			r.Errorf("the tables have %s", left)
		}
	})
}

// inOrder looks whether the session has been left between two answers.
func (p *proxy) inOrder() {
	p.t.Helper()
	l := p.server.lane
	l.turn <- struct{}{}
	defer l.give()
	if l.session == nil || l.session.lost {
		return
	}
	row, err := l.session.row("SELECT 'in order'")
	if errors.Is(err, io.EOF) && strings.Contains(p.logs.String(), "ended from outside") {
		return // as a session is that a busy machine has not let answer in time
	}
	if err != nil || row[0] != "in order" || l.session.r.Buffered() > 0 {
		p.t.Errorf("the lane's session is out of step: %v %v, %d bytes unread", row, err, l.session.r.Buffered())
	}
}

func TestDeferredConstraints(t *testing.T) {
	p := lane(t, patient)
	w := dialWire(t, p.dsn)
	p.open()
	const orphan = "INSERT INTO orders (account) VALUES (7)"
	for _, c := range []struct {
		reason string
		frames []frame
		want   string
	}{
		{"in a transaction", []frame{query("BEGIN; " + orphan + "; COMMIT")}, "C BEGIN\nC INSERT 0 1\nE 23503\nZ I\n"},
		{"outside of one", []frame{query(orphan)}, "E 23503\nZ I\n"},
		{"outside of one, extended", []frame{parse("", orphan), bind("", ""), execute("", 0), syncGroup()}, "1\n2\nC INSERT 0 1\nE 23503\nZ I\n"},
		{"put right in time", []frame{query("BEGIN; " + orphan + "; INSERT INTO accounts VALUES (7, 'g', 0); COMMIT")}, "C BEGIN\nC INSERT 0 1\nC INSERT 0 1\nC COMMIT\nZ I\n"},
		{"made immediate", []frame{query("BEGIN; SET CONSTRAINTS ALL IMMEDIATE; INSERT INTO orders (account) VALUES (8)")}, "C BEGIN\nC SET CONSTRAINTS\nE 23503\nZ E\n"},
		{"which ends with the transaction", []frame{query("ROLLBACK; BEGIN; INSERT INTO orders (account) VALUES (8); ROLLBACK")}, "C ROLLBACK\nC BEGIN\nC INSERT 0 1\nC ROLLBACK\nZ I\n"},
	} {
		w.send(c.frames...)
		var got string
		for _, f := range w.ready(1) {
			line := show(f)
			if f.kind() == 'E' {
				line = "E " + serverError(f).Code
			}
			got += line + "\n"
		}
		if got != c.want {
			t.Errorf("%s: got %s want %s", c.reason, got, c.want)
		}
	}
	if out := p.close(); out.Footprint.String() != `tables=("public.accounts";ins=1 "public.audit";ins=1 "public.orders";ins=1)` {
		t.Errorf("%+v", out)
	}
	p.unchanged()
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		reason string
		sqls   []string
		state  string // of the last one
		ends   string // reason of the shadow
	}{
		{"vacuum", []string{"VACUUM"}, StateUnsupported, "unsupported:vacuum"},
		{"two-phase", []string{"BEGIN", "PREPARE TRANSACTION 'x'"}, StateUnsupported, "unsupported:two-phase"},
		{"advisory lock", []string{"SELECT pg_advisory_lock(1)"}, StateUnsupported, "unsupported:advisory-lock"},
		{"skip locked", []string{"SELECT * FROM accounts FOR UPDATE SKIP LOCKED"}, StateUnsupported, "unsupported:skip-locked"},
		{"a failed transaction stays failed", []string{"BEGIN", "LISTEN x", "SELECT 1"}, stateFailedTx, "unsupported:listen"},
		{"isolation", []string{"BEGIN ISOLATION LEVEL SERIALIZABLE"}, StateUnsupported, "unsupported:isolation"},
		{"the isolation that it has", []string{"BEGIN ISOLATION LEVEL READ COMMITTED", "SELECT 1", "COMMIT"}, "", ""},
		{"what can not be read", []string{"SELECT 'no end"}, StateUnsupported, "unsupported:syntax"},
		{"what is not known", []string{"FROBNICATE"}, StateUnsupported, "unsupported:statement"},
		{"deallocate all", []string{"PREPARE a AS SELECT 1", "DEALLOCATE ALL", "EXECUTE a"}, "26000", ""},
		{"prepare and execute", []string{"PREPARE a AS SELECT 1", "EXECUTE a", "DEALLOCATE a"}, "", ""},
		{"discard all", []string{"DISCARD ALL"}, "", ""},
		{"a procedure that commits", []string{"DO $$BEGIN COMMIT; END$$"}, "2D000", "unsupported:procedure"},
		{"a procedure that commits in a transaction", []string{"BEGIN", "DO $$BEGIN COMMIT; END$$"}, "2D000", ""},
		{"SET LOCAL ends with its transaction", []string{"BEGIN", "SET LOCAL work_mem = '77MB'", "COMMIT", "SELECT 1 / (current_setting('work_mem') = '77MB')::int"}, "22012", ""},
		{"a cursor ends with its transaction", []string{"BEGIN", "DECLARE c CURSOR FOR SELECT 1", "COMMIT", "BEGIN", "DECLARE c CURSOR FOR SELECT 1"}, "", ""},
		{"ON COMMIT DROP", []string{"BEGIN", "CREATE TEMP TABLE x (a int) ON COMMIT DROP", "COMMIT", "SELECT * FROM x"}, "42P01", ""},
		{"ON COMMIT DELETE ROWS", []string{"BEGIN", "CREATE TEMP TABLE x (a int) ON COMMIT DELETE ROWS", "INSERT INTO x VALUES (0)", "COMMIT", "SELECT 1/a FROM x"}, "", ""},
		{"a read-only transaction", []string{"BEGIN READ ONLY", insert}, catalog.StateReadOnly, ""},
		{"which ends", []string{"BEGIN READ ONLY", "COMMIT", insert}, "", ""},
		{"a statement that would wait", []string{"SELECT pg_sleep(0)"}, "", ""},
		{"setting through a parameter's name", []string{"SELECT set_config('statement_timeout', '0', true)"}, StateUnsupported, "unsupported:setting"},
		{"a longer time limit is not set", []string{"SET statement_timeout = 0", "SELECT 1 / (current_setting('statement_timeout') = '0')::int"}, "22012", ""},
	} {
		for _, extended := range []bool{false, true} {
			p := laneOf(t)
			w := dialWire(t, p.dsn)
			p.open()
			got := ""
			for _, sql := range c.sqls {
				if extended {
					got = errorCode(w.ask(parse("", sql), bind("", ""), execute("", 0), syncGroup()))
				} else {
					got = errorCode(w.ask(query(sql)))
				}
			}
			w.conn.Close()
			if out := p.close(); got != c.state && !(extended && got == "42601") || out.Reason != c.ends {
				t.Errorf("%s, extended %v: SQLSTATE %q, want %q; reason %q, want %q", c.reason, extended, got, c.state, out.Reason, c.ends)
			}
		}
	}
	laneOf(t).unchanged()
}

// laneOf is a lane that the tests of one function share.
var shared = map[string]*proxy{}

func laneOf(t testing.TB) *proxy {
	if shared[t.Name()] == nil {
		shared[t.Name()] = lane(t, patient)
	}
	return shared[t.Name()]
}

func TestWriteSavepointsAreFew(t *testing.T) {
	p := lane(t, patient)
	w := dialWire(t, p.dsn)
	p.open()
	refused := ""
	for i := range sqltext.MaxWriters + 1 {
		refused = errorCode(w.ask(query(fmt.Sprintf("INSERT INTO accounts VALUES (%d, '%d', 1)", i, i))))
		if refused != "" && i < sqltext.MaxWriters {
			t.Fatalf("statement %d: %s", i, refused)
		}
	}
	if out := p.close(); refused != StateUnsupported || out.Reason != "unsupported:too-many-statements" {
		t.Errorf("SQLSTATE %q, %+v", refused, out)
	}
}

func TestBudget(t *testing.T) {
	p := lane(t, patient)
	w := dialWire(t, p.dsn)
	w.ask(query("SELECT 1"))
	p.open(func(s *Shadow) { s.Budget = 300 * time.Millisecond })
	w.ask(query("BEGIN"))
	w.ask(query(insert))
	if got := errorCode(w.ask(query("SELECT pg_sleep(60)"))); got != catalog.StateCancelled {
		t.Errorf("SQLSTATE %q", got)
	}
	until(t, "the server has rolled back", func() bool {
		return one[int](t, p.direct, "SELECT count(*) FROM pg_locks WHERE relation = 'accounts'::regclass") == 0
	})
	for _, c := range []struct{ sql, state, status string }{
		{insert, stateFailedTx, "E"}, {"COMMIT", "", "I"}, {insert, StateOver, "I"}, {"BEGIN", StateOver, "I"},
	} {
		got := w.ask(query(c.sql))
		if errorCode(got) != c.state || !strings.HasSuffix(got, "Z "+c.status+"\n") {
			t.Errorf("%s: got %s", c.sql, got)
		}
	}
	if out := p.close(); out.Reason != "budget" {
		t.Errorf("%+v", out)
	}
	if got := w.ask(query("SELECT 1")); errorCode(got) != "" {
		t.Errorf("after the shadow: %s", got)
	}
	p.unchanged()
}

func TestSeveralConnections(t *testing.T) {
	p := lane(t, patient)
	a, b := dialWire(t, p.dsn), dialWire(t, p.dsn)
	for _, w := range []*wire{a, b} { // the same names, of different statements
		w.ask(parse("s", fmt.Sprintf("SELECT '%p'", w)), parse("", fmt.Sprintf("SELECT 'unnamed %p'", w)), syncGroup())
	}
	p.open()
	for range 2 {
		for _, w := range []*wire{a, b} {
			got := w.ask(bind("", "s"), execute("", 0), bind("", ""), execute("", 0), syncGroup())
			if strings.Count(got, fmt.Sprintf("%p", w)) != 2 {
				t.Errorf("got %s", got)
			}
		}
	}
	a.ask(query("BEGIN"))
	a.ask(query("INSERT INTO accounts VALUES (1, 'a', 1)"))
	if got := b.ask(query("SELECT 'rows ' || count(*) FROM accounts")); !strings.Contains(got, "rows 1") || !strings.HasSuffix(got, "Z I\n") {
		t.Errorf("the other connection: %s", got)
	}
	if got := b.ask(query("SET TimeZone = 'Asia/Tokyo'")); errorCode(got) != "" {
		t.Errorf("got %s", got)
	}
	if got := a.ask(query("SELECT 1")); !strings.Contains(got, "Asia/Tokyo") {
		t.Errorf("the other connection is not told of a parameter: %s", got)
	}
	if got := b.ask(query("BEGIN")); errorCode(got) != StateUnsupported {
		t.Errorf("a second transaction: %s", got)
	}
	if got := a.ask(query("COMMIT")); errorCode(got) != "" || !strings.HasSuffix(got, "Z I\n") {
		t.Errorf("the first transaction: %s", got)
	}
	if out := p.close(); out.Reason != "unsupported:concurrent-transactions" {
		t.Errorf("%+v", out)
	}
	p.unchanged()
}

// A transaction that the instance has open by itself is no shadow's, and a
// shadow is not opened in it.
func TestBusyLane(t *testing.T) {
	cfg := patient
	cfg.Patience, cfg.TurnTimeout = 50*time.Millisecond, 50*time.Millisecond
	p := lane(t, cfg)
	a, b := dialWire(t, p.dsn), dialWire(t, p.dsn)
	a.ask(query("BEGIN"))
	if err := p.server.Lane().Open(context.Background(), Shadow{Mode: txshadow.ModeRollback}); !errors.Is(err, ErrBusy) {
		t.Errorf("Open says %v", err)
	}
	if got := errorCode(b.ask(query("SELECT 1"))); got != catalog.StateLock {
		t.Errorf("the other connection: SQLSTATE %q", got)
	}
	a.ask(query("COMMIT"))
	p.open()
	if err := p.server.Lane().Open(context.Background(), Shadow{Mode: txshadow.ModeRollback}); !errors.Is(err, ErrBusy) {
		t.Errorf("Open says %v", err)
	}
	p.close()
}
