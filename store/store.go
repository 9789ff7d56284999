// Package store opens Quack's own database, the one file (or, for a fleet, the
// one Postgres database) that holds evidence, the gate, stage overrides and
// the audit, and migrates it.
//
// Start with [Open], which takes the [Schema] of each owner. Owners keep their
// own tables and queries; they read through the embedded *sql.DB and write
// through [DB.Write], which serialises writers. A transaction that Write has
// returned from is on disk (SQLite: WAL, synchronous=FULL).
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// Schema is what one owner keeps in the store: its tables and indexes are
// prefixed with its name and an underscore, its migrations run in order, each
// once.
type Schema struct {
	Owner      string   // "reports", "readonly", "control"
	Migrations []string // SQL; append only, never edit one that was released
}

// ErrNotFound is returned by owners when what was asked for is not kept.
var ErrNotFound = errors.New("not found in the store")

// ErrClosed is returned by Write after Close.
var ErrClosed = errors.New("the store is closed")

// DB is Quack's own database. Safe for concurrent use.
type DB struct {
	*sql.DB // for reading; its connections can not write

	dir    string
	writer *sql.DB // one connection, every transaction BEGIN IMMEDIATE
	lock   *os.File

	// turn holds one token; who has it may write. Close keeps it for good
	// and closes closed.
	turn   chan struct{}
	closed chan struct{}
}

// Dir is the folder that the store is in.
func (db *DB) Dir() string { return db.dir }

// Lock is the lock of the folder, to be passed on to a process that this one
// starts (see [OpenInherited]). It is the store's: not to be closed.
func (db *DB) Lock() *os.File { return db.lock }

// Sign names this process as the one that has the folder, in what others are
// told who ask for it; to be called by who has inherited the lock and takes over.
func (db *DB) Sign() { sign(db.lock) }

// Write runs f in a write transaction and commits when f returns nil; else, and
// when ctx ends before the commit, nothing of it remains. Writers take turns.
// f must not call Write.
func (db *DB) Write(ctx context.Context, f func(tx *sql.Tx) error) error {
	if err := db.takeTurn(ctx); err != nil {
		return err
	}
	defer func() { db.turn <- struct{}{} }()

	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a write to the store: %w", db.explain(err))
	}
	defer tx.Rollback() // does nothing after Commit; undoes when f fails or panics
	if err := f(tx); err != nil {
		return db.explain(err)
	}
	if err := tx.Commit(); err != nil {
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
			err = ctx.Err() // database/sql has rolled back before Commit was called
		}
		return fmt.Errorf("commit to the store: %w", db.explain(err))
	}
	return nil
}

func (db *DB) takeTurn(ctx context.Context) error {
	select {
	case <-db.closed:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("wait for the store's writer: %w", ctx.Err())
	case <-db.turn:
		return nil
	}
}

// Close waits for a running Write and closes the file. Writes that wait get
// ErrClosed. Further calls do nothing.
func (db *DB) Close() error {
	select {
	case <-db.closed:
		return nil
	case <-db.turn:
	}
	close(db.closed)
	// The writer goes last: the last connection moves the write-ahead log
	// into the file and removes it.
	return errors.Join(db.DB.Close(), db.writer.Close(), db.lock.Close())
}
