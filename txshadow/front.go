package txshadow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// FrontConfig is what the HTTP half of an adapter has to know. Secret must be
// given; [Config] says what the fields mean and what they are by default.
type FrontConfig struct {
	Secret           string `json:"-"`
	MaxBody          int64
	WallCap, ReadCap time.Duration
	Strict           bool
	Log              *slog.Logger
}

// String hides the secret from logs.
func (FrontConfig) String() string { return "txshadow.FrontConfig" }

// GoString hides it from %#v.
func (FrontConfig) GoString() string { return "txshadow.FrontConfig" }

// Engine is the database's half of an adapter: it runs shadows on one library
// for one kind of database. Safe for concurrent use.
type Engine interface {
	// Begin opens what s needs before its handler runs: its place among those
	// that run at once, and its transaction. ctx ends at the deadline of s. A
	// reason, as of an acknowledgement, says why nothing has been opened.
	Begin(ctx context.Context, s *Shadow) (tx Transaction, reason string)
	// Drill shows that a transaction it opens can not commit; whole says that
	// it has to try. reason is what the answer to hello says beyond "ready".
	Drill(ctx context.Context, whole bool) (reason string, err error)
}

// Transaction is that of one shadow.
type Transaction interface {
	// Finish ends the statement under way, refuses all that come after, and
	// rolls back. It returns when the server holds no lock for the shadow any
	// more, or RolledBack is false.
	Finish() Ending
	// Free is called when the handler has returned, which may be before Finish
	// or long after: the shadow's place is free again.
	Free()
}

// Ending is what became of a shadow's transaction.
type Ending struct {
	RolledBack bool // the server has said so
	// Unreachable says that it can not: there is no server to ask, or it is
	// another one, so that its crash or its own limits have ended the transaction.
	Unreachable bool
	Reason      string
	Footprint   Footprint // nil when it is not known
	effects     Effects
}

// Front is the HTTP half of a Go adapter, for packages that bring the half of
// another database library: verification, the context of a shadow, the
// buffered answer and its acknowledgement, hello, and what is live meanwhile.
// Package sqlshadow has one for database/sql. Services do not need it.
type Front struct{ front *front }

// NewFront makes the HTTP half of an adapter.
func NewFront(c FrontConfig, e Engine) (*Front, error) {
	f, err := newFront(c, exported{e})
	if err != nil {
		return nil, err
	}
	return &Front{f}, nil
}

// exported is an Engine of another package.
type exported struct{ Engine }

func (e exported) begin(ctx context.Context, s *Shadow) (Transaction, string) { return e.Begin(ctx, s) }

func (e exported) drill(ctx context.Context, whole bool) (string, error) { return e.Drill(ctx, whole) }

// Middleware is [Adapter.Middleware].
func (f *Front) Middleware(next http.Handler) http.Handler { return f.front.middleware(next) }

// Find is the shadow that ctx belongs to, nil when it is live. request says that
// ctx belongs to a request at all. The error says that the shadow is another
// adapter's.
func (f *Front) Find(ctx context.Context) (s *Shadow, request bool, err error) {
	scope := scopeOf(ctx)
	switch {
	case scope == nil:
		return nil, false, nil
	case scope.shadow == nil:
		return nil, true, nil
	case scope.shadow.front != f.front:
		return nil, true, scope.shadow.refuse("unsupported:two-adapters")
	}
	return scope.shadow, true, nil
}

// Foreign is to be called before something is sent that belongs to no request
// which Middleware has seen. While a shadow runs, and when mayWrite says so, all
// shadows of the process are noted as touched; with Strict the error is
// ErrForeign.
func (f *Front) Foreign(ctx context.Context, mayWrite func() bool) error {
	f.front.before(ctx, mayWrite)
	return f.front.foreign(mayWrite)
}

// ForeignCalls is how many calls that may write had the context of no request
// while a shadow ran.
func (f *Front) ForeignCalls() int64 { return f.front.ForeignCalls() }

// Go runs work in the background, and Close waits for it. It does not when the
// adapter is closing.
func (f *Front) Go(work func()) bool { return f.front.inBackground(work) }

// Close refuses new shadows and waits for those under way, and for what Go has
// started, until ctx ends.
func (f *Front) Close(ctx context.Context) error {
	f.front.shut()
	return f.front.drain(ctx)
}

// engine is an Engine, of this package or another.
type engine interface {
	begin(ctx context.Context, s *Shadow) (Transaction, string)
	drill(ctx context.Context, whole bool) (reason string, err error)
}

// front is Front, for this package.
type front struct {
	engine           engine
	codec            *Codec
	log              *slog.Logger
	maxBody          int64
	wallCap, readCap time.Duration
	strict           bool
	prepares         bool // the engine takes ModePrepare

	proof      proof
	foreigners foreigners
	outsiders  sync.Map // *http.Server to *outsider

	gate    sync.Mutex
	closing bool
	running sync.WaitGroup // handlers of shadows, hellos, and what the engine does in the background
}

func newFront(c FrontConfig, e engine) (*front, error) {
	secrets, err := ParseSecrets(c.Secret)
	if err != nil {
		return nil, err
	}
	codec, err := NewCodec(secrets...)
	if err != nil {
		return nil, err
	}
	return &front{
		engine: e, codec: codec, log: cmp.Or(c.Log, slog.Default()), strict: c.Strict, maxBody: cmp.Or(c.MaxBody, 8<<20),
		wallCap: cmp.Or(c.WallCap, 500*time.Millisecond), readCap: cmp.Or(c.ReadCap, 30*time.Second),
	}, nil
}

// errClosing is the reason of shadows that come when the adapter is closing.
var errClosing = errors.New("the adapter is closing")

// enter counts something that drain waits for; the caller calls
// a.running.Done.
func (a *front) enter() error {
	a.gate.Lock()
	defer a.gate.Unlock()
	if a.closing {
		return errClosing
	}
	a.running.Add(1)
	return nil
}

// inBackground is [Front.Go].
func (a *front) inBackground(work func()) bool {
	if a.enter() != nil {
		return false
	}
	go a.entered(work)
	return true
}

func (a *front) entered(work func()) {
	defer a.running.Done()
	work()
}

// shut refuses new shadows.
func (a *front) shut() {
	a.gate.Lock()
	defer a.gate.Unlock()
	a.closing = true
}

func (a *front) isClosing() bool {
	a.gate.Lock()
	defer a.gate.Unlock()
	return a.closing
}

// drain waits for all that has entered, until ctx ends.
func (a *front) drain(ctx context.Context) error {
	done := make(chan struct{})
	go a.wait(done)
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the shadows under way: %w", context.Cause(ctx))
	}
}

func (a *front) wait(done chan<- struct{}) {
	a.running.Wait()
	close(done)
}
