package watchdog_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow/internal/harness"
	"github.com/quackproxy/quack/txshadow/watchdog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a database with one row, and sessions on it.
type world struct {
	t   *testing.T
	dsn string
}

func newWorld(t *testing.T) *world {
	w := &world{t, pgtest.NewDatabase(t)}
	w.exec(w.session("setup"), "CREATE TABLE accounts (id int PRIMARY KEY, n int NOT NULL); INSERT INTO accounts VALUES (1, 0), (2, 0)")
	return w
}

// as is the DSN for another role.
func (w *world) as(role string) string {
	u, err := url.Parse(w.dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}

// role makes a role that may log in, and drops it in the end.
func (w *world) role(name string) string {
	w.t.Helper()
	name = fmt.Sprintf("%s_%s", name, time.Now().Format("150405000000"))
	admin := w.session("setup")
	w.exec(admin, "CREATE ROLE "+name+" LOGIN; GRANT ALL ON accounts TO "+name)
	w.t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), w.dsn)
		if err != nil {
			w.t.Error(err)
			return
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "DROP OWNED BY "+name+" CASCADE; DROP ROLE "+name); err != nil {
			w.t.Error(err)
		}
	})
	return name
}

func (w *world) session(application string) *pgx.Conn {
	w.t.Helper()
	return w.sessionOf(w.dsn, application)
}

func (w *world) sessionOf(dsn, application string) *pgx.Conn {
	w.t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg.RuntimeParams["application_name"] = application
	conn, err := pgx.ConnectConfig(w.t.Context(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func (w *world) exec(conn *pgx.Conn, sql string) {
	w.t.Helper()
	if _, err := conn.Exec(w.t.Context(), sql); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// holds opens a transaction that holds row id.
func (w *world) holds(conn *pgx.Conn, id int) {
	w.t.Helper()
	w.exec(conn, "BEGIN")
	w.exec(conn, fmt.Sprintf("UPDATE accounts SET n = n + 100 WHERE id = %d", id))
}

// settings are those of tests: patient enough to see an order of events.
func settings() watchdog.Settings {
	return watchdog.Settings{MaxShadows: 4, Grace: 100 * time.Millisecond, Cap: time.Hour}
}

// watch runs a watchdog on a DSN, and waits until it watches.
func (w *world) watch(dsn string, s watchdog.Settings) *watchdog.Watchdog {
	w.t.Helper()
	dog := w.run(dsn, s)
	w.until("it watches", func() bool { return dog.State().Watching })
	return dog
}

// run runs a watchdog on a DSN.
func (w *world) run(dsn string, s watchdog.Settings, change ...func(*watchdog.Config)) *watchdog.Watchdog {
	w.t.Helper()
	c := watchdog.Config{Name: "shop", DSN: dsn, SweepEvery: 100 * time.Millisecond, BusyEvery: 50 * time.Millisecond, Calm: 200 * time.Millisecond}
	for _, f := range change {
		f(&c)
	}
	dog, err := watchdog.New(c, s)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- dog.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	return dog
}

func (w *world) until(what string, done func() bool) {
	w.t.Helper()
	harness.Until(w.t, what, done)
}

// n is what stands in row id for everybody.
func (w *world) n(id int) (n int) {
	w.t.Helper()
	if err := w.session("look").QueryRow(w.t.Context(), "SELECT n FROM accounts WHERE id = $1", id).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func enter(t *testing.T, dog *watchdog.Watchdog) (leave func()) {
	t.Helper()
	leave, refusal := dog.Enter()
	if refusal != "" {
		t.Fatalf("refused: %s (%+v)", refusal, dog.State())
	}
	return leave
}
