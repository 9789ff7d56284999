package txshadow_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/txshadow"
)

// On a server that can not prepare, or whose slots could fill the disk, all
// else is as ever.
func TestServersThatGiveNoRows(t *testing.T) {
	for name, value := range map[string]string{"max_prepared_transactions": "0", "max_slot_wal_keep_size": "-1", "wal_level": "replica"} {
		t.Run(name, func(t *testing.T) {
			c, err := postgres.Start(t.Context(), postgres.Options{Settings: map[string]string{name: value}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Stop() })
			furnish(t, c)
			s := serve(t, sends, func(set *setup) { set.at = c.DSN("postgres") })
			if out := s.hello(); out.ack.Outcome != txshadow.Ready || out.ack.Reason != "" || !strings.Contains(s.logs.String(), name) {
				t.Errorf("%+v\n%s", out, s.logs)
			}
			out := s.prepare("txshadow-without-1", spaced.Replace(statements("INSERT INTO accounts (email) VALUES ('a')")))
			if out.ack.Reason != "" || len(out.ack.Footprint) != 2 {
				t.Errorf("%+v", out)
			}
		})
	}
}

// Where no more transactions can be prepared, the adapter says that it prepares
// none, and why; shadows are counted. Once there is room, it prepares again.
func TestNoRoomForPreparedTransactions(t *testing.T) {
	c, err := postgres.Start(t.Context(), postgres.Options{Settings: map[string]string{"max_prepared_transactions": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	furnish(t, c)
	s := serve(t, sends, func(set *setup) { set.at = c.DSN("postgres") })
	r := s.reader()
	s.live("BEGIN; SELECT 1; PREPARE TRANSACTION 'of the application'")
	if out := s.hello(); out.ack.Outcome != txshadow.Ready || out.ack.Reason != "" || !strings.Contains(s.logs.String(), "maximum number of prepared transactions") {
		t.Errorf("%+v\n%s", out, s.logs)
	}
	gid, w := r.Expect()
	out := s.do(s.asPrepared(gid, spaced.Replace(statements("INSERT INTO accounts (email) VALUES ('a')"))))
	if out.err != nil || out.ack.Outcome != txshadow.RolledBack || out.ack.Reason != "" || len(out.ack.Footprint) != 2 {
		t.Errorf("%+v", out)
	}
	if set, err := w.Rows(soon()); err == nil {
		t.Errorf("a set: %+v", set)
	}
	s.live("ROLLBACK PREPARED 'of the application'")
	if out := s.hello(); out.ack.Reason != txshadow.ReasonPrepare {
		t.Errorf("with room: %+v\n%s", out, s.logs)
	}
	if n := s.rows(); n != 0 {
		t.Errorf("%d rows persisted", n)
	}
}
