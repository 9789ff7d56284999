package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// slot is that of the Quack of [gidPrefix].
const slot = "txshadow_conf1"

// slotReader reads a two-phase slot as Quack does.
type slotReader struct {
	conn *pgx.Conn
	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	lines []string
	err   error
}

// openSlot makes a slot that is gone at t's end.
func openSlot(t *testing.T, dsn string) *slotReader {
	t.Helper()
	r := &slotReader{conn: connect(t, dsn), stop: make(chan struct{})}
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	for {
		_, err := r.conn.Exec(ctx, "SELECT pg_create_logical_replication_slot($1, 'test_decoding', true, true)", slot)
		var e *pgconn.PgError
		switch {
		case err == nil:
			return r
		case errors.As(err, &e) && e.Code == "42710": // the session that had it before is still ending
			time.Sleep(10 * time.Millisecond)
		default:
			t.Fatal(err)
		}
	}
}

// run reads until t's end.
func (r *slotReader) run(t *testing.T) {
	r.done.Go(r.read)
	t.Cleanup(func() {
		close(r.stop)
		if r.done.Wait(); r.err != nil {
			t.Error(r.err)
		}
	})
}

func (r *slotReader) read() {
	for {
		select {
		case <-r.stop:
			return
		case <-time.After(3 * time.Millisecond):
		}
		rows, err := r.conn.Query(context.Background(), "SELECT data FROM pg_logical_slot_get_changes($1, NULL, NULL)", slot)
		if err == nil {
			var lines []string
			lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
			r.mu.Lock()
			r.lines = append(r.lines, lines...)
			r.mu.Unlock()
		}
		if err != nil {
			r.err = fmt.Errorf("read the slot: %w", err)
			return
		}
	}
}

func (r *slotReader) has(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(strings.Join(r.lines, "\n"), text)
}

// rows are the changes of the transaction that was prepared as gid.
func (r *slotReader) rows(gid string) (rows []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.lines {
		switch {
		case strings.HasPrefix(line, "BEGIN"):
			rows = nil
		case strings.HasPrefix(line, "table "):
			rows = append(rows, line)
		case strings.HasPrefix(line, "PREPARE TRANSACTION '"+gid+"'"):
			return rows
		}
	}
	return nil
}
