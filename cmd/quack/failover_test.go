package main

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/reports"
)

// The primary is gone in the middle of a shadow whose rows are to be read, and its
// standby takes its place at the same address. Nothing persists, no leak is
// suspected, what was prepared is rolled back on the new primary, and rows are
// compared again, without anybody's doing.
func TestTheDatabaseFailsOver(t *testing.T) {
	primary, standby := pgtest.WithStandby(t, map[string]string{"synchronous_commit": "on"})
	address := pgtest.NewAddress(t, primary)
	writing, gone := make(chan struct{}, 1), make(chan struct{})
	q, conn := startWritingAt(t, address.DSN(primary.DSN("postgres")), rowsSchema, func(ctx context.Context, tx pgx.Tx, fault string, faulty bool) error {
		err := writeRows(ctx, tx, fault, faulty)
		if fault == "failover" {
			select {
			case writing <- struct{}{}:
			default:
			}
			<-gone
		}
		return err
	}, true)
	if c := q.newest("none", 1); c.Writes != "level 4" {
		t.Errorf("compared by %s (%s)", c.Writes, c.WritesNote)
	}
	answered := make(chan int, 1)
	go func() {
		status, _ := q.ask("POST", "/accounts", "failover")
		answered <- status
	}()
	<-writing
	leavePrepared(t, q, conn)
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	down := time.Now()
	close(gone)
	if status := <-answered; status < 500 {
		t.Errorf("the live call was answered with %d", status)
	}
	r := q.until("create", "the shadow is unconfirmed", func(r reports.RouteReport) bool { return r.Skipped[reports.SkipUnconfirmed] == 1 })
	if r.Leak != "" {
		t.Fatalf("a leak is suspected: %s", r.Leak)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	address.MoveTo(standby)
	t.Logf("the new primary took over %s after the old one was gone", time.Since(down).Round(time.Millisecond))
	over := time.Now()

	nothingIsLeft(t, q, standby.DSN("postgres"))
	q.proved(2)
	q.rowsReadable()
	t.Logf("rows could be read again after %s", time.Since(over).Round(time.Millisecond))
	q.comparedAgain()
	t.Logf("a write was compared again after %s", time.Since(over).Round(time.Millisecond))
}

// leavePrepared leaves a transaction as a service does that is killed with the
// primary, and returns when the standby has it.
func leavePrepared(t *testing.T, q *running, conn *pgx.Conn) {
	t.Helper()
	for _, sql := range []string{"BEGIN", "UPDATE stock SET left_over = 0 WHERE id = 1", "PREPARE TRANSACTION 'txshadow-killed-1'"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, q, "the standby has it", func() (has bool) {
		err := conn.QueryRow(t.Context(), "SELECT coalesce(bool_and(replay_lsn >= pg_current_wal_flush_lsn()), false) FROM pg_stat_replication WHERE application_name = 'walreceiver'").Scan(&has)
		return err == nil && has
	})
}

// nothingIsLeft has a live client write to the row that leavePrepared holds, and
// wants no more than what live requests have written. What nobody waits for, such
// as the shadow under way, may stay prepared for a while longer.
func nothingIsLeft(t *testing.T, q *running, dsn string) {
	t.Helper()
	over := time.Now()
	live, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close(context.Background())
	if _, err := live.Exec(t.Context(), "UPDATE stock SET left_over = left_over - 1 WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	freed := time.Since(over).Round(time.Millisecond)
	eventually(t, q, "nothing is prepared", func() bool {
		var prepared int
		err := live.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_xacts").Scan(&prepared)
		return err == nil && prepared == 0
	})
	t.Logf("a live UPDATE of the prepared shadow's row was through after %s, all that was prepared gone after %s", freed, time.Since(over).Round(time.Millisecond))
	var accounts, left int
	err = live.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM accounts), (SELECT left_over FROM stock WHERE id = 1)").Scan(&accounts, &left)
	if err != nil || accounts != 1 || left != 4 {
		t.Errorf("%d accounts, %d left over, %v: want the one of the live request", accounts, left, err)
	}
}

// comparedAgain sends writes until one is compared, without a leak.
func (q *running) comparedAgain() {
	q.t.Helper()
	for tries := 0; ; tries++ {
		before := q.until("create", "a report", func(reports.RouteReport) bool { return true })
		q.ask("POST", "/accounts", "none")
		r := q.until("create", "compared or skipped", func(r reports.RouteReport) bool { return r.Compared > before.Compared || skips(r) > skips(before) })
		if r.Leak != "" || tries == 100 {
			q.t.Fatalf("writes are not compared again: %+v\n%s", r, q.logged())
		}
		if r.Compared > before.Compared {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
