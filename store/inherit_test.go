package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/quackproxy/quack/store"
)

// duplicate is what a child process gets: another descriptor of the same open
// file.
func duplicate(t *testing.T, f *os.File) *os.File {
	t.Helper()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), f.Name())
}

func TestInheritedLockIsHeldByBoth(t *testing.T) {
	dir := t.TempDir()
	old := open(t, dir, ducks)
	heir, err := store.OpenInherited(t.Context(), dir, duplicate(t, old.Lock()), ducks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { heir.Close() })
	for _, db := range []*store.DB{old, heir, old} {
		if err := add(t.Context(), db, "Daisy"); err != nil {
			t.Fatal(err)
		}
	}
	for who, db := range map[string]*store.DB{"the old one": old, "the heir": heir} {
		if n := count(t, db, `SELECT count(*) FROM ducks_ducks`); n != 3 {
			t.Errorf("%s sees %d rows, want 3", who, n)
		}
	}
	refused(t, dir, ducks, "another Quack")
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, ducks, "another Quack")
	if err := add(t.Context(), heir, "Donald"); err != nil {
		t.Errorf("after the old one has closed: %v", err)
	}
	heir.Close()
	if n := count(t, open(t, dir, ducks), `SELECT count(*) FROM ducks_ducks`); n != 4 {
		t.Errorf("%d rows at the end, want 4", n)
	}
}

func TestSignNamesWhoHasTheFolder(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, ducks)
	if err := os.WriteFile(filepath.Join(dir, "quack.lock"), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, ducks, "another Quack (process 1)")
	db.Sign()
	refused(t, dir, ducks, fmt.Sprintf("another Quack (process %d)", os.Getpid()))
}

func TestLockOfAnotherFolderIsRefused(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	open(t, other, ducks).Close()
	db := open(t, dir, ducks)
	_, err := store.OpenInherited(context.Background(), other, duplicate(t, db.Lock()), ducks)
	if err == nil || !strings.Contains(err.Error(), "the inherited lock is not") {
		t.Fatalf("a lock of another folder: %v", err)
	}
	refused(t, dir, ducks, "another Quack")
	open(t, other, ducks)
}

// An inherited file that the passer has unlocked is locked anew, unless someone
// has it.
func TestInheritedLockThatSomeoneElseHas(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, ducks).Close()
	f, err := os.OpenFile(filepath.Join(dir, "quack.lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	open(t, dir, ducks)
	if _, err := store.OpenInherited(t.Context(), dir, f, ducks); err == nil || !strings.Contains(err.Error(), "is held by another Quack") {
		t.Errorf("a lock that another has: %v", err)
	}
}
