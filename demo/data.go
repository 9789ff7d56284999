package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/txshadow"
)

//go:embed schema.sql
var schema string

const (
	databaseName = "shop"
	roleName     = "shop" // of both applications; it owns nothing
)

// writeSetSettings are what a server needs to give the rows that a shadow would
// have written: docs/writes.md.
var writeSetSettings = map[string]string{
	"wal_level": "logical", "max_prepared_transactions": "20", "max_slot_wal_keep_size": "1GB",
	"max_replication_slots": "4", "max_wal_senders": "4",
}

// database is the demo's one database and how to log in to it.
type database struct {
	admin       string // DSN of the superuser
	application string // DSN of the applications' role
}

// newDatabase makes the database that both applications share, with what is in
// it at the start, the applications' role, and the fuse.
func newDatabase(ctx context.Context, c *postgres.Cluster) (db database, err error) {
	if err := c.CreateDatabase(ctx, databaseName); err != nil {
		return db, err
	}
	db.admin = c.DSN(databaseName)
	password := secret()
	if db.application, err = as(db.admin, roleName, password); err != nil {
		return db, err
	}
	conn, err := pgx.Connect(ctx, db.admin)
	if err != nil {
		return db, fmt.Errorf("connect to the demo's database: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	role := pgx.Identifier{roleName}.Sanitize()
	for _, sql := range []string{
		schema,
		"CREATE ROLE " + role + " LOGIN PASSWORD '" + password + "'",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + role,
		"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO " + role,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return db, fmt.Errorf("fill the demo's database: %w", err)
		}
	}
	return db, txshadow.Install(ctx, conn, roleName)
}

// as is dsn for another user.
func as(dsn, user, password string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("read the cluster's DSN: %w", err)
	}
	u.User = url.UserPassword(user, password)
	return u.String(), nil
}

// stock is what is in the database, as far as requests change it.
type stock struct {
	Accounts, Tags, Entries, Audits, Orders int64
	Cents                                   int64 // sum of all balances
	Versions                                int64 // sum of all accounts' versions
}

func (s stock) plus(o stock) stock {
	return stock{
		Accounts: s.Accounts + o.Accounts, Tags: s.Tags + o.Tags, Entries: s.Entries + o.Entries,
		Audits: s.Audits + o.Audits, Orders: s.Orders + o.Orders,
		Cents: s.Cents + o.Cents, Versions: s.Versions + o.Versions,
	}
}

// count takes stock.
func (db database) count(ctx context.Context) (s stock, err error) {
	conn, err := pgx.Connect(ctx, db.admin)
	if err != nil {
		return s, fmt.Errorf("connect to the demo's database: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	err = conn.QueryRow(ctx, `SELECT count(*), sum(balance)::bigint, sum(version),
		(SELECT count(*) FROM account_tags), (SELECT count(*) FROM entries),
		(SELECT count(*) FROM audit_log), (SELECT count(*) FROM orders) FROM accounts`).
		Scan(&s.Accounts, &s.Cents, &s.Versions, &s.Tags, &s.Entries, &s.Audits, &s.Orders)
	if err != nil {
		return s, fmt.Errorf("count the rows of the demo's database: %w", err)
	}
	return s, nil
}
