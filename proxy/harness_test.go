package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/cache"
	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/store"
	"github.com/quackproxy/quack/upstream"
)

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "proxy-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	var db *store.DB
	if db, openGate, err = newGate(dir); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := errors.Join(db.Close(), goleak.Find()); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// openGate is for tests that do not close it: opening one takes its time.
var openGate *readonly.Gate

func newGate(dir string) (*store.DB, *readonly.Gate, error) {
	db, err := store.Open(context.Background(), dir, readonly.Schema)
	if err != nil {
		return nil, nil, err
	}
	gate, err := readonly.Open(context.Background(), db)
	return db, gate, err
}

// withGate gives a world a gate of its own.
func withGate(t *testing.T) func(*Config) {
	return func(c *Config) {
		db, gate, err := newGate(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		c.Gate = gate
	}
}

// world is a proxy between a client and two backends, all over real
// connections.
type world struct {
	t       *testing.T
	url     string // of the proxy
	server  *httptest.Server
	gate    *readonly.Gate
	cache   *cache.Cache
	shadow  *shadowNotes
	counts  *countNotes
	log     *logNotes
	backend *upstream.Set
	specs   []upstream.Spec
	client  *http.Client
}

const head = `
version: 1
backends:
  monolith: {urls: ["LEGACY"], rollback: header}
  accounts: {urls: ["NEW"], rollback: header}
defaults: {legacy: monolith, new: accounts}
routes:
`

// newWorld makes a world with the given routes: the lines below "routes:", or a
// whole file. Backends are URLs or handlers.
func newWorld(t *testing.T, lines string, legacy, new any, change ...func(*Config)) *world {
	t.Helper()
	if !strings.Contains(lines, "version:") {
		lines = head + lines
	}
	src := strings.NewReplacer("LEGACY", urlOf(t, legacy), "NEW", urlOf(t, new)).Replace(lines)
	table, err := routes.Parse("routes.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, cache: cache.New(1 << 20),
		shadow: &shadowNotes{}, counts: &countNotes{}, log: &logNotes{},
		backend: upstream.NewSet(),
		client: &http.Client{
			Transport:     &http.Transport{DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	var specs []upstream.Spec
	for _, b := range table.Backends() {
		specs = append(specs, upstream.Spec{Name: b.Name, URLs: b.URLs})
	}
	w.specs = specs
	w.backend.Use(specs)
	c := Config{
		Table:    func() *routes.Table { return table },
		Backend:  func(b *routes.Backend) *upstream.Backend { return w.backend.Backend(b.Name) },
		Gate:     openGate,
		Cache:    w.cache,
		Shadow:   w.shadow,
		Protocol: plainProtocol{},
		Counters: w.counts,
		Log:      slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, f := range change {
		f(&c)
	}
	w.gate = c.Gate
	w.server = httptest.NewUnstartedServer(New(c))
	w.server.Config.DisableGeneralOptionsHandler = true
	w.server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(w.log, nil), slog.LevelError)
	w.server.Start()
	w.url = w.server.URL
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		w.server.Close()
		w.backend.Use(nil)
	})
	return w
}

func urlOf(t *testing.T, backend any) string {
	switch b := backend.(type) {
	case string:
		return b
	case func(http.ResponseWriter, *http.Request):
		srv := httptest.NewServer(http.HandlerFunc(b))
		t.Cleanup(srv.Close)
		return srv.URL
	case nil:
		return urlOf(t, func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("%s %s went to the wrong backend", r.Method, r.RequestURI)
		})
	}
	t.Fatalf("no backend: %T", backend)
	return ""
}

// ask sends a request and reads the whole answer.
func (w *world) ask(method, target, body string, header ...string) (*http.Response, string) {
	w.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, w.url+target, content)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Add(header[i], header[i+1])
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, string(got)
}

// dial opens a raw connection to addr, a URL.
func dial(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(addr, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c, bufio.NewReader(c)
}

// rawBackend gives each connection to handle and waits for all at the end.
func rawBackend(t *testing.T, handle func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				handle(conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

// readHead reads up to and with the empty line.
func readHead(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String(), err
		}
	}
}

// until waits for what other goroutines bring about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("did not come about: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// offered is one call of Offer, or of Before (answer empty).
type offered struct {
	request shadow.Request
	live    routes.Side
	answer  shadow.Answer
}

// shadowNotes notes what the live path hands over.
type shadowNotes struct {
	mu      sync.Mutex
	offers  []offered
	befores []offered
	within  func(what string) // called by both, before they return
	none    bool              // Before returns nil: it was skipped after all
}

func (s *shadowNotes) Offer(req shadow.Request, live routes.Side, a shadow.Answer) {
	s.mu.Lock()
	s.offers = append(s.offers, offered{req, live, a})
	within := s.within
	s.mu.Unlock()
	if within != nil {
		within("offer")
	}
}

func (s *shadowNotes) Before(_ context.Context, req shadow.Request, live routes.Side) *shadow.Pending {
	s.mu.Lock()
	s.befores = append(s.befores, offered{request: req, live: live})
	within, none := s.within, s.none
	s.mu.Unlock()
	if within != nil {
		within("before")
	}
	if none {
		return nil
	}
	return &shadow.Pending{}
}

func (s *shadowNotes) all() (offers, befores []offered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offers, s.befores
}

// oneOffer waits for the one exchange that was offered.
func (s *shadowNotes) oneOffer(t *testing.T) offered {
	t.Helper()
	until(t, "an exchange offered", func() bool { o, _ := s.all(); return len(o) > 0 })
	o, _ := s.all()
	if len(o) != 1 {
		t.Fatalf("%d exchanges were offered, want 1", len(o))
	}
	return o[0]
}

type served struct {
	route, stage, side string
	status             int
}

// countNotes notes what was counted.
type countNotes struct {
	mu     sync.Mutex
	served []served
	skips  []string // "route: reason"

	fallbacks []string // "route: why"
	asked     []string // `route status: method target type bodied "body"`
}

func (c *countNotes) Served(route, stage, side string, status int, latency time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served = append(c.served, served{route, stage, side, status})
	if latency <= 0 {
		c.skips = append(c.skips, "latency of nothing")
	}
}

func (c *countNotes) Skip(route, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skips = append(c.skips, route+": "+reason)
}

func (c *countNotes) Fallback(route, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fallbacks = append(c.fallbacks, route+": "+why)
}

func (c *countNotes) Asked(route string, status int, q compare.Request, bodied bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, fmt.Sprintf("%s %d: %s %s %s %v %q", route, status, q.Method, q.Target, q.Header.Get("Content-Type"), bodied, q.Body))
}

func (c *countNotes) Unmarked(route string) { c.Skip(route, "unmarked") }

// waitServed waits until n answers have been counted.
func (c *countNotes) waitServed(t *testing.T, n int) []served {
	t.Helper()
	until(t, "answers counted", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.served) >= n
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

func (c *countNotes) skipped() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.skips, ", ")
}

type logNotes struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logNotes) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logNotes) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// plainProtocol marks like the real one, without signatures.
type plainProtocol struct{}

func (plainProtocol) MarkContext(h http.Header, id, role string, at time.Time, readOnly bool) {
	h.Set("Quack-Request-Id", id)
	h.Set("Quack-Role", role)
	h.Set("Quack-Time", at.UTC().Format(time.RFC3339Nano))
	if readOnly {
		h.Set("Quack-Read-Only", "1")
	}
}

func (plainProtocol) MarkNested(http.Header, string) {}

func (plainProtocol) MarkShadow(http.Header, string, shadow.Mode, time.Duration, string, string, []byte) {
}

func (plainProtocol) MarkPrepare(http.Header, string, string, time.Duration, string, string, []byte) {
}

func (plainProtocol) Acknowledged(http.Header, string) (shadow.Ack, error) { return shadow.Ack{}, nil }

func (plainProtocol) Nested(h http.Header) bool {
	return strings.Contains(h.Get("Baggage"), "quack.shadow=")
}

// use gives the backends other options.
func (w *world) use(o upstream.Options) {
	for n := range w.specs {
		w.specs[n].Options = o
	}
	w.forget()
}

// fellBack is what was counted of fallbacks.
func (c *countNotes) fellBack() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.fallbacks, ", ")
}
