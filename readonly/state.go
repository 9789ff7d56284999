package readonly

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/quackproxy/quack/store"
)

// Schema is the gate's part of the store: one row, the state in force. Times
// are nanoseconds since 1970 in UTC, 0 for none.
var Schema = store.Schema{
	Owner: "readonly",
	Migrations: []string{
		`CREATE TABLE readonly_state (
			id        INTEGER PRIMARY KEY CHECK (id = 1),
			epoch     INTEGER NOT NULL,
			read_only INTEGER NOT NULL,
			why       TEXT    NOT NULL,
			by_whom   TEXT    NOT NULL,
			since_ns  INTEGER NOT NULL,
			until_ns  INTEGER NOT NULL
		) STRICT`,
	},
}

// load is the state on disk; an open gate of epoch 0 when there was none yet.
func load(ctx context.Context, db *store.DB) (State, error) {
	var s State
	var since, until int64
	err := db.QueryRowContext(ctx, `SELECT epoch, read_only, why, by_whom, since_ns, until_ns FROM readonly_state WHERE id = 1`).
		Scan(&s.Epoch, &s.ReadOnly, &s.Why, &s.By, &since, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	s.Since, s.Until = instant(since), instant(until)
	return s, nil
}

func save(ctx context.Context, tx *sql.Tx, s State) error {
	readOnly := 0
	if s.ReadOnly {
		readOnly = 1
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO readonly_state (id, epoch, read_only, why, by_whom, since_ns, until_ns)
		VALUES (1, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, read_only = excluded.read_only, why = excluded.why,
			by_whom = excluded.by_whom, since_ns = excluded.since_ns, until_ns = excluded.until_ns`,
		s.Epoch, readOnly, s.Why, s.By, nanos(s.Since), nanos(s.Until))
	return err
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
