package store_test

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quackproxy/quack/store"
)

// refused opens the store and wants an error with all of the texts.
func refused(t *testing.T, dir string, schema store.Schema, texts ...string) {
	t.Helper()
	db, err := store.Open(t.Context(), dir, schema)
	if err == nil {
		db.Close()
		t.Fatal("opened, want it refused")
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error lacks %q:\n%v", text, err)
		}
	}
}

func TestFileInPlaceOfFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, path, ducks, path, "it is a file, not a folder", "--data")
	refused(t, filepath.Join(path, "below"), ducks, "not a directory", "--data")
}

func TestOneProcessPerFolder(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, ducks)
	refused(t, dir, ducks, fmt.Sprintf("another Quack (process %d) has it open", os.Getpid()), "--data")
	if err := add(t.Context(), db, "Daisy"); err != nil {
		t.Errorf("the holder is harmed: %v", err)
	}
	db.Close()
	open(t, dir, ducks)
}

func TestMigrations(t *testing.T) {
	dir := t.TempDir()
	old := store.Schema{Owner: "ducks", Migrations: ducks.Migrations[:1]}
	db := open(t, dir, old)
	if err := add(t.Context(), db, "Daisy"); err != nil {
		t.Fatal(err)
	}
	db.Close()

	geese := store.Schema{Owner: "geese", Migrations: []string{`CREATE TABLE geese_geese (id INTEGER PRIMARY KEY) STRICT`}}
	db = open(t, dir, ducks, geese)
	if n := count(t, db, `SELECT count(*) FROM ducks_ducks`); n != 1 {
		t.Errorf("%d rows after the second migration, want 1", n)
	}
	if n := count(t, db, `SELECT count(*) FROM store_migrations WHERE length(digest) = 64 AND applied_at LIKE '20%Z'`); n != 3 {
		t.Errorf("%d migrations on record, want 3", n)
	}
	db.Close()

	refused(t, dir, old, `its part "ducks" was migrated by a newer Quack (to 2, this one knows 1)`, "run that version or a newer one")
	edited := store.Schema{Owner: "ducks", Migrations: []string{ducks.Migrations[0], "SELECT 1"}}
	refused(t, dir, edited, `migration 2 of its part "ducks" is another one than this Quack's`)
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, ducks).Close()
	before := contents(t, dir)
	for reason, sql := range map[string]string{
		`near "CRATE"`:                      `CREATE TABLE ducks_nests (id INTEGER); CRATE TABLE typo`,
		`does not begin with "ducks_"`:      `CREATE TABLE ducks_nests (id INTEGER); CREATE TABLE nests (id INTEGER)`,
		"the disk is full: free some space": `CREATE TABLE ducks_nests (b BLOB); PRAGMA max_page_count = 12; INSERT INTO ducks_nests VALUES (randomblob(200000))`,
	} {
		refused(t, dir, store.Schema{Owner: "ducks", Migrations: append(ducks.Migrations[:2:2], sql)}, reason)
	}
	if !bytes.Equal(contents(t, dir), before) {
		t.Error("the file was changed by a migration that failed")
	}
	open(t, dir, ducks)
}

func TestOwners(t *testing.T) {
	for _, owner := range []string{"", "store", "sqlite", "Upper", "a_b"} {
		refused(t, t.TempDir(), store.Schema{Owner: owner}, "schema owner")
	}
}

func contents(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "quack.db"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDamagedFileIsRefusedAndLeftAlone(t *testing.T) {
	for name, damage := range map[string]func(b []byte) []byte{
		"another file":     func([]byte) []byte { return []byte(strings.Repeat("these are my notes\n", 1000)) },
		"short garbage":    func([]byte) []byte { return []byte("hm") },
		"cut short":        func(b []byte) []byte { return b[:len(b)/2] },
		"a page rewritten": func(b []byte) []byte { rand.Read(b[len(b)-8192:]); return b },
		"head rewritten":   func(b []byte) []byte { rand.Read(b[100:200]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db := open(t, dir, ducks)
			for range 3 {
				if err := add(t.Context(), db, strings.Repeat("x", 3000)); err != nil {
					t.Fatal(err)
				}
			}
			db.Close()
			bad := damage(contents(t, dir))
			if err := os.WriteFile(filepath.Join(dir, "quack.db"), bad, 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, dir, ducks, "is damaged or not a database", "it was left as it is", "move it")
			if !bytes.Equal(contents(t, dir), bad) {
				t.Error("the file was changed")
			}
		})
	}
}

// A shell of sqlite3 or a backup that has the file to itself is named as such.
func TestFileThatAnotherProgramHolds(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, ducks).Close()
	other, err := sql.Open("sqlite", filepath.Join(dir, "quack.db")+"?_pragma=locking_mode(exclusive)")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.ExecContext(t.Context(), "CREATE TABLE held (n)"); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, ducks, "database is locked", "some other program holds", "quack.db")
}

func TestFileOfWiderModeIsTightened(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "quack.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, dir, ducks)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode().Perm(), err)
	}
}
