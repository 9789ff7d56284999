package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/store"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("STORE_TEST_WRITE_UNTIL_KILLED"); dir != "" {
		writeUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

var ducks = store.Schema{Owner: "ducks", Migrations: []string{
	`CREATE TABLE ducks_ducks (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
	 CREATE INDEX ducks_by_name ON ducks_ducks (name);`,
	`CREATE TABLE ducks_eggs (id INTEGER PRIMARY KEY, duck INTEGER NOT NULL REFERENCES ducks_ducks (id)) STRICT`,
}}

func open(t *testing.T, dir string, schemas ...store.Schema) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dir, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func add(ctx context.Context, db *store.DB, name string) error {
	return db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO ducks_ducks (name) VALUES (?)`, name)
		return err
	})
}

func count(t *testing.T, db *store.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWriteThenReadThenReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "with ? # % in it", "data")
	db := open(t, dir, ducks)
	if err := add(t.Context(), db, "Daisy"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, `SELECT count(*) FROM ducks_ducks`); n != 1 {
		t.Errorf("a reader sees %d rows after Write has returned, want 1", n)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, dir + "/quack.db": 0o600, dir + "/quack.db-wal": 0o600, dir + "/quack.lock": 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("mode of %s: %v, %v; want %v", path, info.Mode().Perm(), err, want)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	db = open(t, dir, ducks)
	if n := count(t, db, `SELECT count(*) FROM ducks_ducks WHERE name = 'Daisy'`); n != 1 {
		t.Errorf("%d rows after reopening, want 1", n)
	}
}

func TestSettings(t *testing.T) {
	db := open(t, t.TempDir(), ducks)
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "auto_vacuum": "2"} {
			var got string
			if err := tx.QueryRow(`PRAGMA ` + pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s = %q, %v; want %q", pragma, got, err, want)
			}
		}
		_, err := tx.Exec(`INSERT INTO ducks_eggs (duck) VALUES (99)`)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "FOREIGN KEY") {
		t.Errorf("an egg without a duck: %v, want a foreign key error", err)
	}
	if _, err := db.Exec(`INSERT INTO ducks_ducks (name) VALUES ('x')`); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("a write past Write: %v, want refused as readonly", err)
	}
}

func TestWriteIsAllOrNothing(t *testing.T) {
	db := open(t, t.TempDir(), ducks)
	insert := func(tx *sql.Tx) {
		if _, err := tx.Exec(`INSERT INTO ducks_ducks (name) VALUES ('Donald')`); err != nil {
			t.Error(err)
		}
	}
	broken := errors.New("broken")
	if err := db.Write(t.Context(), func(tx *sql.Tx) error { insert(tx); return broken }); !errors.Is(err, broken) {
		t.Errorf("Write = %v, want f's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := db.Write(ctx, func(tx *sql.Tx) error { insert(tx); cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Write with an ended context = %v", err)
	}
	func() {
		defer func() { recover() }()
		db.Write(t.Context(), func(tx *sql.Tx) error { insert(tx); panic("broken") })
	}()
	if n := count(t, db, `SELECT count(*) FROM ducks_ducks`); n != 0 {
		t.Errorf("%d rows remain of writes that failed", n)
	}
	if err := add(t.Context(), db, "Daisy"); err != nil {
		t.Errorf("the writer is not usable after failures: %v", err)
	}
}

func TestWritersTakeTurnsWhileReadersRead(t *testing.T) {
	db := open(t, t.TempDir(), ducks)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 10 {
				if err := add(context.Background(), db, "Huey"); err != nil {
					t.Error(err)
				}
				var n int
				if err := db.QueryRow(`SELECT count(*) FROM ducks_ducks`).Scan(&n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n := count(t, db, `SELECT count(*) FROM ducks_ducks`); n != 80 {
		t.Errorf("%d rows, want 80", n)
	}
}

func TestCloseWaitsForTheWriteUnderWay(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, ducks)
	begun, goOn, closed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	wrote := make(chan error, 1)
	go func() {
		wrote <- db.Write(context.Background(), func(tx *sql.Tx) error {
			close(begun)
			<-goOn
			_, err := tx.Exec(`INSERT INTO ducks_ducks (name) VALUES ('Scrooge')`)
			return err
		})
	}()
	<-begun
	go func() { closed <- db.Close() }()
	close(goOn)
	if err := <-wrote; err != nil {
		t.Errorf("the write under way: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := add(t.Context(), db, "late"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Write after Close = %v, want ErrClosed", err)
	}
	db = open(t, dir, ducks)
	if n := count(t, db, `SELECT count(*) FROM ducks_ducks`); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}
