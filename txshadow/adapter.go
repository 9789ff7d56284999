package txshadow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow/internal/connect"
)

// Config is the manual. Secret must be given, and one of Pool and ConnConfig.
type Config struct {
	// Secret is QUACK_SHADOW_SECRET, as ParseSecrets reads it.
	Secret string `json:"-"`
	// Pool is the application's pool. Adapter.Pool is to be used in its place.
	Pool *pgxpool.Pool
	// ConnConfig is how an application without a pool connects: one that uses
	// a pgx.Conn, of which Adapter.Conn makes what is to be used in its place.
	// Not with Pool.
	ConnConfig *pgx.ConnConfig `json:"-"`
	// AfterConnect prepares each session of a shadow as the application has
	// prepared its own connection: types, prepared statements, settings. Only
	// with ConnConfig; a pool has its own.
	AfterConnect func(context.Context, *pgx.Conn) error `json:"-"`
	// DirectDSN is where shadow writes connect to, when the pool's own address
	// is that of a connection pooler: on sessions that a pooler shares, a
	// shadow is refused. Default: as the pool connects. The pool's hooks
	// (BeforeConnect, AfterConnect, PrepareConn, BeforeClose) are called for it too.
	DirectDSN string `json:"-"`

	// MaxBody is how much of a request's and of an answer's body is kept in
	// memory, in bytes; default 8 MiB. It should be no less than max_body of
	// the routes: a longer body is acknowledged as unsupported:body-size.
	MaxBody int64
	// MaxResult is how much of the result of one statement is kept, in bytes;
	// default 16 MiB. A longer one is unsupported:result-size.
	MaxResult int64
	// MaxShadows is how many shadow writes run at once, each with a Postgres
	// session of its own; default 4. One session more is kept ready. A shadow
	// above it is acknowledged as unsupported:busy. Reading shadows use
	// connections of the pool, no more than a quarter of them, and wait; without
	// a pool they use as many sessions again.
	MaxShadows int

	// WallCap is how long the transaction of a shadow write may stay open,
	// when Quack asks for more or for nothing; default 500 ms. Other clients
	// may wait that long for rows that the shadow has changed.
	WallCap time.Duration
	// ReadCap is the same for reading shadows, on which nobody waits; default
	// 30 s.
	ReadCap time.Duration
	// LockTimeout is how long a statement of a shadow may wait for a lock;
	// default 50 ms. A shadow that meets it is unsupported:lock-timeout.
	LockTimeout time.Duration

	// Strict refuses, with ErrForeign, what may write and has the context of no
	// request, while a shadow runs in the process. Without it that is live, and
	// the shadows are acknowledged as unsupported:foreign-context.
	Strict bool

	Log *slog.Logger // default slog.Default()
}

// String hides the secret, and the password of DirectDSN, from logs.
func (Config) String() string { return "txshadow.Config" }

// GoString hides them from %#v.
func (Config) GoString() string { return "txshadow.Config" }

func (c *Config) setDefaults() {
	c.MaxResult, c.MaxShadows, c.LockTimeout = cmp.Or(c.MaxResult, 16<<20), cmp.Or(c.MaxShadows, 4), cmp.Or(c.LockTimeout, 50*time.Millisecond)
}

// Adapter rolls shadow requests back. Safe for concurrent use.
type Adapter struct {
	*front
	live        *pgxpool.Pool
	pool        *Pool
	config      *pgx.ConnConfig // of dedicated sessions, to be copied
	prepareConn func(context.Context, *pgx.Conn) (bool, error)

	maxResult   int64
	lockTimeout time.Duration
	layers      layers
	timedOut    func() error // pgx's error of a deadline

	writing chan struct{} // a token for each shadow write under way
	reading chan struct{} // a token for each reading shadow under way

	sessions sessions
	rows     rowsProof

	orphans   orphanRules
	swept     atomic.Bool // somebody looks for orphans
	noOrphans atomic.Bool // there can be none

	mu   sync.Mutex
	quit context.CancelFunc // of who looks for orphans
}

// layers can be taken away in tests, to show what each is good for.
type layers struct{ noInterception, noFuse, noBelt, noWatch, noFlush bool }

// New makes an adapter. It connects to nothing and starts nothing.
func New(c Config) (*Adapter, error) {
	pc, err := c.connects()
	if err != nil {
		return nil, fmt.Errorf("make a txshadow adapter: %w", err)
	}
	c.setDefaults()
	config := pc.ConnConfig
	if c.DirectDSN != "" {
		direct, err := connect.Config(c.DirectDSN, "Config.DirectDSN")
		if err != nil {
			return nil, fmt.Errorf("make a txshadow adapter: %w", err)
		}
		direct.Tracer = config.Tracer
		config = direct
	}
	a := &Adapter{
		live: c.Pool, config: config, prepareConn: prepareHook(pc),
		maxResult: c.MaxResult, lockTimeout: c.LockTimeout,
		writing: make(chan struct{}, c.MaxShadows), reading: make(chan struct{}, c.readers()),
	}
	a.front, err = newFront(FrontConfig{Secret: c.Secret, MaxBody: c.MaxBody, WallCap: c.WallCap, ReadCap: c.ReadCap, Strict: c.Strict, Log: c.Log}, a)
	if err != nil {
		return nil, fmt.Errorf("make a txshadow adapter: %w", err)
	}
	a.prepares, a.orphans = true, usualOrphans
	a.pool, a.timedOut = &Pool{adapter: a}, sync.OnceValue(a.makeTimeout)
	a.sessions.init(a, pc)
	return a, nil
}

// connects is how the application connects, with its hooks.
func (c *Config) connects() (*pgxpool.Config, error) {
	switch {
	case c.Pool != nil && (c.ConnConfig != nil || c.AfterConnect != nil):
		return nil, errors.New("Config.Pool is set, and ConnConfig or AfterConnect as well\n  those are for an application without a pool")
	case c.Pool != nil:
		return c.Pool.Config(), nil
	case c.ConnConfig != nil:
		return &pgxpool.Config{ConnConfig: c.ConnConfig.Copy(), AfterConnect: c.AfterConnect}, nil
	}
	return nil, errors.New("neither Config.Pool nor Config.ConnConfig is set")
}

// readers is how many reading shadows run at once.
func (c *Config) readers() int {
	if c.Pool == nil {
		return c.MaxShadows
	}
	return max(1, int(c.Pool.Config().MaxConns)/4)
}

// prepareHook is the pool's hook for a connection that is given out, in the
// form that pgx prefers.
func prepareHook(pc *pgxpool.Config) func(context.Context, *pgx.Conn) (bool, error) {
	//lint:ignore SA1019 applications still set it, and their pool still calls it
	before := pc.BeforeAcquire
	if pc.PrepareConn != nil || before == nil {
		return pc.PrepareConn
	}
	return func(ctx context.Context, conn *pgx.Conn) (bool, error) { return before(ctx, conn), nil }
}

// Pool is to be used by handlers in place of the application's pool. Every
// pool that handlers use has to be an adapter's: what goes past it is live. It
// is nil when there is none.
func (a *Adapter) Pool() *Pool {
	if a.live == nil {
		return nil
	}
	return a.pool
}

// Close refuses new shadows, waits for those under way until ctx ends, and
// closes the spare session. The pool is not closed. It should be called
// before the pool's own Close.
func (a *Adapter) Close(ctx context.Context) error {
	a.shut()
	a.mu.Lock()
	if a.quit != nil {
		a.quit()
	}
	a.mu.Unlock()
	if err := a.drain(ctx); err != nil {
		return err
	}
	a.sessions.Drop()
	return nil
}
