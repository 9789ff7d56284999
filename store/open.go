package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // registers the driver
)

const (
	fileName = "quack.db"
	lockName = "quack.lock"

	// readers is how many queries run at once. Each connection has its own
	// page cache (2 MiB), and the readers are reports and the admin pages.
	readers = 4
)

// Open opens or creates the store in folder dir (created with mode 0700 when
// missing; the file has mode 0600) and migrates the schemas, all of them or
// none. Errors: a folder that can not be written says so and what to do; a
// store that a newer Quack has migrated, or that is damaged, is refused and
// left as it was; so is one that another process has open (lock file).
func Open(ctx context.Context, dir string, schemas ...Schema) (*DB, error) {
	return OpenInherited(ctx, dir, nil, schemas...)
}

// OpenInherited is Open for a process that was started by the one that has the
// store open and was given its lock (see [DB.Lock]), which it owns from here
// on. Both have the store open then, and no third one can. A nil lock is taken
// anew. The file is not read through: the other process works with it.
func OpenInherited(ctx context.Context, dir string, lock *os.File, schemas ...Schema) (*DB, error) {
	db, err := open(ctx, dir, lock, schemas)
	if err != nil {
		return nil, fmt.Errorf("open the store in %q: %w", dir, err)
	}
	return db, nil
}

func open(ctx context.Context, dir string, lock *os.File, schemas []Schema) (_ *DB, err error) {
	if err := checkSchemas(schemas); err != nil {
		return nil, err
	}
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	db := &DB{dir: dir, lock: lock, turn: make(chan struct{}, 1), closed: make(chan struct{})}
	inherited := lock != nil
	if inherited {
		err = inheritLock(dir, lock)
	} else {
		db.lock, err = lockFolder(dir)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			db.abandon()
			err = db.explain(err)
		}
	}()
	path := filepath.Join(dir, fileName)
	fresh, err := makeFile(path)
	if err != nil {
		return nil, err
	}
	if db.DB, err = sql.Open("sqlite", readDSN(path)); err != nil {
		return nil, err
	}
	db.DB.SetMaxOpenConns(readers)
	db.DB.SetMaxIdleConns(readers)
	if !fresh {
		// Through a connection that can not write, so that what is refused
		// stays as it was, its write-ahead log included.
		if err := inspect(ctx, db.DB, path, schemas, !inherited); err != nil {
			return nil, err
		}
	}
	if db.writer, err = sql.Open("sqlite", writeDSN(path, fresh)); err != nil {
		return nil, err
	}
	db.writer.SetMaxOpenConns(1)
	db.writer.SetMaxIdleConns(1)
	if err := migrate(ctx, db.writer, schemas); err != nil {
		return nil, err
	}
	db.turn <- struct{}{}
	return db, nil
}

// abandon closes what a failed open had opened.
func (db *DB) abandon() {
	if db.DB != nil {
		db.DB.Close()
	}
	if db.writer != nil {
		db.writer.Close()
	}
	db.lock.Close()
}

func makeFolder(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("%w\nname a folder that this user may create and write, with --data", err)
	}
	if info != nil && !info.IsDir() {
		return errors.New("it is a file, not a folder\nname a folder with --data, or move the file away")
	}
	return nil
}

// makeFile creates the file before SQLite does, which would let the group read
// it. SQLite gives its write-ahead log the mode of the file. fresh says that
// the file holds nothing yet.
func makeFile(path string) (fresh bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, unwritable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := f.Chmod(0o600); err != nil {
			return false, unwritable(err)
		}
	}
	return info.Size() == 0, nil
}

// readDSN opens read-only, for good: no PRAGMA can lift mode=ro.
func readDSN(path string) string {
	return dsn(path, url.Values{
		"mode":          {"ro"},
		"_busy_timeout": {"5000"},
		"_pragma":       {"trusted_schema(0)"},
	})
}

func writeDSN(path string, fresh bool) string {
	q := url.Values{
		"mode":          {"rw"},
		"_busy_timeout": {"5000"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"on"},
		"_txlock":       {"immediate"},
		"_dqs":          {"0"},
		"_defensive":    {"1"},
		// The log is cut to this size after a large write, else it keeps
		// its greatest size for as long as the process runs.
		"_pragma": {"trusted_schema(0)", "journal_size_limit(16777216)"},
	}
	if fresh {
		// Lets an owner give freed pages back. It is set for good when the
		// file is made, and would be written again each time.
		q.Set("_auto_vacuum", "incremental")
	}
	return dsn(path, q)
}

// dsn escapes the path, which may hold "?", "#" and "%".
func dsn(path string, q url.Values) string {
	q.Set("_time_format", "sqlite")
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}
