package writeset_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow/internal/harness"
	"github.com/quackproxy/quack/txshadow/writeset"
)

// When a transaction is rolled back before the slot is read that far, the
// server leaves its rows out. Then there is an error, and never a smaller set.
func TestASetThatComesLateIsAnError(t *testing.T) {
	b := read(t, "CREATE TABLE t (a int); CREATE TABLE big (a int, b text)")
	// What comes first keeps the decoder busy, more with each attempt.
	for rows := 50_000; ; rows *= 2 {
		gid, w := b.reader.Expect()
		b.exec(fmt.Sprintf("INSERT INTO big SELECT g, repeat('x', 50) FROM generate_series(1, %d) g", rows))
		b.exec("BEGIN; INSERT INTO t SELECT generate_series(1, 10); PREPARE TRANSACTION '" + gid + "'")
		b.exec("ROLLBACK PREPARED '" + gid + "'")
		set, err := w.Rows(b.patience())
		if errors.Is(err, writeset.ErrLate) {
			break
		}
		if err != nil || len(set.Changes) != 10 {
			t.Fatalf("%d rows, %v", len(set.Changes), err)
		}
		if rows > 1_000_000 {
			t.Fatal("the decoder was never late")
		}
	}
	if n := b.reader.State().Late; n != 1 {
		t.Errorf("%d were late", n)
	}
	if got := b.shadow("INSERT INTO t VALUES (1)"); len(got.Changes) != 1 {
		t.Errorf("then: %+v", got)
	}
}

func TestWhatIsNotReadInTimeIsAnError(t *testing.T) {
	b := read(t, "CREATE TABLE t (a int)")
	_, w := b.reader.Expect() // never prepared
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if set, err := w.Rows(ctx); !errors.Is(err, context.DeadlineExceeded) || set.Changes != nil {
		t.Errorf("%+v, %v", set, err)
	}
}

// Live transactions, those of other readers and those given up are passed over.
func TestOthersArePassedOver(t *testing.T) {
	b := read(t, "CREATE TABLE t (a int)")
	gid, forgotten := b.reader.Expect()
	forgotten.Forget()
	b.exec("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION '" + gid + "'")
	b.exec("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'txshadow-another-1'")
	b.exec("INSERT INTO t VALUES (3)")
	wanted, w := b.reader.Expect()
	b.exec("BEGIN; INSERT INTO t VALUES (4); PREPARE TRANSACTION '" + wanted + "'")
	b.exec("ROLLBACK PREPARED '" + gid + "'")
	b.exec("COMMIT PREPARED 'txshadow-another-1'")
	set, err := w.Rows(b.patience())
	b.exec("ROLLBACK PREPARED '" + wanted + "'")
	if err != nil || len(set.Changes) != 1 || set.Changes[0].New[0].Value != "4" {
		t.Errorf("%+v, %v", set, err)
	}
	if s := b.reader.State(); s.Read != 1 || s.Failed+s.Late+s.Truncated != 0 {
		t.Errorf("%+v", s)
	}
}

// A shadow's transaction that somebody commits is told of, whoever has prepared
// it; one that is rolled back is not, nor one of an application's.
func TestACommittedShadowIsToldOf(t *testing.T) {
	told := make(chan string, 10)
	b := read(t, "CREATE TABLE t (a text)", func(c *writeset.Config) { c.Committed = func(gid string) { told <- gid } })
	for _, c := range []struct{ gid, end string }{
		{"txshadow-another-1", "ROLLBACK"}, {"of the application", "COMMIT"}, {"txshadow-another-2", "COMMIT"},
	} {
		b.exec("BEGIN; INSERT INTO t VALUES ('COMMIT PREPARED ''txshadow-x-1'', txid 7'); PREPARE TRANSACTION '" + c.gid + "'")
		b.exec(c.end + " PREPARED '" + c.gid + "'")
	}
	select {
	case gid := <-told:
		if gid != "txshadow-another-2" {
			t.Errorf("told of %q", gid)
		}
	case <-b.patience().Done():
		t.Fatal("nobody was told")
	}
	if set := b.shadow("INSERT INTO t VALUES ('b')"); len(set.Changes) != 1 || len(told) != 0 {
		t.Errorf("%+v, told of %d more", set, len(told))
	}
}

func TestALongSetIsTruncated(t *testing.T) {
	for _, bound := range []func(*writeset.Config){
		func(c *writeset.Config) { c.MaxRows = 3 },
		func(c *writeset.Config) { c.MaxBytes = 3 * len("table public.t: INSERT: a[integer]:1") },
	} {
		b := read(t, "CREATE TABLE t (a int)", bound)
		if got := b.shadow("INSERT INTO t SELECT generate_series(1, 3)"); got.Truncated || len(got.Changes) != 3 {
			t.Errorf("3 rows: %+v", got)
		}
		if got := b.shadow("INSERT INTO t SELECT generate_series(1, 4)"); !got.Truncated || len(got.Changes) != 3 {
			t.Errorf("4 rows: %+v", got)
		}
		if s := b.reader.State(); s.Read != 1 || s.Truncated != 1 {
			t.Errorf("%+v", s)
		}
	}
}

// Adapters wait until the slot has passed their transaction: it is told at
// once, with the set in hand.
func TestTheSlotPassesAPreparedTransaction(t *testing.T) {
	b := read(t, "CREATE TABLE t (a int)")
	gid, w := b.reader.Expect()
	b.exec("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION '" + gid + "'")
	lsn := ask[string](b, "SELECT pg_current_wal_flush_lsn()::text")
	b.until("the slot has passed", func() bool {
		return ask[bool](b, "SELECT confirmed_flush_lsn >= $1::text::pg_lsn FROM pg_replication_slots WHERE slot_name = $2", lsn, b.reader.State().Slot)
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it is there already
	if set, err := w.Rows(ctx); err != nil || len(set.Changes) != 1 {
		t.Errorf("%+v, %v", set, err)
	}
	b.exec("ROLLBACK PREPARED '" + gid + "'")
}

// A session that is cut off is made anew, and nobody waits for the old one.
func TestAReaderComesBack(t *testing.T) {
	b := read(t, "CREATE TABLE t (a int)")
	_, w := b.reader.Expect()
	b.exec("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '" + b.reader.State().Slot + "'")
	if _, err := w.Rows(b.patience()); !errors.Is(err, writeset.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	b.until("it is back", func() bool { return b.reader.State().Available })
	if got := b.shadow("INSERT INTO t VALUES (1)"); len(got.Changes) != 1 {
		t.Errorf("%+v", got)
	}
	if said := b.logs.String(); !strings.Contains(said, "write sets can not be read") || strings.Count(said, "the rows that shadows write are read") != 2 {
		t.Errorf("not logged: %s", b.logs)
	}
}

func TestNothingStaysBehind(t *testing.T) {
	b := read(t, "CREATE TABLE t (a int)")
	_, w := b.reader.Expect()
	b.stop()
	b.until("the slot is gone", func() bool { return ask[int](b, "SELECT count(*) FROM pg_replication_slots") == 0 })
	if _, err := w.Rows(b.patience()); !errors.Is(err, writeset.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	gid, w := b.reader.Expect()
	if _, err := w.Rows(b.patience()); !errors.Is(err, writeset.ErrUnavailable) || !strings.HasPrefix(gid, "txshadow-") {
		t.Errorf("%s: %v", gid, err)
	}
	if s := b.reader.State(); s.Available || s.Why != "stopped" {
		t.Errorf("%+v", s)
	}
}

// Who may not replicate is told so, and so is who asks through the wrong door.
func TestARoleThatMayNotReplicate(t *testing.T) {
	b := read(t, "CREATE ROLE reader_without LOGIN")
	b.stop()
	b.start(func(c *writeset.Config) { c.DSN = strings.Replace(b.dsn, "postgres@", "reader_without@", 1) })
	b.until("it says why", func() bool { return strings.Contains(b.reader.State().Why, "REPLICATION") })
	b.stop()
	b.exec("ALTER ROLE reader_without REPLICATION; CREATE TABLE t (a int)")
	b.start(func(c *writeset.Config) { c.DSN = strings.Replace(b.dsn, "postgres@", "reader_without@", 1) })
	b.until("it can read", func() bool { return b.reader.State().Available })
	if got := b.shadow("INSERT INTO t VALUES (1)"); len(got.Changes) != 1 {
		t.Errorf("%+v", got)
	}
	b.stop()
	b.exec("DROP ROLE reader_without")
}

// A prepared transaction that nobody rolls back is told.
func TestOrphansAreCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 to 20 seconds: an orphan is 10 seconds old, and is looked for every 10")
	}
	b := read(t, "CREATE TABLE t (a int)")
	b.exec("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'txshadow-another-7'")
	defer b.exec("ROLLBACK PREPARED 'txshadow-another-7'")
	b.until("it is counted, and said with what to do", func() bool {
		return b.reader.State().Orphans == 1 && strings.Contains(b.logs.String(), "ROLLBACK PREPARED")
	})
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := writeset.New(writeset.Config{DSN: "postgres://localhost/x", Instance: "Not-This"}); err == nil {
		t.Error("accepted")
	}
	if _, err := writeset.New(writeset.Config{DSN: "host=db password = secret port=x"}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("accepted, or told: %v", err)
	}
	if s := fmt.Sprintf("%v %+v %#v", writeset.Config{DSN: "secret"}, writeset.Config{DSN: "secret"}, writeset.Config{DSN: "secret"}); strings.Contains(s, "secret") {
		t.Error(s)
	}
}

// What a killed service leaves prepared has to be ended by somebody: the rows of
// a service whose role Quack's is no member of are not asked for.
func TestARoleThatMayNotEndWhatIsPrepared(t *testing.T) {
	b := &bench{t: t, dsn: pgtest.NewDatabase(t), logs: &harness.Log{}}
	b.conn = b.connect()
	reader, app := "reader_"+b.conn.Config().Database, "app_"+b.conn.Config().Database
	b.exec("CREATE ROLE " + reader + " LOGIN REPLICATION; GRANT pg_monitor TO " + reader + "; CREATE ROLE " + app + " LOGIN")
	t.Cleanup(func() { b.stop(); b.exec("DROP ROLE " + reader + "; DROP ROLE " + app) })
	service, err := pgx.Connect(t.Context(), b.dsn+"&user="+app+"&application_name=shop%20quack-shadow")
	b.must(err)
	defer service.Close(context.Background())
	b.start(func(c *writeset.Config) { c.DSN += "&user=" + reader })
	b.until("the reader says whose member it has to be", func() bool {
		return strings.Contains(b.reader.State().Why, "GRANT "+app+` TO "`+reader+`"`)
	})
	b.exec("GRANT " + app + " TO " + reader)
	b.until("write sets are available", func() bool { return b.reader.State().Available })
}
