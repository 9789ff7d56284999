package pgwire

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow/internal/harness"
)

func TestMain(m *testing.M) {
	flag.Set("rapid.checks", "30") // each is a conversation with a real database; -rapid.checks asks for more
	goleak.VerifyTestMain(m)
}

const password = "a password of tests"

// proxy is a Server on a listener of its own.
type proxy struct {
	t      testing.TB
	server *Server
	addr   string
	dsn    string // for clients
	direct string // past the proxy
	logs   *harness.Log
}

// start starts a proxy before the database of direct. The cluster of tests
// asks for no password; clients of the proxy need one.
func start(t testing.TB, direct string, change ...func(*Config)) *proxy {
	t.Helper()
	p := &proxy{t: t, direct: direct, logs: &harness.Log{}}
	cfg := Config{DSN: direct, Users: map[string]string{"postgres": password}, Log: slog.New(slog.NewTextHandler(p.logs, nil))}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	p.server, err = New(cfg)
	p.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	p.addr = l.Addr().String()
	u, err := url.Parse(direct)
	p.must(err)
	u.Host, u.User = p.addr, url.UserPassword("postgres", password)
	p.dsn = u.String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			log := p.logs.String()
			t.Log(log[max(0, len(log)-2000):])
		}
	})
	return p
}

func (p *proxy) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// database makes an empty database and runs sql in it.
func database(t testing.TB, sql string) string {
	t.Helper()
	dsn := pgtest.NewDatabase(t)
	live(t, dsn, sql)
	return dsn
}

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func live(t testing.TB, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
}

// one is the only value of a query, as a live client sees it.
func one[T any](t testing.TB, dsn, sql string) (v T) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), sql).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

var until = harness.Until

// wire is a connection on which messages are sent as they are.
type wire struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
	pg   *pgconn.PgConn // for its cancel key
}

// dialWire logs in by a driver, and takes the connection from it.
func dialWire(t testing.TB, dsn string) *wire {
	t.Helper()
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u, err := dial(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.close)
	return &wire{t, u.conn, bufio.NewReader(u.conn), u.PgConn}
}

func (w *wire) send(frames ...frame) {
	w.t.Helper()
	var b []byte
	for _, f := range frames {
		b = append(b, f...)
	}
	if _, err := w.conn.Write(b); err != nil && !errors.Is(err, net.ErrClosed) {
		w.t.Log(err) // a reset says no more than the end that is read
	}
}

// read reads messages up to one for which last holds, or the end.
func (w *wire) read(last func(frame) bool) (all []frame) {
	w.t.Helper()
	w.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		f, err := readFrame(w.r, maxFrame)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || err != nil && strings.Contains(err.Error(), "reset") {
			return append(all, message('!'))
		}
		if err != nil {
			w.t.Fatalf("after %s: %v", transcript(all), err)
		}
		all = append(all, f)
		if last(f) {
			return all
		}
	}
}

// ready reads up to the nth ReadyForQuery.
func (w *wire) ready(n int) []frame {
	w.t.Helper()
	return w.read(func(f frame) bool {
		if f.kind() == 'Z' {
			n--
		}
		return n == 0
	})
}

// ask sends, and reads up to the next ReadyForQuery.
func (w *wire) ask(frames ...frame) string {
	w.t.Helper()
	w.send(frames...)
	return transcript(w.ready(1))
}

func query(sql string) frame       { return message('Q', sql) }
func parse(name, sql string) frame { return message('P', name, sql, int16(0)) }
func describe(kind byte, name string) frame {
	return message('D', kind, name)
}
func execute(portal string, rows int) frame { return message('E', portal, int32(rows)) }
func closing(kind byte, name string) frame  { return message('C', kind, name) }
func syncGroup() frame                      { return message('S') }
func flush() frame                          { return message('H') }
func bind(portal, stmt string, args ...string) frame {
	parts := []any{portal, stmt, int16(0), int16(len(args))}
	for _, a := range args {
		parts = append(parts, int32(len(a)), []byte(a))
	}
	return message('B', append(parts, int16(0))...)
}

// transcript is messages as text that can be compared: of errors the SQLSTATE,
// the text and the position.
func transcript(frames []frame) string {
	var b strings.Builder
	for _, f := range frames {
		b.WriteString(show(f) + "\n")
	}
	return b.String()
}

func show(f frame) string {
	switch f.kind() {
	case 'E', 'N':
		fields := map[byte]string{}
		for rest := f.body(); len(rest) > 1; {
			kind := rest[0]
			value, after, ok := field(rest[1:])
			if !ok {
				break
			}
			fields[kind], rest = value, after
		}
		return fmt.Sprintf("%c %s %s %s at %q hint %q", f.kind(), fields['S'], fields['C'], fields['M'], fields['P'], fields['H'])
	case 'C':
		tag, _, _ := field(f.body())
		return "C " + tag
	case 'Z':
		return "Z " + string(f.body())
	case 'D', 'd', 'T', 't', 'S', 'G', 'H', 'V':
		return fmt.Sprintf("%c %q", f.kind(), f.body())
	}
	return fmt.Sprintf("%c", f.kind())
}

// errorCode is the SQLSTATE of the first ErrorResponse of a transcript, "".
func errorCode(text string) string {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); words[0] == "E" {
			return words[2]
		}
	}
	return ""
}

// rawStartup sends a start-up packet as it is and returns the connection.
func (p *proxy) rawStartup(packet ...any) net.Conn {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	p.must(err)
	p.t.Cleanup(func() { conn.Close() })
	f := message('?', packet...)[1:]
	binary.BigEndian.PutUint32(f, uint32(len(f)))
	_, err = conn.Write(f)
	p.must(err)
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	return conn
}
