package watchdog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// terminateSQL ends the session of that pid only if it is still that one, and a
// shadow's.
const terminateSQL = `SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
	WHERE a.pid = $1 AND a.backend_start = $2 AND (a.application_name LIKE '%` + txshadow.SessionName + `'
		OR EXISTS (SELECT FROM ` + armedSQL + ` AND l.pid = a.pid))`

// terminate ends a shadow's session. An error is of the connection.
func (w *Watchdog) terminate(ctx context.Context, conn *pgx.Conn, f wait, overdue bool) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var ended bool
	err := conn.QueryRow(ctx, terminateSQL, int32(f.blocker), f.started).Scan(&ended)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // it has gone by itself
		return nil
	case ofServer(err):
		w.fault("a shadow's session can not be ended", err)
		return nil
	case err != nil:
		return fmt.Errorf("end a shadow's session: %w", err)
	case w.ended[wait{0, f.blocker, f.started}]: // it takes its time to go, on a busy machine
	case overdue:
		w.count(func(s *State) { s.Overdue++ })
		w.log.Warn("ended a shadow's session that was older than a shadow may be", "pid", f.blocker)
	default:
		w.count(func(s *State) { s.Blocking++ })
		w.log.Info("ended a shadow's session that a live one waited for", "pid", f.blocker, "waiting", f.waiter)
	}
	w.ended[wait{0, f.blocker, f.started}] = true
	return nil
}

// ofServer reports whether err is an answer of the server's, after which the
// connection goes on.
func ofServer(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && !strings.HasPrefix(e.Code, "57P") && e.Severity != "FATAL"
}

// prepared is a prepared transaction of a shadow.
type prepared struct {
	gid, owner string
	direct     bool // this session's role may end it: it is the owner's, or a superuser's
}

const preparedSQL = `SELECT p.gid, p.owner, p.owner = current_user OR r.rolsuper
	FROM pg_catalog.pg_prepared_xacts p, pg_catalog.pg_roles r
	WHERE r.rolname = current_user AND p.database = pg_catalog.current_database() AND p.gid LIKE '` + txshadow.PreparedName + `%'`

// blockingSQL is preparedSQL for those that hold what session $1 waits for. The
// locks of a prepared transaction have no pid, and with them stands the one on
// its own transaction id.
const blockingSQL = preparedSQL + ` AND EXISTS (SELECT FROM pg_catalog.pg_locks q JOIN pg_catalog.pg_locks h
	ON (h.locktype, h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid)
	IS NOT DISTINCT FROM (q.locktype, q.database, q.relation, q.page, q.tuple, q.virtualxid, q.transactionid, q.classid, q.objid, q.objsubid)
	JOIN pg_catalog.pg_locks own ON own.virtualtransaction = h.virtualtransaction AND own.pid IS NULL AND own.granted
	WHERE q.pid = $1 AND NOT q.granted AND h.granted AND h.pid IS NULL AND own.locktype = 'transactionid' AND own.transactionid = p.transaction)`

// oldSQL is preparedSQL for those older than $1 ms.
const oldSQL = preparedSQL + ` AND p.prepared < pg_catalog.clock_timestamp() - $1 * interval '1 ms'`

func (w *Watchdog) prepared(ctx context.Context, conn *pgx.Conn, sql string, arg any) ([]prepared, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	rows, err := conn.Query(ctx, sql, arg)
	if err != nil {
		return nil, fmt.Errorf("look for prepared transactions: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p prepared, err error) {
		return p, row.Scan(&p.gid, &p.owner, &p.direct)
	})
	if err != nil {
		return nil, fmt.Errorf("look for prepared transactions: %w", err)
	}
	return list, nil
}

// rollBackFor rolls back the prepared shadows that a session waits for.
func (w *Watchdog) rollBackFor(ctx context.Context, conn *pgx.Conn, waiter uint32) error {
	list, err := w.prepared(ctx, conn, blockingSQL, int32(waiter))
	if err != nil {
		return err
	}
	for _, p := range list {
		if _, err := w.rollBack(ctx, conn, p); err != nil {
			return err
		}
	}
	return nil
}

// sweep rolls back prepared shadows that are older than a shadow may be, and
// ends such sessions, whoever has left them behind.
func (w *Watchdog) sweep(ctx context.Context, conn *pgx.Conn, s Settings) error {
	if err := w.askWhatItSees(ctx, conn); err != nil {
		return err
	}
	list, err := w.prepared(ctx, conn, oldSQL, s.Cap.Milliseconds())
	if err != nil {
		return err
	}
	orphans := 0
	for _, p := range list {
		gone, err := w.rollBack(ctx, conn, p)
		if err != nil {
			return err
		}
		if !gone {
			orphans++
		}
	}
	w.count(func(s *State) { s.Orphans = orphans })
	return w.look(ctx, conn, s)
}

// rollBack rolls a prepared shadow back, as its owner where this session's role
// is not the owner's and may become it. gone says that it is no more.
func (w *Watchdog) rollBack(ctx context.Context, conn *pgx.Conn, p prepared) (gone bool, err error) {
	if !p.direct {
		if err := w.exec(ctx, conn, "SET ROLE "+pgx.Identifier{p.owner}.Sanitize()); err != nil {
			return false, w.refused(p, err)
		}
	}
	err = w.exec(ctx, conn, "ROLLBACK PREPARED"+catalog.Literal(p.gid))
	if !p.direct {
		if err := w.exec(ctx, conn, "RESET ROLE"); err != nil {
			return false, fmt.Errorf("become ourselves again: %w", err)
		}
	}
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e) && e.Code == catalog.StateNoObject: // somebody else was faster
		return true, nil
	case err != nil:
		return false, w.refused(p, err)
	}
	w.count(func(s *State) { s.RolledBack++ })
	w.log.Warn("rolled back a prepared transaction of a shadow", "gid", p.gid)
	return true, nil
}

// refused notes what the server has refused; any other error is of the
// connection.
func (w *Watchdog) refused(p prepared, err error) error {
	if !ofServer(err) {
		return fmt.Errorf("roll back prepared transaction %q: %w", p.gid, err)
	}
	w.fault(fmt.Sprintf("a shadow's prepared transaction %q of role %q can not be rolled back: it holds its locks", p.gid, p.owner), err)
	return nil
}

// exec runs a statement that can not be prepared.
func (w *Watchdog) exec(ctx context.Context, conn *pgx.Conn, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	_, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}
