package sqlshadow

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/quackproxy/quack/txshadow"
)

// Dialect is what kind of database it is.
type Dialect string

// The dialects.
const (
	Postgres Dialect = "postgres" // 12 and later
	MariaDB  Dialect = "mariadb"  // 10.6 and later
)

// Config is the manual. Secret, Connector and Dialect must be given.
type Config struct {
	// Secret is QUACK_SHADOW_SECRET, as txshadow.ParseSecrets reads it.
	Secret string `json:"-"`
	// Connector is how the application connects: pq.NewConnector,
	// stdlib.GetConnector, mysql.NewConnector, or one around them.
	Connector driver.Connector
	Dialect   Dialect
	// DirectConnector is how shadows connect, when Connector leads to a
	// connection pooler: on sessions that a pooler shares, a shadow is refused.
	// Default: Connector.
	DirectConnector driver.Connector

	// MaxBody is how much of a request's and of an answer's body is kept in
	// memory, in bytes; default 8 MiB. A longer one is unsupported:body-size.
	MaxBody int64
	// MaxResult is how much of the result of one statement is kept, in bytes;
	// default 16 MiB. A longer one is unsupported:result-size.
	MaxResult int64
	// MaxShadows is how many shadow writes run at once, each with a session of
	// its own; default 4. One above it is unsupported:busy. As many reading
	// shadows run besides, and more wait. Two sessions more are kept: a spare,
	// and one by which statements are cancelled.
	MaxShadows int

	// WallCap is how long the transaction of a shadow write may stay open,
	// when Quack asks for more or for nothing; default 500 ms.
	WallCap time.Duration
	// ReadCap is the same for reading shadows; default 30 s.
	ReadCap time.Duration
	// LockTimeout is how long a statement of a shadow may wait for a lock;
	// default 50 ms on PostgreSQL. MariaDB counts in whole seconds: there it is
	// rounded up, and the budget ends most waits before it.
	LockTimeout time.Duration

	// Lasting lists tables of a MariaDB, as schema.table, whose engine can not
	// roll back (MyISAM, Aria, MEMORY) and that no shadow writes, by triggers and
	// functions neither. With others of that kind no shadow is run. Statements that
	// write and name one are refused.
	Lasting []string

	// Strict refuses, with txshadow.ErrForeign, what may write and has the
	// context of no request, while a shadow runs in the process. Without it that
	// is live, and the shadows are acknowledged as unsupported:foreign-context.
	Strict bool

	Log *slog.Logger // default slog.Default()
}

// String hides the secret from logs.
func (Config) String() string { return "sqlshadow.Config" }

// GoString hides it from %#v.
func (Config) GoString() string { return "sqlshadow.Config" }

// Adapter rolls shadow requests back. Safe for concurrent use.
type Adapter struct {
	front   *txshadow.Front
	dialect dialect
	live    driver.Connector
	db      *sql.DB
	log     *slog.Logger

	maxResult   int64
	lockTimeout time.Duration
	layers      layers

	writing chan struct{} // a token for each shadow write under way
	reading chan struct{} // a token for each reading shadow under way

	sessions sessions
	control  control
}

// layers can be taken away in tests, to show what each is good for.
type layers struct{ noInterception, noFuse, noBelt, noWatch bool }

// New makes an adapter. It connects to nothing and starts nothing.
func New(c Config) (*Adapter, error) {
	if c.Connector == nil {
		return nil, errors.New("make a sqlshadow adapter: Config.Connector is not set\n  a driver has one: pq.NewConnector, stdlib.GetConnector, mysql.NewConnector")
	}
	a := &Adapter{live: c.Connector}
	switch c.Dialect {
	case Postgres:
		a.dialect = postgres{}
	case MariaDB:
		tolerated := map[string]bool{}
		for _, table := range c.Lasting {
			tolerated[strings.ToLower(table)] = true
		}
		a.dialect = mariadb{tolerated}
	default:
		return nil, fmt.Errorf("make a sqlshadow adapter: Config.Dialect is %q\n  set it to sqlshadow.Postgres or sqlshadow.MariaDB", string(c.Dialect))
	}
	c.DirectConnector, c.Log = cmp.Or(c.DirectConnector, c.Connector), cmp.Or(c.Log, slog.Default())
	c.MaxResult, c.MaxShadows, c.LockTimeout = cmp.Or(c.MaxResult, 16<<20), cmp.Or(c.MaxShadows, 4), cmp.Or(c.LockTimeout, 50*time.Millisecond)
	var err error
	a.front, err = txshadow.NewFront(txshadow.FrontConfig{
		Secret: c.Secret, MaxBody: c.MaxBody, WallCap: c.WallCap, ReadCap: c.ReadCap, Strict: c.Strict, Log: c.Log,
	}, a.engine())
	if err != nil {
		return nil, fmt.Errorf("make a sqlshadow adapter: %w", err)
	}
	a.log, a.maxResult, a.lockTimeout = c.Log, c.MaxResult, c.LockTimeout
	a.writing, a.reading = make(chan struct{}, c.MaxShadows), make(chan struct{}, c.MaxShadows)
	a.control.adapter, a.control.connector = a, c.DirectConnector
	a.sessions.init(a, c.DirectConnector)
	a.db = sql.OpenDB(connector{a})
	return a, nil
}

// DB is to be used by handlers in place of the application's own: with the
// context of a shadow request, or one made from it, everything runs in the
// shadow's one transaction; with any other it is live. The settings of its pool
// are the application's. A shadow takes a place in the pool as its live twin
// does, and nothing is sent on the connection that stands there.
func (a *Adapter) DB() *sql.DB { return a.db }

// Middleware is txshadow's: it has to be the outermost handler.
func (a *Adapter) Middleware(next http.Handler) http.Handler { return a.front.Middleware(next) }

// ForeignCalls is how many calls of DB that may write had the context of no
// request while a shadow ran.
func (a *Adapter) ForeignCalls() int64 { return a.front.ForeignCalls() }

// Close refuses new shadows, waits for those under way until ctx ends, and
// closes the sessions that were kept ready. DB is not closed: it should be,
// after.
func (a *Adapter) Close(ctx context.Context) error {
	if err := a.front.Close(ctx); err != nil {
		return err
	}
	a.sessions.Drop()
	a.control.close()
	return nil
}

// Raw calls f with the driver's own connection behind conn, as conn.Raw does
// without an adapter. In a shadow f is not called and the request is not
// compared: what f would send goes past the shadow.
func Raw(conn *sql.Conn, f func(driverConn any) error) error {
	return conn.Raw(func(dc any) error {
		c, ok := dc.(*liveConn)
		if !ok {
			return f(dc)
		}
		if t := c.borrower(); t != nil {
			return t.refuse("unsupported:conn")
		}
		return f(c.base)
	})
}
