package txshadow

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/spare"
)

// orphanRules say when prepared transactions of shadows are looked for, and
// how old one is that nobody is going to roll back any more.
type orphanRules struct{ every, age time.Duration }

var usualOrphans = orphanRules{every: 30 * time.Second, age: 10 * time.Second}

// sweep starts to look for orphans, once, at the adapter's first request: this
// process may have been killed between PREPARE and ROLLBACK PREPARED before it
// was started again. Close ends it.
func (a *Adapter) sweep() {
	if a.noOrphans.Load() || a.swept.Load() || !a.swept.CompareAndSwap(false, true) || a.enter() != nil {
		return
	}
	ctx, quit := context.WithCancel(context.Background())
	a.mu.Lock()
	a.quit = quit
	if a.isClosing() {
		quit()
	}
	a.mu.Unlock()
	go a.sweepUntil(ctx)
}

// sweepUntil rolls orphans back until ctx ends, or the server has no prepared
// transactions at all. A proof that finds some later starts it again.
func (a *Adapter) sweepUntil(ctx context.Context) {
	defer a.running.Done()
	tick := time.NewTicker(a.orphans.every)
	defer tick.Stop()
	for {
		possible, err := a.rollBackOrphans(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			a.log.Warn("look for prepared transactions that shadows have left behind", "err", err)
		} else if !possible {
			a.noOrphans.Store(true)
			a.swept.Store(false)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// orphansSQL finds transactions of shadows in this database that this role has
// prepared, this process or another of the same service.
const orphansSQL = `SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid ~ '^txshadow-[a-z0-9]{1,32}-[0-9]{1,19}$'
	AND owner = current_user AND database = pg_catalog.current_database() AND prepared < pg_catalog.clock_timestamp() - $1::bigint * interval '1 ms'`

// rollBackOrphans looks once. possible is false when the server takes no
// prepared transactions.
func (a *Adapter) rollBackOrphans(ctx context.Context) (possible bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, spare.ConnectTimeout)
	defer cancel()
	cfg := a.config.Copy()
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := a.sessions.connect(ctx, cfg)
	if err != nil {
		return false, err
	}
	defer closeConn(conn)
	if err := conn.QueryRow(ctx, "SELECT pg_catalog.current_setting('max_prepared_transactions')::int > 0").Scan(&possible); err != nil || !possible {
		return false, err
	}
	if _, err := conn.Exec(ctx, withoutStandbys); err != nil {
		return true, err
	}
	rows, err := conn.Query(ctx, orphansSQL, a.orphans.age.Milliseconds())
	if err != nil {
		return false, err
	}
	gids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return false, err
	}
	for _, gid := range gids {
		if err := rollBackOrphan(ctx, conn.PgConn(), gid); err != nil {
			return true, err
		}
		a.log.Warn("rolled back a prepared transaction that a shadow had left behind", "gid", gid)
	}
	return true, nil
}

// withoutStandbys makes a session's ROLLBACK PREPARED wait for no synchronous
// standby: with one that is away it would keep the locks for as long.
const withoutStandbys = "SET synchronous_commit = local"

// rollBackOrphan rolls gid back. That somebody else is about to, or has done
// so, is as good.
func rollBackOrphan(ctx context.Context, conn *pgconn.PgConn, gid string) error {
	_, err := conn.Exec(ctx, "ROLLBACK PREPARED"+catalog.Literal(gid)).ReadAll()
	switch sqlState(err) {
	case catalog.StateNoObject, catalog.StateBusy:
		return nil
	}
	if err != nil {
		return fmt.Errorf("roll back the prepared transaction %s: %w", gid, err)
	}
	return nil
}
