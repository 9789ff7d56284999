package writeset_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow/internal/harness"
)

// own is a bench without a reader on a server of its own.
func own(t *testing.T, c *postgres.Cluster) *bench {
	b := &bench{t: t, dsn: c.DSN("postgres"), logs: &harness.Log{}}
	b.conn = b.connect()
	return b
}

// A server that would take the reader for a synchronous standby gets none: live
// clients would wait for it, and their commits be nowhere else.
func TestAReaderIsNoStandby(t *testing.T) {
	c, err := postgres.Start(t.Context(), postgres.Options{Settings: map[string]string{"synchronous_commit": "on"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	b := own(t, c)
	b.exec("CREATE TABLE t (a int)")
	b.exec("ALTER SYSTEM SET synchronous_standby_names = '*'")
	b.exec("SELECT pg_reload_conf()")
	b.until("there are synchronous standbys", func() bool { return ask[string](b, "SHOW synchronous_standby_names") == "*" })
	b.start()
	b.until("the reader is refused", func() bool { return strings.Contains(b.reader.State().Why, "name the standbys") })
	live := b.connect()
	committed := make(chan error, 1)
	go func() {
		_, err := live.Exec(b.patience(), "INSERT INTO t VALUES (1)")
		committed <- err
	}()
	b.until("a live commit waits for a standby", func() bool {
		return ask[int](b, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == 1
	})
	select {
	case err := <-committed:
		t.Errorf("the reader was its standby: %v", err)
	default:
	}
	b.exec("ALTER SYSTEM SET synchronous_standby_names = ''")
	b.exec("SELECT pg_reload_conf()")
	if err := <-committed; err != nil {
		t.Error(err)
	}
	b.until("write sets are available", func() bool { return b.reader.State().Available })
	if set := b.shadow("INSERT INTO t VALUES (2)"); len(set.Changes) != 1 {
		t.Errorf("%+v", set)
	}
}

// A standby decodes nothing that is prepared: it says so, and from its promotion
// on there are write sets, without anybody's doing.
func TestAReaderOfAStandby(t *testing.T) {
	primary, standby := pgtest.WithStandby(t, map[string]string{"synchronous_commit": "on"})
	own(t, primary).exec("CREATE TABLE t (a int)")
	b := own(t, standby)
	b.start()
	b.until("it says that it is one", func() bool { return strings.Contains(b.reader.State().Why, "the server is a replica") })
	b.must(primary.Kill())
	b.must(standby.Promote(t.Context()))
	b.until("write sets are available", func() bool { return b.reader.State().Available })
	if set := b.shadow("INSERT INTO t VALUES (1)"); len(set.Changes) != 1 {
		t.Errorf("%+v", set)
	}
}

// Where all slots are taken it is said what to do, and one that is given back is
// taken without anybody's doing.
func TestAllSlotsAreTaken(t *testing.T) {
	c, err := postgres.Start(t.Context(), postgres.Options{Settings: map[string]string{"max_replication_slots": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	b := own(t, c)
	b.exec("SELECT pg_create_physical_replication_slot('its_slot')")
	b.start()
	b.until("it says what to do", func() bool { return strings.Contains(b.reader.State().Why, "raise max_replication_slots") })
	b.exec("SELECT pg_drop_replication_slot('its_slot')")
	b.until("write sets are available", func() bool { return b.reader.State().Available })
}
