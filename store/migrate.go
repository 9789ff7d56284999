package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

const createMigrations = `CREATE TABLE IF NOT EXISTS store_migrations (
	owner      TEXT NOT NULL,
	number     INTEGER NOT NULL,
	digest     TEXT NOT NULL,
	applied_at TEXT NOT NULL,
	PRIMARY KEY (owner, number)
) STRICT, WITHOUT ROWID`

var ownerName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

func checkSchemas(schemas []Schema) error {
	seen := map[string]bool{"store": true, "sqlite": true}
	for _, s := range schemas {
		if !ownerName.MatchString(s.Owner) || seen[s.Owner] {
			return fmt.Errorf("schema owner %q is taken or not a lower-case word", s.Owner)
		}
		seen[s.Owner] = true
	}
	return nil
}

// inspect reads the store without changing it: is the file whole (thorough,
// which reads all of it), and was it migrated by this Quack or an older one.
func inspect(ctx context.Context, db *sql.DB, path string, schemas []Schema, thorough bool) error {
	verdict := "ok"
	if thorough {
		if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
			return err
		}
	}
	if verdict != "ok" {
		return damaged(path, errors.New(strings.TrimSpace(verdict)))
	}
	var tables int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'store_migrations'`).Scan(&tables)
	if err != nil || tables == 0 {
		return err
	}
	applied, err := appliedMigrations(ctx, db)
	if err != nil {
		return err
	}
	for _, s := range schemas {
		if err := s.check(applied[s.Owner]); err != nil {
			return err
		}
	}
	return nil
}

// check compares the digests of the migrations that a store has with those of
// this program.
func (s Schema) check(applied []string) error {
	for i, d := range applied {
		if i >= len(s.Migrations) {
			return fmt.Errorf("its part %q was migrated by a newer Quack (to %d, this one knows %d)\nrun that version or a newer one, or name another folder with --data", s.Owner, len(applied), len(s.Migrations))
		}
		if d != digest(s.Migrations[i]) {
			return fmt.Errorf("migration %d of its part %q is another one than this Quack's\nrun the version that has written the store, or name another folder with --data", i+1, s.Owner)
		}
	}
	return nil
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// appliedMigrations are the digests of each owner's migrations, in order.
func appliedMigrations(ctx context.Context, q querier) (map[string][]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT owner, number, digest FROM store_migrations ORDER BY owner, number`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	applied := map[string][]string{}
	for rows.Next() {
		var owner, digest string
		var number int
		if err := rows.Scan(&owner, &number, &digest); err != nil {
			return nil, err
		}
		if number != len(applied[owner])+1 {
			return nil, fmt.Errorf("migration %d of its part %q is not on record, but number %d is", len(applied[owner])+1, owner, number)
		}
		applied[owner] = append(applied[owner], digest)
	}
	return applied, rows.Err()
}

// migrate runs what each owner's schema has and the store has not, in one
// transaction: a store is never left between two versions.
func migrate(ctx context.Context, db *sql.DB, schemas []Schema) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, createMigrations); err != nil {
		return err
	}
	applied, err := appliedMigrations(ctx, tx)
	if err != nil {
		return err
	}
	for _, s := range schemas {
		if err := s.check(applied[s.Owner]); err != nil {
			return err
		}
		for i := len(applied[s.Owner]); i < len(s.Migrations); i++ {
			if err := s.apply(ctx, tx, i); err != nil {
				return fmt.Errorf("migration %d of %q: %w", i+1, s.Owner, err)
			}
		}
	}
	return tx.Commit()
}

func (s Schema) apply(ctx context.Context, tx *sql.Tx, i int) error {
	var last int64
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(rowid), 0) FROM sqlite_schema`).Scan(&last); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, s.Migrations[i]); err != nil {
		return err
	}
	if err := s.checkNames(ctx, tx, last); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO store_migrations (owner, number, digest, applied_at) VALUES (?, ?, ?, ?)`,
		s.Owner, i+1, digest(s.Migrations[i]), time.Now().UTC().Format(time.RFC3339))
	return err
}

// checkNames refuses what was made after row last of the schema table and
// could meet another owner's table of the same name.
func (s Schema) checkNames(ctx context.Context, tx *sql.Tx, last int64) error {
	var name string
	prefix := s.Owner + "_"
	err := tx.QueryRowContext(ctx, `SELECT name FROM sqlite_schema
		WHERE rowid > ? AND substr(name, 1, ?) <> ? AND substr(name, 1, 7) <> 'sqlite_'`,
		last, len(prefix), prefix).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("the name %q does not begin with %q", name, prefix)
}

func digest(sql string) string {
	sum := sha256.Sum256([]byte(sql))
	return hex.EncodeToString(sum[:])
}
