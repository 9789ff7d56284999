package postgres

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A standby has what is written to its primary, takes no writes, and takes the
// primary's place when that is gone.
func TestAStandbyTakesOver(t *testing.T) {
	c := startForTest(t, Options{Settings: map[string]string{"synchronous_commit": "on"}})
	s, err := c.Standby(t.Context(), Options{Settings: map[string]string{"max_connections": "210"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, server := range []*Cluster{s, c} { // of which c is down
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		}
	})
	if err := c.exec(t.Context(), "CREATE TABLE kept (n int)"); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	await(t, "the standby has the table", func() bool {
		var there bool
		if err := conn.QueryRow(t.Context(), "SELECT to_regclass('kept') IS NOT NULL").Scan(&there); err != nil {
			t.Fatal(err)
		}
		return there
	})
	if _, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err == nil {
		t.Error("a standby takes writes")
	}
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err != nil {
		t.Errorf("after the promotion: %v", err)
	}
}
