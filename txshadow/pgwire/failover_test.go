package pgwire

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// The database is gone, in the middle of a lane's shadow and under clients that
// are passed through, and its standby takes its place at the same address: first
// as a standby, which is read, and then as a primary.
func TestTheStandbyTakesOver(t *testing.T) {
	ctx := context.Background()
	primary, standby := pgtest.WithStandby(t, map[string]string{"synchronous_commit": "on"})
	live(t, primary.DSN("postgres"), shop+txshadow.InstallSQL()+"INSERT INTO orders (account) SELECT 1 WHERE false")
	address := pgtest.NewAddress(t, primary)
	direct := address.DSN(primary.DSN("postgres"))
	pass, cfg := start(t, direct), patient
	laned := start(t, direct, func(c *Config) { c.Lane = &cfg })

	idle, busy := connect(t, pass.dsn), connect(t, pass.dsn)
	_, err := idle.Exec(ctx, "BEGIN; "+insert)
	pass.must(err)
	broken := make(chan error, 1)
	go func() {
		_, err := busy.Exec(ctx, "SELECT pg_sleep(600)")
		broken <- err
	}()
	until(t, "the client sleeps", func() bool {
		return one[int](t, direct, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 1
	})
	instance := connect(t, laned.dsn)
	laned.open()
	_, err = instance.Exec(ctx, insert)
	laned.must(err)
	until(t, "the standby has all", func() bool {
		return one[bool](t, direct, "SELECT coalesce(bool_and(replay_lsn >= pg_current_wal_flush_lsn()), false) FROM pg_stat_replication")
	})
	pass.must(primary.Kill())
	address.MoveTo(standby)

	if err := <-broken; err == nil {
		t.Error("a client that was passed through noticed nothing")
	}
	if _, err := idle.Exec(ctx, "COMMIT"); err == nil {
		t.Error("a transaction of the server that is gone was committed")
	}
	until(t, "no cancel key is left of those that are gone", func() bool {
		pass.server.keys.mu.Lock()
		defer pass.server.keys.mu.Unlock()
		return len(pass.server.keys.who) == 0
	})
	if out := laned.server.Lane().Close(ctx); out.RolledBack || !out.Unreachable || out.Footprint != nil {
		t.Errorf("the shadow that was under way: %+v", out)
	}
	readsOfStandby(t, pass, laned)

	pass.must(standby.Promote(t.Context()))
	laned.unchanged()
	cancelsNobody(t, pass, busy)
	live(t, direct, "TRUNCATE accounts, audit, orders")
	instance = connect(t, laned.dsn)
	laned.open()
	_, err = instance.Exec(ctx, insert)
	laned.must(err)
	if out := laned.close(); out.Reason != "" || len(out.Footprint) != 2 {
		t.Errorf("the first shadow of the new primary: %+v", out)
	}
	laned.unchanged()
}

// readsOfStandby: what only reads works, and what writes is refused by the server
// in its own words; a lane does not begin with a write.
func readsOfStandby(t *testing.T, pass, laned *proxy) {
	t.Helper()
	ctx := context.Background()
	conn := connect(t, pass.dsn)
	var n int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM accounts").Scan(&n); err != nil || n != 0 {
		t.Errorf("a read of a standby: %d, %v", n, err)
	}
	if _, err := conn.Exec(ctx, insert); state(err) != catalog.StateReadOnly {
		t.Errorf("a write to a standby: %v", err)
	}
	instance := connect(t, laned.dsn)
	if err := laned.server.Lane().Prove(ctx); err == nil || !strings.Contains(err.Error(), "read-only") && !strings.Contains(err.Error(), "recovery") {
		t.Errorf("a lane on a standby proves that it rolls back: %v", err)
	}
	laned.open(func(s *Shadow) { s.Mode = txshadow.ModeReadOnly })
	if _, err := instance.Exec(ctx, "SELECT count(*) FROM accounts", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Errorf("a read in a lane on a standby: %v", err)
	}
	if _, err := instance.Exec(ctx, "UPDATE accounts SET n = 0", pgx.QueryExecModeSimpleProtocol); state(err) != catalog.StateReadOnly {
		t.Errorf("a write in a reading lane on a standby: %v", err)
	}
	if out := laned.close(); out.Reason != "write:25006:update:accounts" {
		t.Errorf("%+v", out)
	}
}

// cancelsNobody: a client of the new server is not hit by a key of before.
func cancelsNobody(t *testing.T, pass *proxy, before *pgx.Conn) {
	t.Helper()
	ctx := context.Background()
	again := connect(t, pass.dsn)
	done := make(chan error, 1)
	go func() {
		_, err := again.Exec(ctx, "INSERT INTO accounts SELECT 1, 'live', 1 FROM pg_sleep(1)")
		done <- err
	}()
	until(t, "the new client is at work", func() bool {
		return one[int](t, pass.direct, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 1
	})
	if err := before.PgConn().CancelRequest(ctx); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("a write after the promotion, with a key of before: %v", err)
	}
}
