package writeset_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow/internal/harness"
	"github.com/quackproxy/quack/txshadow/writeset"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a database with a reader.
type bench struct {
	t      testing.TB
	dsn    string
	conn   *pgx.Conn // where shadows run
	reader *writeset.Reader
	logs   *harness.Log
	stop   func() // ends the reader and waits for it
}

// read makes a database by schema and starts a reader on it.
func read(t testing.TB, schema string, change ...func(*writeset.Config)) *bench {
	t.Helper()
	b := &bench{t: t, dsn: pgtest.NewDatabase(t), logs: &harness.Log{}}
	b.conn = b.connect()
	b.exec(schema)
	b.start(change...)
	b.until("write sets are available", func() bool { return b.reader.State().Available })
	return b
}

func (b *bench) start(change ...func(*writeset.Config)) {
	b.t.Helper()
	c := writeset.Config{DSN: b.dsn, Log: slog.New(slog.NewTextHandler(b.logs, nil))}
	for _, f := range change {
		f(&c)
	}
	var err error
	b.reader, err = writeset.New(c)
	b.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.reader.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
	b.t.Cleanup(b.stop)
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) connect() *pgx.Conn {
	b.t.Helper()
	conn, err := pgx.Connect(context.Background(), b.dsn)
	b.must(err)
	b.t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func (b *bench) exec(sql string) {
	b.t.Helper()
	_, err := b.conn.Exec(context.Background(), sql)
	b.must(err)
}

func ask[T any](b *bench, sql string, args ...any) (v T) {
	b.t.Helper()
	b.must(b.conn.QueryRow(context.Background(), sql, args...).Scan(&v))
	return v
}

// shadow runs sql in a transaction that is prepared, read and rolled back.
func (b *bench) shadow(sql string) writeset.Set {
	b.t.Helper()
	gid, w := b.reader.Expect()
	b.exec("BEGIN; " + sql + "; PREPARE TRANSACTION '" + gid + "'")
	set, err := w.Rows(b.patience())
	b.exec("ROLLBACK PREPARED '" + gid + "'")
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.logs)
	}
	return set
}

// patience is more than anything here takes.
func (b *bench) patience() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	b.t.Cleanup(cancel)
	return ctx
}

func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	harness.Until(b.t, what, ok, b.logs.String, func() string { return fmt.Sprintf("%+v", b.reader.State()) })
}
