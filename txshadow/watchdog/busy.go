package watchdog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// Limits are what a database may have to do before shadow writes are left out.
// Zero is no limit.
type Limits struct {
	Connections       float64       // share of the connections that the server takes, 0 to 1
	ReplicationLag    time.Duration // until a standby has replayed
	OldestTransaction time.Duration // of a live session, or prepared
	RetainedWAL       int64         // bytes that a slot of shadows keeps, or one of a standby that is away
	LocksWaiting      int           // live sessions that wait for a lock
}

// Load is what a database has to do.
type Load struct {
	At                time.Time     `json:"at"` // zero when it was not measured
	Connections       int           `json:"connections"`
	MaxConnections    int           `json:"max_connections"` // without those kept for superusers
	ReplicationLag    time.Duration `json:"replication_lag_ns"`
	ReplicationBytes  int64         `json:"replication_lag_bytes"` // of WAL that a standby has not replayed
	OldestTransaction time.Duration `json:"oldest_transaction_ns"`
	OldestXmin        int64         `json:"oldest_xmin_age"` // transactions since then; of standbys with feedback as well
	RetainedWAL       int64         `json:"retained_wal_bytes"`
	LocksWaiting      int           `json:"locks_waiting"`
}

// worst are the names of whom a load is told of, "" where there is none.
type worst struct{ standby, slot string }

// loadSQL asks what a database has to do. Slots of shadows are no standbys, and
// the watchdog itself and shadows are no live sessions. A standby that is gone
// silent gives no lag: from its last answer on, less the 10 s that it may be
// silent when it has nothing to say, it lags. One that is away is in no list of
// standbys; where it has a slot, that keeps WAL for it, and shadows add to it.
const loadSQL = `WITH a AS MATERIALIZED (
	SELECT *, backend_type IS NULL OR backend_type = 'client backend' AS client,
		application_name LIKE '%` + txshadow.SessionName + `' AS shadow FROM pg_catalog.pg_stat_activity WHERE datid IS NOT NULL
), wal AS MATERIALIZED (
	SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_current_wal_insert_lsn() END AS lsn
), slots AS MATERIALIZED (
	SELECT *, slot_name LIKE '` + `txshadow\_%` + `' AS ours, slot_type = 'physical' AND active_pid IS NULL AS away FROM pg_catalog.pg_replication_slots
), kept AS MATERIALIZED (
	SELECT slot_name::text AS slot, pg_catalog.pg_wal_lsn_diff(wal.lsn, restart_lsn) AS bytes FROM slots, wal
	WHERE (ours OR away) AND restart_lsn IS NOT NULL ORDER BY bytes DESC LIMIT 1
), standbys AS MATERIALIZED (
	SELECT r.application_name AS standby, r.backend_xmin, pg_catalog.pg_wal_lsn_diff(wal.lsn, r.replay_lsn) AS behind,
		GREATEST(r.write_lag, r.flush_lag, r.replay_lag,
			CASE WHEN r.replay_lsn < wal.lsn THEN pg_catalog.clock_timestamp() - r.reply_time - interval '10 s' END, interval '0') AS lag
	FROM pg_catalog.pg_stat_replication r, wal WHERE NOT EXISTS (SELECT FROM slots s WHERE s.ours AND s.active_pid = r.pid)
)
SELECT (SELECT pg_catalog.count(*) FILTER (WHERE client) FROM a)::int,
	pg_catalog.current_setting('max_connections')::int - pg_catalog.current_setting('superuser_reserved_connections')::int,
	COALESCE((SELECT EXTRACT(epoch FROM pg_catalog.max(lag)) FROM standbys), 0)::float8,
	COALESCE((SELECT standby FROM standbys ORDER BY lag DESC LIMIT 1), ''),
	COALESCE((SELECT pg_catalog.max(behind) FROM standbys), 0)::bigint,
	GREATEST(0, (SELECT EXTRACT(epoch FROM pg_catalog.max(pg_catalog.clock_timestamp() - xact_start)) FROM a WHERE client AND NOT shadow),
		(SELECT EXTRACT(epoch FROM pg_catalog.max(pg_catalog.clock_timestamp() - prepared)) FROM pg_catalog.pg_prepared_xacts))::float8,
	GREATEST(0, (SELECT pg_catalog.max(pg_catalog.age(backend_xmin)) FROM a WHERE NOT shadow),
		(SELECT pg_catalog.max(pg_catalog.age(backend_xmin)) FROM standbys), (SELECT pg_catalog.max(pg_catalog.age(xmin)) FROM slots WHERE NOT ours))::bigint,
	COALESCE((SELECT bytes FROM kept), 0)::bigint, COALESCE((SELECT slot FROM kept), ''),
	(SELECT pg_catalog.count(*) FROM a WHERE client AND NOT shadow AND wait_event_type = 'Lock')::int`

// measure asks what the database has to do, and leaves shadows out while that is
// above a limit. A database that is too slow to say so is busy.
func (w *Watchdog) measure(ctx context.Context, conn *pgx.Conn, s Settings) error {
	load, of, err := ask(ctx, conn)
	over := s.Limits.exceeded(load, of)
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) && e.Code == catalog.StateCancelled {
		over, err = fmt.Sprintf("it took longer than %s to say what it has to do", statementTimeout), nil
	}
	if err != nil {
		return fmt.Errorf("measure what the database has to do: %w", err)
	}
	w.heed(load, over, time.Now())
	return nil
}

func ask(ctx context.Context, conn *pgx.Conn) (l Load, of worst, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var lag, oldest float64
	err = conn.QueryRow(ctx, loadSQL).Scan(&l.Connections, &l.MaxConnections, &lag, &of.standby, &l.ReplicationBytes,
		&oldest, &l.OldestXmin, &l.RetainedWAL, &of.slot, &l.LocksWaiting)
	l.At = time.Now()
	l.ReplicationLag, l.OldestTransaction = time.Duration(lag*float64(time.Second)), time.Duration(oldest*float64(time.Second))
	return l, of, err
}

// heed takes a measurement. What was over a limit has to be below all of them
// for a while before shadows are run again.
func (w *Watchdog) heed(load Load, over string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !load.At.IsZero() {
		w.state.Load = load
	}
	switch {
	case over != "":
		if w.over == "" {
			w.log.Warn("the database is busy: unsafe requests are not shadowed to it", "why", over)
		}
		w.over, w.overAt = over, now
	case w.over != "" && now.Sub(w.overAt) >= w.cfg.Calm:
		w.over = ""
		w.log.Info("the database is no longer busy: unsafe requests are shadowed to it again")
	}
}

// exceeded says which limit a load is above; "" when it is above none.
func (l Limits) exceeded(load Load, of worst) string {
	share := float64(load.Connections) / float64(max(load.MaxConnections, 1))
	switch {
	case load.At.IsZero():
		return ""
	case l.Connections > 0 && share > l.Connections:
		return fmt.Sprintf("connections: %d of %d are taken, limit %.0f%%", load.Connections, load.MaxConnections, l.Connections*100)
	case l.ReplicationLag > 0 && load.ReplicationLag > l.ReplicationLag:
		return fmt.Sprintf("replication_lag: %s at standby %q, limit %s", load.ReplicationLag.Round(time.Millisecond), of.standby, l.ReplicationLag)
	case l.OldestTransaction > 0 && load.OldestTransaction > l.OldestTransaction:
		return fmt.Sprintf("oldest_transaction: %s, limit %s", load.OldestTransaction.Round(time.Millisecond), l.OldestTransaction)
	case l.RetainedWAL > 0 && load.RetainedWAL > l.RetainedWAL:
		return fmt.Sprintf("retained_wal: %d bytes for slot %q, limit %d", load.RetainedWAL, of.slot, l.RetainedWAL)
	case l.LocksWaiting > 0 && load.LocksWaiting > l.LocksWaiting:
		return fmt.Sprintf("locks_waiting: %d live sessions wait for locks, limit %d", load.LocksWaiting, l.LocksWaiting)
	}
	return ""
}
