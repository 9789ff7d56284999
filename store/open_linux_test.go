package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/quackproxy/quack/store"
)

func TestUnwritableFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	asNobody(t, dir, func() {
		refused(t, dir, ducks, "permission denied", "give this user the right to write the folder", "--data")
		refused(t, filepath.Join(dir, "new"), ducks, "permission denied", "--data")
	})
}

// asNobody runs f without the right to write dir. Root may write whatever the
// mode says, so f then runs on a thread of its own that has given up the right
// (fsuid is per thread; the thread ends with its goroutine).
func asNobody(t *testing.T, dir string, f func()) {
	if os.Geteuid() != 0 {
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		f()
		return
	}
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("a small disk needs the right to mount: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	db := open(t, dir, ducks)
	if err := add(t.Context(), db, "Daisy"); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 200<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO ducks_ducks (name) VALUES (hex(zeroblob(300000)))`)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "the disk is full: free some space") {
		t.Errorf("write to a full disk: %v", err)
	}
	if n := count(t, db, `SELECT count(*) FROM ducks_ducks`); n != 1 {
		t.Errorf("%d rows, want the one from before", n)
	}
	if err := add(t.Context(), db, "Donald"); err != nil {
		t.Errorf("a small write after one too large: %v", err)
	}
	db.Close()

	more := append(ducks.Migrations[:2:2], `CREATE TABLE ducks_nests (b BLOB); INSERT INTO ducks_nests VALUES (zeroblob(600000))`)
	refused(t, dir, store.Schema{Owner: "ducks", Migrations: more}, "the disk is full: free some space")
	fresh := filepath.Join(dir, "fresh")
	refused(t, fresh, ducks, "the disk is full: free some space")

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, ducks)
	if n := count(t, db, `SELECT count(*) FROM ducks_ducks`); n != 2 {
		t.Errorf("%d rows after room was made, want 2", n)
	}
	db.Close() // moves the log, which had no room, into the file
	open(t, fresh, ducks).Close()
}
