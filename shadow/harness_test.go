package shadow

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

// event is what became of one request.
type event struct {
	route, skip string
	dropped     bool
	comparison  *reports.Comparison
}

func (e event) String() string {
	switch {
	case e.comparison != nil:
		return fmt.Sprintf("%s %s unsteady=%v %q %+v", e.route, e.comparison.Verdict, e.comparison.Unsteady, e.comparison.Err, e.comparison.Differences)
	case e.dropped:
		return e.route + " dropped"
	}
	return e.route + " skipped: " + e.skip
}

// ledger takes what the dispatcher reports.
type ledger chan event

func (l ledger) Record(c reports.Comparison) { l <- event{route: c.Route, comparison: &c} }
func (l ledger) Skip(route, reason string)   { l <- event{route: route, skip: reason} }
func (l ledger) Drop(route string)           { l <- event{route: route, dropped: true} }

// next waits for what becomes of a request.
func (l ledger) next(t *testing.T) event {
	t.Helper()
	select {
	case e := <-l:
		return e
	case <-time.After(patience):
		t.Fatal("nothing became of the request")
		return event{}
	}
}

// compared waits for a comparison.
func (l ledger) compared(t *testing.T) reports.Comparison {
	t.Helper()
	e := l.next(t)
	if e.comparison == nil {
		t.Fatalf("not compared: %v", e)
	}
	return *e.comparison
}

// skipped waits for a skip.
func (l ledger) skipped(t *testing.T, reason string) {
	t.Helper()
	if e := l.next(t); e.skip != reason {
		t.Fatalf("want skipped: %s, have %v", reason, e)
	}
}

// quiet checks that nothing else has been reported.
func (l ledger) quiet(t *testing.T) {
	t.Helper()
	select {
	case e := <-l:
		t.Fatalf("also reported: %v", e)
	default:
	}
}

// latchbook keeps latches in memory.
type latchbook struct {
	mu    sync.Mutex
	leaks []Leak
}

func (b *latchbook) Latch(l Leak) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leaks = append(b.leaks, l)
}

func (b *latchbook) Latched(route string) bool {
	return slices.ContainsFunc(b.all(), func(l Leak) bool { return l.Route == route })
}

func (b *latchbook) all() []Leak {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.leaks)
}

// lines is a log that tests read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// rig is a dispatcher between two real servers.
type rig struct {
	*Dispatcher
	legacy, new *server
	ledger      ledger
	latches     *latchbook
	log         *lines
	table       *routes.Table
	stop        context.CancelFunc
	done        chan struct{}
}

const (
	secret   = "a secret of the two sides"
	stranger = "a secret of somebody else"
)

// table is routes.yaml of the tests; more is appended to it.
func table(t *testing.T, legacy, new *server, rollback, shadow, more string) *routes.Table {
	t.Helper()
	src := fmt.Sprintf(`version: 1
backends:
  monolith: {urls: ["%[1]s"], rollback: %[3]s, database: shop}
  accounts: {urls: ["%[2]s"], rollback: %[3]s, database: shop}
databases:
  shop: {}
defaults:
  legacy: monolith
  new: accounts
  stage: shadow
  shadow: {%[4]s}
routes:
  - {name: show, match: "GET /accounts/{id}"}
%[5]s`, legacy.URL, new.URL, rollback, shadow, more)
	tab, err := routes.Parse("routes.yaml", []byte(src))
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return tab
}

// writing is a route whose requests are unsafe.
const writing = `  - {name: create, match: "POST /accounts"}` + "\n"

type options struct {
	rollback string // default none
	shadow   string // settings of shadow:
	more     string // routes
	change   func(*Config)
	newcomer string // secret of the new side; default the common one
}

// newRig builds the dispatcher; it is not run yet.
func newRig(t *testing.T, o options) *rig {
	t.Helper()
	if o.rollback == "" {
		o.rollback = "none"
	}
	if o.shadow == "" {
		o.shadow = "timeout: 10s"
	}
	if !strings.Contains(o.shadow, "recheck:") {
		o.shadow += ", recheck: {delay: 1ms}"
	}
	if o.newcomer == "" {
		o.newcomer = secret
	}
	r := &rig{
		legacy: newServer(t, secret), new: newServer(t, o.newcomer),
		ledger: make(ledger, 1000), latches: new(latchbook), log: new(lines),
	}
	r.table = table(t, r.legacy, r.new, o.rollback, o.shadow, o.more)
	backends := backends{made: make(map[string]*upstream.Backend)}
	c := Config{
		Table:      func() *routes.Table { return r.table },
		Backend:    backends.of,
		Protocol:   newCodec(secret),
		Latches:    r.latches,
		Log:        slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		ProofEvery: time.Minute,
	}
	if o.change != nil {
		o.change(&c)
	}
	r.Dispatcher = New(c)
	r.Dispatcher.out = r.ledger
	return r
}

// run runs the dispatcher until the test's end.
func (r *rig) run(t *testing.T) *rig {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.stop, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		if err := r.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	t.Cleanup(func() {
		r.stop()
		<-r.done
		if t.Failed() {
			t.Log(r.log.String())
		}
	})
	return r
}

// proved runs the dispatcher and waits until all instances are proved.
func (r *rig) proved(t *testing.T) *rig {
	t.Helper()
	r.run(t)
	eventually(t, "all instances are proved", func() bool {
		proofs := r.Proofs()
		return len(proofs) == 2 && proofs[0].Proved && proofs[1].Proved
	})
	return r
}

// backends are the connections of shadow calls, as upstream.Set keeps them.
type backends struct {
	mu   sync.Mutex
	made map[string]*upstream.Backend
}

func (b *backends) of(r *routes.Backend) *upstream.Backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := r.Name + " " + fmt.Sprint(r.URLs)
	if b.made[key] == nil {
		b.made[key] = upstream.New(r.Name, r.URLs, upstream.Options{})
	}
	return b.made[key]
}

// ask is a client's request on a route.
func (r *rig) ask(route, method, target, body string) Request {
	path, query, _ := strings.Cut(target, "?")
	req := Request{
		ID: newID(), At: time.Now(), Route: r.table.Route(route), Method: method, Path: path, RawQuery: query,
		Host: "shop.example", Header: http.Header{"Accept": {"application/json"}}, Trace: strings.Repeat("ab", 16),
	}
	_, req.Params = r.table.Match(method, path)
	if body != "" {
		req.Body = []byte(body)
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

// live is a live answer.
func (r *rig) live(side routes.Side, status int, body string) Answer {
	s := r.legacy
	if side == routes.New {
		s = r.new
	}
	return Answer{
		Exchange: compare.Exchange{
			Status: status, Header: http.Header{"Content-Type": {"application/json"}, "Date": {"Sun, 22 Nov 2026 10:00:00 GMT"}},
			Body: []byte(body), Size: int64(len(body)),
		},
		Backend: string(side), URL: s.URL, Latency: 3 * time.Millisecond,
	}
}

// leavesNothing waits until no job waits and no lane is kept: a job leaves its
// lane after it was recorded.
func (r *rig) leavesNothing(t *testing.T) {
	t.Helper()
	eventually(t, "nothing is left", func() bool {
		jobs, bytes := r.queue.waiting()
		r.lanes.mu.Lock()
		defer r.lanes.mu.Unlock()
		return jobs == 0 && bytes == 0 && r.lanes.waiting == 0 && len(r.lanes.by) == 0
	})
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to be that %s", what)
		}
	}
}
