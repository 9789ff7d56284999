package pgwire

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

const shop = `CREATE TABLE accounts (id int PRIMARY KEY, email text UNIQUE, n int CHECK (n >= 0));
CREATE TABLE orders (id serial PRIMARY KEY, account int NOT NULL REFERENCES accounts DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE audit (id bigserial PRIMARY KEY, what text NOT NULL);
CREATE FUNCTION audit_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit (what) VALUES (TG_OP || ' ' || NEW.email); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION audit_account();
`

// step is one message, with its name for a failure's report.
type step struct {
	name string
	frame
}

func (s step) String() string { return s.name }

var wireNames = []string{"", "a", "b"}

// statements are what random clients parse and query; none takes parameters.
var statements = []string{
	"SELECT 1", "SELECT generate_series(1, 5)", "INSERT INTO accounts VALUES (1, 'a', 1)", "SELECT * FROM accounts ORDER BY id",
	"UPDATE accounts SET n = n - 1", "BEGIN", "COMMIT", "ROLLBACK", "SELECT 1/0", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s", "",
	"DECLARE c CURSOR FOR SELECT generate_series(1, 3)", "FETCH 2 FROM c", "COPY accounts FROM STDIN", "COPY accounts TO STDOUT",
	"INSERT INTO orders (id, account) VALUES (1, 7)", "DELETE FROM orders", "SELECT nope",
}

var queries = append([]string{
	"SELECT 1; SELECT 2", "BEGIN; INSERT INTO accounts VALUES (2, 'b', 0); COMMIT", "INSERT INTO accounts VALUES (3, 'c', 1); SELECT 1/0",
	"BEGIN; SELECT 1/0", "SELECT 1; COMMIT; SELECT 2", "DEALLOCATE a", "SHOW search_path",
}, statements...)

// steps draws a stream of messages.
func steps(t *rapid.T, queries []string) []step {
	name := rapid.SampledFrom(wireNames)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		n, m := name.Draw(t, "name"), name.Draw(t, "other")
		switch k := rapid.SampledFrom([]byte("PPBBDEEECHSSSQQQdcf")).Draw(t, "kind"); k {
		case 'P':
			sql := rapid.SampledFrom(statements).Draw(t, "sql")
			return step{fmt.Sprintf("Parse(%q, %q)", n, sql), parse(n, sql)}
		case 'B':
			return step{fmt.Sprintf("Bind(%q, %q)", n, m), bind(n, m)}
		case 'D':
			kind := rapid.SampledFrom([]byte("SP")).Draw(t, "of")
			return step{fmt.Sprintf("Describe(%c %q)", kind, n), describe(kind, n)}
		case 'E':
			rows := rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "rows")
			return step{fmt.Sprintf("Execute(%q, %d)", n, rows), execute(n, rows)}
		case 'C':
			kind := rapid.SampledFrom([]byte("SP")).Draw(t, "of")
			return step{fmt.Sprintf("Close(%c %q)", kind, n), closing(kind, n)}
		case 'H':
			return step{"Flush", flush()}
		case 'S':
			return step{"Sync", syncGroup()}
		case 'Q':
			sql := rapid.SampledFrom(queries).Draw(t, "sql")
			return step{fmt.Sprintf("Query(%q)", sql), query(sql)}
		case 'd':
			return step{"CopyData", message('d', []byte("8\tcopied\t1\n"))}
		case 'c':
			return step{"CopyDone", message('c')}
		default:
			return step{"CopyFail", message('f', "enough")}
		}
	}), 1, 14).Draw(t, "steps")
}

// run sends a stream and returns the answers up to those of a last query,
// which is behind whatever the stream has left open.
func run(t testing.TB, dsn string, stream []step) string {
	t.Helper()
	w := dialWire(t, dsn)
	defer w.conn.Close()
	var frames []frame
	for _, s := range stream {
		frames = append(frames, s.frame)
	}
	w.send(append(frames, message('f', "the end"), syncGroup(), query("ROLLBACK"), query("SELECT 'the end'"))...)
	seen := false
	return transcript(w.read(func(f frame) bool {
		seen = seen || f.kind() == 'D' && strings.Contains(string(f), "the end")
		return seen && f.kind() == 'Z'
	}))
}

const clean = "TRUNCATE accounts, orders, audit RESTART IDENTITY"

// contents is what is in the tables.
const contents = `SELECT coalesce((SELECT string_agg(a::text, ' ' ORDER BY id) FROM accounts a), '') || '/' ||
	coalesce((SELECT string_agg(o::text, ' ' ORDER BY id) FROM orders o), '') || '/' || coalesce((SELECT string_agg(a::text, ' ' ORDER BY id) FROM audit a), '')`

// TestTranscriptsPassThrough: whatever a client sends, it gets through the
// proxy what it gets without, and the tables are left the same.
func TestTranscriptsPassThrough(t *testing.T) {
	direct := database(t, shop)
	p := start(t, direct)
	rapid.Check(t, func(r *rapid.T) {
		stream := steps(r, queries)
		live(t, direct, clean)
		want, left := run(t, direct, stream), one[string](t, direct, contents)
		live(t, direct, clean)
		if got := run(t, p.dsn, stream); got != want {
			r.Errorf("%v\nwithout the proxy:\n%s\nthrough it:\n%s", stream, want, got)
		}
		if now := one[string](t, direct, contents); now != left {
			r.Errorf("%v\nwithout the proxy the tables are %s, through it %s", stream, left, now)
		}
	})
}

// PostgreSQL's answers to a message that it does not know pass as they are.
func TestUnknownMessages(t *testing.T) {
	p := start(t, database(t, shop))
	w := dialWire(t, p.dsn)
	w.send(message('y', "from a later version"))
	got := transcript(w.read(func(frame) bool { return false }))
	if errorCode(got) != stateProtocol {
		t.Errorf("got %s", got)
	}
}

// iterations is n, or what QUACK_CANCELS asks for.
func iterations(n int) int {
	if more, err := strconv.Atoi(os.Getenv("QUACK_CANCELS")); err == nil {
		return more
	}
	return n
}

// TestCancelsHitNothingLater fires cancel requests around the end of a query.
// When the request's socket is closed, the next query must go through.
// QUACK_CANCELS=10000 makes more of them.
func TestCancelsHitNothingLater(t *testing.T) {
	p := start(t, database(t, ""))
	cancels(t, p, func(*wire) {})
}

// cancels aims each request at the end of its query: earlier by a step after
// one that came too late, later after one that was in time. So about half of
// them find the query running, and half that it has just ended.
func cancels(t *testing.T, p *proxy, before func(*wire)) {
	const step, spread = 50 * time.Microsecond, 500 * time.Microsecond
	w := dialWire(t, p.dsn)
	before(w)
	secret := binary.BigEndian.AppendUint32(nil, w.pg.PID())
	secret = append(secret, w.pg.SecretKey()...)
	n, hit := iterations(300), 0
	aim := 5 * time.Millisecond
	for i := range n {
		var canceled sync.WaitGroup
		wait := aim + rand.N(2*spread) - spread
		canceled.Go(func() {
			time.Sleep(wait)
			p.cancel(secret)
		})
		answer := w.ask(query("SELECT pg_sleep(0.01)"))
		canceled.Wait()
		if strings.Contains(answer, catalog.StateCancelled) {
			hit, aim = hit+1, aim+step
		} else {
			aim = max(aim-step, 0)
		}
		if next := w.ask(query("SELECT 1")); errorCode(next) != "" {
			t.Fatalf("cancel %d hit the next query: %s", i, next)
		}
	}
	t.Logf("%d of %d cancels, each aimed at the end of a query, found it running, %d came when it had ended; none hit the next", hit, n, n-hit)
}

// cancel sends a cancel request and returns when its socket is closed.
func (p *proxy) cancel(key []byte) {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer conn.Close()
	packet := message('?', int32(codeCancel), key)[1:]
	conn.Write(packet)
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	conn.Read(make([]byte, 1))
}

// A client that is gone, at whatever message or in the middle of one, leaves
// no session and nothing written behind that it had not committed.
func TestClientGone(t *testing.T) {
	direct := database(t, shop)
	gone(t, start(t, direct), direct)
}

// gone breaks a conversation off behind each of its bytes that matter.
func gone(t *testing.T, p *proxy, direct string) {
	var stream []byte
	for _, f := range []frame{query("BEGIN"), query("INSERT INTO accounts VALUES (1, 'a', 1)"), parse("s", "INSERT INTO audit (what) VALUES ('x')"),
		bind("", "s"), execute("", 0), syncGroup(), query("COPY accounts FROM STDIN"), message('d', []byte("8\tcopied\t1\n"))} {
		stream = append(stream, f...)
	}
	for at := 0; at <= len(stream); at += 3 {
		w := dialWire(t, p.dsn)
		if _, err := w.conn.Write(stream[:at]); err != nil {
			t.Fatal(err)
		}
		w.conn.(*socket).Conn.(*net.TCPConn).SetLinger(0) // a reset, as of a process that was killed
		w.conn.Close()
	}
	until(t, "no session is left", func() bool {
		return one[int](t, direct, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") == 0
	})
	if left := one[string](t, direct, contents); left != "//" {
		t.Errorf("the tables have %s", left)
	}
}

func TestSessionKilledUpstream(t *testing.T) {
	direct := database(t, "")
	p := start(t, direct)
	conn := connect(t, p.dsn)
	var pid int
	p.must(conn.QueryRow(context.Background(), "SELECT pg_backend_pid()").Scan(&pid))
	live(t, direct, fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
	if _, err := conn.Exec(context.Background(), "SELECT 1"); state(err) != stateShutdown {
		t.Errorf("got %v", err)
	}
	if err := login(p.dsn); err != nil {
		t.Errorf("the next client: %v", err)
	}
}

func TestCopyThroughTheProxy(t *testing.T) {
	direct := database(t, shop)
	conn := connect(t, start(t, direct).dsn)
	var rows [][]any
	for i := range 20000 {
		rows = append(rows, []any{i, fmt.Sprint(i), 1})
	}
	ctx := context.Background()
	n, err := conn.CopyFrom(ctx, pgx.Identifier{"accounts"}, []string{"id", "email", "n"}, pgx.CopyFromRows(rows))
	if n != 20000 || err != nil {
		t.Fatalf("copied %d rows: %v", n, err)
	}
	if _, err = conn.CopyFrom(ctx, pgx.Identifier{"accounts"}, []string{"id", "email", "n"}, pgx.CopyFromRows(rows)); state(err) != "23505" {
		t.Errorf("got %v", err)
	}
	var out strings.Builder
	if _, err := conn.PgConn().CopyTo(ctx, &out, "COPY accounts TO STDOUT"); err != nil || strings.Count(out.String(), "\n") != 20000 {
		t.Errorf("%d lines came out: %v", strings.Count(out.String(), "\n"), err)
	}
}

func TestOwed(t *testing.T) {
	for _, c := range []struct {
		reason string
		stream string // < is a message of the client, > one of the server
		owes   bool
	}{
		{"nothing", "", false},
		{"a query", "<Q", true},
		{"a query that is answered", "<Q>C>Z", false},
		{"an error in a query", "<Q>E", true},
		{"a group without its Sync", "<P<B<E>1>2", true},
		{"a group", "<P<B<E<S>1>2>C>Z", false},
		{"the second of two groups", "<B<E<S<B<E<S>2>C>Z", true},
		{"a query that the server skips", "<B<E<Q<S>2>E>Z", false},
		{"a query that comes after the error and is skipped", "<B<E>2>E<Q<S>Z", false},
		{"a query behind a group without an error", "<B<E<Q>2>C>C>Z", false},
		{"the group behind one with an error", "<B<E<S<B<E<S>E>Z", true},
	} {
		var o owed
		for i := 0; i < len(c.stream); i += 2 {
			if c.stream[i] == '<' {
				o.sent(c.stream[i+1])
			} else {
				o.came(c.stream[i+1])
			}
		}
		if o.none() == c.owes {
			t.Errorf("%s: owes %q", c.reason, o.queue)
		}
	}
}
