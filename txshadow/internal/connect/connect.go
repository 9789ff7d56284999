// Package connect is how connections to a PostgreSQL are configured and closed.
package connect

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Config reads a DSN, URL or key=value. The error calls it by name and has
// nothing of it, which may hold a password.
func Config(dsn, name string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("%s is not one of PostgreSQL\n  write postgres://user:password@host:5432/name", name)
	}
	return config, nil
}

// Close closes a connection and waits, until ctx ends, for its goroutines to be
// gone.
func Close(ctx context.Context, conn *pgconn.PgConn) {
	conn.Close(ctx)
	select {
	case <-conn.CleanupDone():
	case <-ctx.Done():
	}
}
