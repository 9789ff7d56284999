// Package watchdog keeps shadow writes from holding live traffic up, from the
// side of the database.
//
// Start with [New] and run [Watchdog.Run]; [Set] does so for all databases of a
// table. [Watchdog.Enter] is asked before each shadow write, without I/O: it
// bounds how many run at once, and refuses them while the database is busy or
// can not be watched. While one is under way the watchdog looks, every 50 ms,
// for sessions and prepared transactions of shadows that live sessions wait for,
// and ends them; so it does with those that are older than any shadow may be,
// whoever has left them behind.
//
// It has one connection of its own per database, and never ends a session whose
// application_name does not end in txshadow.SessionName, unless that has written
// to the fuse and so can not commit.
package watchdog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow/internal/connect"
)

// Settings are what may change while a watchdog runs. The zero value watches
// nothing and bounds nothing: the caller has the defaults.
type Settings struct {
	MaxShadows int           // shadow writes at once; 0 is no bound
	Off        bool          // nothing is looked at, ended or measured
	Grace      time.Duration // how long a live session may wait for a shadow
	Cap        time.Duration // no shadow's transaction is older than this
	Limits     Limits
}

// Config is how a watchdog reaches its database.
type Config struct {
	Name string // of the database in routes.yaml, for messages
	DSN  string // directly to the database; "" for the bound alone
	Log  *slog.Logger

	Every      time.Duration // between two looks while shadows are under way; default 50ms
	SweepEvery time.Duration // between two looks for what was left behind; default 30s
	BusyEvery  time.Duration // between two measurements while shadows are wanted; default 1s
	Calm       time.Duration // how long a database has to be below its limits after it was busy; default 5s
}

// Watchdog watches one database. Safe for concurrent use.
type Watchdog struct {
	cfg   Config
	log   *slog.Logger
	parse *pgx.ConnConfig // nil without a DSN
	poke  chan struct{}   // holds one: there is something to look at

	mu       sync.Mutex
	settings Settings
	underWay int
	wanted   time.Time // when a shadow was last asked for
	left     time.Time // when the last one ended
	state    State
	over     string    // the limit that is exceeded, "" when none is
	overAt   time.Time // when one was last seen exceeded

	// Of Run's goroutine.
	seen  map[wait]time.Time // who waits for whom since when
	ended map[wait]bool      // sessions that have been told to end and are still there
	told  map[string]bool    // faults that are in the log
}

// New makes a watchdog; nothing is connected before Run.
func New(c Config, s Settings) (*Watchdog, error) {
	setDefault(&c.Every, 50*time.Millisecond)
	setDefault(&c.SweepEvery, 30*time.Second)
	setDefault(&c.BusyEvery, time.Second)
	setDefault(&c.Calm, 5*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	w := &Watchdog{cfg: c, settings: s, poke: make(chan struct{}, 1), log: c.Log.With("database", c.Name),
		left: time.Now(), seen: map[wait]time.Time{}, ended: map[wait]bool{}, told: map[string]bool{}}
	w.state.Database, w.state.Why = c.Name, "no DSN is set"
	if c.DSN == "" {
		return w, nil
	}
	w.state.Why = "not connected yet"
	var err error
	if w.parse, err = connect.Config(c.DSN, fmt.Sprintf("the DSN of database %q", c.Name)); err != nil {
		return nil, err
	}
	w.parse.ConnectTimeout = connectTimeout
	w.parse.RuntimeParams["application_name"] = applicationName
	return w, nil
}

func setDefault(d *time.Duration, to time.Duration) {
	if *d <= 0 {
		*d = to
	}
}

const (
	applicationName = "quack watchdog"
	connectTimeout  = 3 * time.Second
	// queryTimeout bounds a query on our side, and statementTimeout on the
	// server's.
	queryTimeout     = 2 * time.Second
	statementTimeout = time.Second
	retryFirst       = 100 * time.Millisecond
	retryMost        = 5 * time.Second
)

// Use puts other settings in force.
func (w *Watchdog) Use(s Settings) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Off {
		w.over = ""
	}
	w.settings = s
	w.wake()
}

// wake makes Run look at what is to be done.
func (w *Watchdog) wake() {
	select {
	case w.poke <- struct{}{}:
	default: // it has not looked yet, and will see this too
	}
}

// Run watches until ctx ends. A database that goes away is connected to again.
func (w *Watchdog) Run(ctx context.Context) error {
	if w.parse == nil {
		<-ctx.Done()
		return nil
	}
	retry := retryFirst
	for ctx.Err() == nil {
		conn, err := w.connect(ctx)
		if err == nil {
			retry = retryFirst
			w.online()
			err = w.watch(ctx, conn)
			closeConn(conn)
		}
		if ctx.Err() != nil {
			break
		}
		w.away(err)
		pause(ctx, retry, nil)
		retry = min(2*retry, retryMost)
	}
	return nil
}

func (w *Watchdog) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, w.parse.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	// Set here and not at the start of the session, which poolers refuse.
	// ROLLBACK PREPARED keeps the locks until standbys have it, where it waits for them.
	if _, err := conn.Exec(ctx, fmt.Sprintf("SET statement_timeout = %d; SET lock_timeout = %d; SET synchronous_commit = local",
		statementTimeout.Milliseconds(), statementTimeout.Milliseconds()/2)); err != nil {
		closeConn(conn)
		return nil, fmt.Errorf("set up the session: %w", err)
	}
	if err := w.askWhatItSees(ctx, conn); err != nil {
		closeConn(conn)
		return nil, err
	}
	return conn, nil
}

// askWhatItSees asks for the right to see others, which may be given and taken
// at any time. An error on a standby: what was prepared on its primary is not to
// be seen there before it is promoted, and has to be looked for at once then.
func (w *Watchdog) askWhatItSees(ctx context.Context, conn *pgx.Conn) error {
	var sees, standby bool
	if err := conn.QueryRow(ctx, seesSQL).Scan(&sees, &standby); err != nil {
		return fmt.Errorf("ask what the role may see: %w", err)
	}
	if standby {
		return errStandby
	}
	w.count(func(s *State) { s.Sees = sees })
	return nil
}

var errStandby = errors.New("the server is a standby: nothing is written there, nor ended\n  put the DSN of the primary in its QUACK_DB variable, or wait until this one is promoted")

// seesSQL asks whether the role sees what other roles' sessions wait for, and
// whether the server is a standby.
const seesSQL = "SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), pg_catalog.pg_is_in_recovery()"

// closeConn closes a connection and waits until its goroutines are gone.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	connect.Close(ctx, conn.PgConn())
}

// pause waits for d, for ctx, or for a poke.
func pause(ctx context.Context, d time.Duration, poke <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-poke:
	case <-t.C:
	}
}
