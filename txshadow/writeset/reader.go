package writeset

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/connect"
)

// Config is the manual. DSN must be given.
type Config struct {
	// DSN is where the database is, itself and not a pooler before it, for a
	// role with the REPLICATION attribute. It decodes what any role writes.
	DSN string `json:"-"`
	// Instance names this reader among all of the server: 1 to 32 of a-z and
	// 0-9, and no other reader may have it at the same time. The slot is called
	// "txshadow_" and this. Default: 16 at random.
	Instance string
	// MaxRows and MaxBytes bound what is kept of one transaction; default
	// 10,000 rows and 4 MiB of the server's text. A longer set is Truncated.
	MaxRows, MaxBytes int
	// Committed is told of each transaction of a shadow, of this reader's or of any
	// other's, that somebody has committed by COMMIT PREPARED: its rows persist.
	// Nothing is read until it returns. Default: nobody is told.
	Committed func(gid string) `json:"-"`
	Log       *slog.Logger     // default slog.Default()
}

// String hides the password of DSN from logs.
func (Config) String() string { return "writeset.Config" }

// GoString hides it from %#v.
func (Config) GoString() string { return "writeset.Config" }

var instanceName = regexp.MustCompile(`^[a-z0-9]{1,32}$`)

// Reader reads the write sets of one database. Safe for concurrent use.
type Reader struct {
	config   *pgx.ConnConfig
	instance string
	slot     string
	maxRows  int
	maxBytes int
	told     func(gid string) // Config.Committed
	log      *slog.Logger

	catalogue *catalogue

	mu      sync.Mutex
	state   State
	high    bool // the slot holds more than half of what it may
	serial  int64
	waiters map[string]*Waiter // by gid
}

// New makes a reader. It connects to nothing; Run does.
func New(c Config) (*Reader, error) {
	config, err := connect.Config(c.DSN, "the DSN")
	if err != nil {
		return nil, fmt.Errorf("make a reader of write sets: %w", err)
	}
	if c.Instance == "" {
		c.Instance = strings.ToLower(rand.Text()[:16])
	}
	if !instanceName.MatchString(c.Instance) {
		return nil, fmt.Errorf("make a reader of write sets: instance %q is not 1 to 32 of a-z and 0-9", c.Instance)
	}
	r := &Reader{
		config: config, instance: c.Instance, slot: txshadow.SlotName + c.Instance, maxRows: c.MaxRows, maxBytes: c.MaxBytes, told: c.Committed, log: c.Log,
		waiters: map[string]*Waiter{},
	}
	if r.maxRows <= 0 {
		r.maxRows = 10_000
	}
	if r.maxBytes <= 0 {
		r.maxBytes = 4 << 20
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	if r.told == nil {
		r.told = func(string) {}
	}
	r.catalogue = newCatalogue(config, r.log)
	r.state = State{Slot: r.slot, Why: "not started", Since: time.Now()}
	return r, nil
}

const (
	leastPause = 100 * time.Millisecond
	mostPause  = 30 * time.Second
)

// Run reads until ctx ends, and starts again when the database is away or can
// not give write sets yet. It returns when its sessions are closed: nil, as
// that is how it always ends.
func (r *Reader) Run(ctx context.Context) error {
	var catalogue sync.WaitGroup
	defer catalogue.Wait() // it ends with ctx
	catalogue.Go(func() { r.catalogue.run(ctx) })
	defer r.unavailable(errors.New("stopped"))
	for pause := leastPause; ctx.Err() == nil; pause = min(2*pause, mostPause) {
		began := time.Now()
		err := r.stream(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if r.unavailable(err) {
			r.log.Warn("write sets can not be read: until they can, rows are counted and not compared", "slot", r.slot, "err", err)
		}
		if time.Since(began) > mostPause {
			pause = leastPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// Expect names a transaction that is going to be prepared, and waits for its
// rows. Either Rows or Forget of the waiter must be called.
func (r *Reader) Expect() (gid string, w *Waiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serial++
	gid = "txshadow-" + r.instance + "-" + strconv.FormatInt(r.serial, 10)
	w = &Waiter{reader: r, gid: gid, read: make(chan reading, 1)}
	if !r.state.Available {
		w.read <- reading{err: fmt.Errorf("%w: %s", ErrUnavailable, r.state.Why)}
		return gid, w
	}
	r.waiters[gid] = w
	return gid, w
}
