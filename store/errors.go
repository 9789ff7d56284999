package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// unwritable adds the next step to an error of creating or opening a file.
func unwritable(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w\ngive this user the right to write the folder, or name another with --data", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w\nfree some space on its disk, or name another folder with --data", err)
	}
	return err
}

// explain adds the next step to an error of SQLite's.
func (db *DB) explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	path := filepath.Join(db.dir, fileName)
	switch e.Code() & 0xff { // the primary code; the rest says where it was met
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w\nthe disk is full: free some space for %q; what was stored before is untouched", err, path)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w\nthe disk of %q may be full or at fault: look at its free space and at the system's log", err, path)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w\nsome other program holds %q open for writing: a shell of sqlite3, a backup? fuser names it", err, path)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return damaged(path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w\ngive this user the right to write %q and its folder", err, path)
	}
	return err
}

// damaged says that the file can not be relied on. It is left as it is.
func damaged(path string, err error) error {
	return fmt.Errorf("%q is damaged or not a database: %w\nit was left as it is: move it and its -wal file away to start afresh (stages set live, the gate and the evidence start anew), or put a copy back", path, err)
}
