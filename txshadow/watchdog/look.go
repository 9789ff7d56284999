package watchdog

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

// watch looks, sweeps and measures, each when it is due, until ctx ends or the
// connection fails.
func (w *Watchdog) watch(ctx context.Context, conn *pgx.Conn) error {
	var looked, swept, measured time.Time
	before := false // it was looked
	for ctx.Err() == nil {
		now := time.Now()
		looking, wanted, s := w.looking(now)
		if before && !looking { // what is still prepared is too old by now, and nobody looks any more for who waits for it
			swept = time.Time{}
		}
		before = looking
		next := w.cfg.SweepEvery
		var err error
		due := func(last *time.Time, every time.Duration, do func(context.Context, *pgx.Conn, Settings) error) {
			if rest := every - now.Sub(*last); rest > 0 {
				next = min(next, rest)
				return
			}
			if err == nil {
				*last = now
				err = do(ctx, conn, s)
			}
			next = min(next, every-time.Since(now))
		}
		if !s.Off {
			due(&swept, w.cfg.SweepEvery, w.sweep)
		}
		if looking {
			due(&looked, w.cfg.Every, w.look)
		} else {
			clear(w.seen)
		}
		if wanted {
			due(&measured, w.cfg.BusyEvery, w.measure)
		}
		if err != nil {
			return err
		}
		pause(ctx, max(next, time.Millisecond), w.poke)
	}
	return ctx.Err()
}

// wait is a live session that waits for a shadow. Blocker 0 is a prepared
// transaction, as pg_blocking_pids gives it.
type wait struct {
	waiter, blocker uint32
	started         time.Time // backend_start of the blocker: a pid is used again
}

// lookSQL lists the sessions of shadows, and prepared transactions, that others
// wait for, and sessions of shadows whose transaction is older than $1 ms. The
// locks are only looked at for sessions that do wait: that needs the lock
// manager to itself for a moment. Then a shadow is also known by its lock on the
// fuse, for applications give their sessions names of their own.
const lookSQL = `WITH a AS MATERIALIZED (
	SELECT pid, backend_start, xact_start, wait_event_type, application_name LIKE '%` + txshadow.SessionName + `' AS shadow
	FROM pg_catalog.pg_stat_activity WHERE datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
), blocked AS MATERIALIZED (
	SELECT w.pid, b.blocker FROM a w, LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS b(blocker)
	WHERE w.wait_event_type = 'Lock' AND NOT w.shadow
), armed AS MATERIALIZED (
	SELECT l.pid FROM ` + armedSQL + ` AND EXISTS (SELECT FROM blocked)
)
SELECT b.pid, b.blocker, s.backend_start FROM blocked b
	LEFT JOIN a s ON s.pid = b.blocker AND (s.shadow OR s.pid IN (SELECT pid FROM armed))
	WHERE s.pid IS NOT NULL OR b.blocker = 0
UNION ALL
SELECT 0, pid, backend_start FROM a
	WHERE shadow AND xact_start < pg_catalog.clock_timestamp() - $1 * interval '1 ms'`

// armedSQL is the locks that shadows' sessions hold on the fuse: whoever has
// written to it can not commit. It ends in a condition.
const armedSQL = `pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.granted AND l.pid IS NOT NULL
	AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
	AND l.relation = (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'txshadow' AND c.relname = 'fuse')`

// look ends what has stood in somebody's way for longer than the grace, and
// what is older than the cap.
func (w *Watchdog) look(ctx context.Context, conn *pgx.Conn, s Settings) error {
	found, err := w.waits(ctx, conn, s)
	if err != nil {
		return fmt.Errorf("look at who waits for whom: %w", err)
	}
	now, seen := time.Now(), make(map[wait]time.Time, len(found))
	ended := map[wait]bool{}
	for _, f := range found {
		since, before := w.seen[f]
		if !before {
			since = now
		}
		seen[f] = since
		overdue := f.waiter == 0
		blocker := wait{0, f.blocker, f.started}
		if !overdue && now.Sub(since) < s.Grace || ended[blocker] {
			continue
		}
		ended[blocker] = true
		if f.blocker == 0 {
			err = w.rollBackFor(ctx, conn, f.waiter)
		} else {
			err = w.terminate(ctx, conn, f, overdue)
		}
		if err != nil {
			return err
		}
	}
	w.seen = seen
	maps.DeleteFunc(w.ended, func(b wait, _ bool) bool { return !ended[b] })
	return nil
}

func (w *Watchdog) waits(ctx context.Context, conn *pgx.Conn, s Settings) ([]wait, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	rows, err := conn.Query(ctx, lookSQL, s.Cap.Milliseconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (f wait, err error) {
		var waiter, blocker int32
		var started *time.Time
		err = row.Scan(&waiter, &blocker, &started)
		f = wait{waiter: uint32(waiter), blocker: uint32(blocker)}
		if started != nil {
			f.started = started.UTC()
		}
		return f, err
	})
}
