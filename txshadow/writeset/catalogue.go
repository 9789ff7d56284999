package writeset

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow/internal/connect"
)

const (
	// catalogueAge is how old may be what is known of a table. A key that is
	// added to it counts from then on.
	catalogueAge = time.Minute
	// catalogueWait is how long rows wait for what is not known of their table
	// yet. A live request may wait for them.
	catalogueWait = 50 * time.Millisecond
	// catalogueTables bounds how many tables are remembered.
	catalogueTables = 1000
	// A table with a column that is not known is read again after this, and one
	// that could not be read after that.
	unknownPause = time.Second
	failedPause  = 10 * time.Second
)

// catalogue says of columns what the log does not: keys and references. It has
// a connection of its own, which is opened when rows have come for the first
// time, so that it holds nobody up who reads the slot.
type catalogue struct {
	config *pgx.ConnConfig
	log    *slog.Logger
	asks   chan string // tables to be read

	mu     sync.Mutex
	tables map[string]*described
	news   chan struct{} // closed when a table has been read
}

// described is what is known of a table.
type described struct {
	columns map[string]traits // by name, all of them; none when the table is not there
	asked   bool              // it is being read
	read    time.Time         // zero before it has been
	again   time.Time         // not before then for the sake of an unknown column
}

func newCatalogue(config *pgx.ConnConfig, log *slog.Logger) *catalogue {
	return &catalogue{config: config, log: log, asks: make(chan string, 64), tables: map[string]*described{}, news: make(chan struct{})}
}

// fill enters what is known of the columns into the set. It waits a little for
// tables that have never been read; what has not come by then is left open.
func (c *catalogue) fill(ctx context.Context, set Set) {
	ctx, cancel := context.WithTimeout(ctx, catalogueWait)
	defer cancel()
	for waiting := true; waiting; {
		var news <-chan struct{}
		if news, waiting = c.want(set); waiting {
			select {
			case <-news:
			case <-ctx.Done():
				waiting = false
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, change := range set.Changes {
		if t := c.tables[change.Table]; t != nil {
			t.enter(change.Old)
			t.enter(change.New)
		}
	}
}

func (t *described) enter(row []Column) {
	for i := range row {
		f := t.columns[row[i].Name]
		row[i].Key, row[i].Generated, row[i].References = f.key, f.generated, f.references
	}
}

// want asks for the tables of a set of which something is missing or old, and
// says whether to wait for one of them, and what says that one was read.
func (c *catalogue) want(set Set) (news <-chan struct{}, wait bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for _, change := range set.Changes {
		t := c.tables[change.Table]
		if t == nil {
			if len(c.tables) >= catalogueTables {
				clear(c.tables)
			}
			t = &described{}
			c.tables[change.Table] = t
		}
		missing := !t.knows(change) && now.After(t.again)
		if (missing || now.Sub(t.read) > catalogueAge && now.After(t.again)) && !t.asked {
			select {
			case c.asks <- change.Table:
				t.asked = true
			default: // so many are being read that this one is left open
				missing = false
			}
		}
		wait = wait || missing
	}
	return c.news, wait
}

// knows reports whether the table has been read with all columns of a change.
func (t *described) knows(change Change) bool {
	for _, row := range [][]Column{change.Old, change.New} {
		for _, col := range row {
			if _, ok := t.columns[col.Name]; !ok {
				return false
			}
		}
	}
	return !t.read.IsZero()
}

// run reads the tables that are asked for until ctx ends, and then closes its
// connection.
func (c *catalogue) run(ctx context.Context) {
	var conn *pgx.Conn
	shut := func() {
		if conn != nil {
			closing, cancel := context.WithTimeout(context.Background(), goneTimeout)
			connect.Close(closing, conn.PgConn())
			cancel()
			conn = nil
		}
	}
	defer shut()
	for {
		select {
		case <-ctx.Done():
			return
		case table := <-c.asks:
			columns, err := c.read(ctx, &conn, table)
			if err != nil && ctx.Err() == nil {
				shut()
				c.log.Warn("the keys of a table can not be read; its rows are paired by the names of columns", "table", table, "err", err)
			}
			c.learn(table, columns, err)
		}
	}
}

// read asks for the columns of a table, over conn, which it opens where it is nil.
func (c *catalogue) read(ctx context.Context, conn **pgx.Conn, table string) (columns map[string]traits, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if *conn == nil {
		config := c.config.Copy()
		config.RuntimeParams["application_name"] = applicationName
		if *conn, err = pgx.ConnectConfig(ctx, config); err != nil {
			return nil, err
		}
	}
	return describe(ctx, *conn, table)
}

// learn remembers what has been read. After an error, what was known before stays.
func (c *catalogue) learn(table string, columns map[string]traits, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[table]
	if t == nil { // forgotten meanwhile
		t = &described{}
		c.tables[table] = t
	}
	now := time.Now()
	t.asked, t.again = false, now.Add(unknownPause)
	if err != nil {
		t.again = now.Add(failedPause)
	} else {
		t.columns, t.read = columns, now
	}
	close(c.news)
	c.news = make(chan struct{})
}
