package control

import (
	"context"
	"database/sql"
	"time"

	"github.com/quackproxy/quack/store"
)

// Schema is control's part of the store. Times are nanoseconds since 1970 in
// UTC.
var Schema = store.Schema{
	Owner: "control",
	Migrations: []string{
		`CREATE TABLE control_overrides (
			route        TEXT PRIMARY KEY,
			stage        TEXT NOT NULL,
			percent      REAL NOT NULL,
			file_stage   TEXT NOT NULL,
			file_percent REAL NOT NULL,
			by_whom      TEXT NOT NULL,
			why          TEXT NOT NULL,
			at_ns        INTEGER NOT NULL
		) STRICT`,
		`CREATE TABLE control_latches (
			route      TEXT PRIMARY KEY,
			backend    TEXT NOT NULL,
			request_id TEXT NOT NULL,
			why        TEXT NOT NULL,
			at_ns      INTEGER NOT NULL
		) STRICT`,
		`CREATE TABLE control_audit (
			id      INTEGER PRIMARY KEY AUTOINCREMENT,
			at_ns   INTEGER NOT NULL,
			by_whom TEXT NOT NULL,
			action  TEXT NOT NULL,
			what    TEXT NOT NULL,
			why     TEXT NOT NULL
		) STRICT`,
		`CREATE TRIGGER control_audit_unchanged BEFORE UPDATE ON control_audit
			BEGIN SELECT RAISE(ABORT, 'the audit can only be added to'); END`,
		`CREATE TRIGGER control_audit_unremoved BEFORE DELETE ON control_audit
			BEGIN SELECT RAISE(ABORT, 'the audit can only be added to'); END`,
	},
}

func read(ctx context.Context, db *store.DB) (map[string]Override, map[string]Latch, error) {
	overrides := map[string]Override{}
	err := each(ctx, db, `SELECT route, stage, percent, file_stage, file_percent, by_whom, why, at_ns FROM control_overrides`, nil,
		func(rows *sql.Rows) error {
			var o Override
			var at int64
			err := rows.Scan(&o.Route, &o.Stage, &o.Percent, &o.FileStage, &o.FilePercent, &o.By, &o.Why, &at)
			o.At = time.Unix(0, at).UTC()
			overrides[o.Route] = o
			return err
		})
	if err != nil {
		return nil, nil, err
	}
	latches, err := readLatches(ctx, db)
	return overrides, latches, err
}

func readLatches(ctx context.Context, db *store.DB) (map[string]Latch, error) {
	latches := map[string]Latch{}
	err := each(ctx, db, `SELECT route, backend, request_id, why, at_ns FROM control_latches`, nil,
		func(rows *sql.Rows) error {
			var l Latch
			var at int64
			err := rows.Scan(&l.Route, &l.Backend, &l.RequestID, &l.Why, &at)
			l.At = time.Unix(0, at).UTC()
			latches[l.Route] = l
			return err
		})
	return latches, err
}

func readAudit(ctx context.Context, db *store.DB, before int64, limit int) ([]Entry, error) {
	var list []Entry
	err := each(ctx, db, `SELECT id, at_ns, by_whom, action, what, why FROM control_audit WHERE id < ? OR ? = 0 ORDER BY id DESC LIMIT ?`,
		[]any{before, before, limit},
		func(rows *sql.Rows) error {
			var e Entry
			var at int64
			err := rows.Scan(&e.ID, &at, &e.By, &e.Action, &e.What, &e.Why)
			e.At = time.Unix(0, at).UTC()
			list = append(list, e)
			return err
		})
	return list, err
}

func each(ctx context.Context, db *store.DB, query string, args []any, row func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func saveOverrides(ctx context.Context, tx *sql.Tx, set map[string]Override) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM control_overrides`); err != nil {
		return err
	}
	for _, o := range set {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO control_overrides (route, stage, percent, file_stage, file_percent, by_whom, why, at_ns)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			o.Route, o.Stage, o.Percent, o.FileStage, o.FilePercent, o.By, o.Why, o.At.UnixNano())
		if err != nil {
			return err
		}
	}
	return nil
}

// save writes the overrides whole, since they are one process's, and adds the
// latches, of which the process before this one may have written others.
func save(ctx context.Context, tx *sql.Tx, overrides map[string]Override, latches map[string]Latch, entries []Entry) error {
	if err := saveOverrides(ctx, tx, overrides); err != nil {
		return err
	}
	if err := saveLatches(ctx, tx, latches); err != nil {
		return err
	}
	for _, e := range entries {
		if err := saveEntry(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

func deleteLatch(ctx context.Context, tx *sql.Tx, route string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM control_latches WHERE route = ?`, route)
	return err
}

func saveLatches(ctx context.Context, tx *sql.Tx, set map[string]Latch) error {
	for _, l := range set {
		_, err := tx.ExecContext(ctx, `INSERT INTO control_latches (route, backend, request_id, why, at_ns) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (route) DO UPDATE SET backend = excluded.backend, request_id = excluded.request_id, why = excluded.why, at_ns = excluded.at_ns`,
			l.Route, l.Backend, l.RequestID, l.Why, l.At.UnixNano())
		if err != nil {
			return err
		}
	}
	return nil
}

func saveEntry(ctx context.Context, tx *sql.Tx, e Entry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO control_audit (at_ns, by_whom, action, what, why) VALUES (?, ?, ?, ?, ?)`,
		e.At.UnixNano(), e.By, e.Action, e.What, e.Why)
	return err
}
