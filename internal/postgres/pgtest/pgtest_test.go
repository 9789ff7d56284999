package pgtest

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	var first string
	t.Run("makes a table", func(t *testing.T) {
		first = NewDatabase(t)
		query(t, first, "CREATE TABLE t (n int)")
	})
	t.Run("does not see it", func(t *testing.T) {
		second := NewDatabase(t)
		if second == first {
			t.Fatalf("both have %q", first)
		}
		query(t, second, "CREATE TABLE t (n int)")
	})
	if conn, err := pgx.Connect(t.Context(), first); err == nil {
		conn.Close(t.Context())
		t.Errorf("database %q is still there after its test", first)
	}
}

func query(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
