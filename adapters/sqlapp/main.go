// Command sqlapp is the test app of the adapter for database/sql: what
// docs/adapters.md asks of every adapter's, with net/http and a *sql.DB over
// lib/pq, or over pgx (APP_DRIVER=pgx).
package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/quackproxy/quack/adapters/internal/shop"
	"github.com/quackproxy/quack/txshadow/sqlshadow"
)

func main() {
	if err := shop.Serve(open); err != nil {
		fmt.Fprintln(os.Stderr, "sqlapp:", err)
		os.Exit(1)
	}
}

// connector is how the app connects.
func connector(dsn string) (driver.Connector, error) {
	if os.Getenv("APP_DRIVER") != "pgx" {
		return pq.NewConnector(dsn)
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	return stdlib.GetConnector(*cfg), nil
}

func open(_ context.Context, s shop.Settings) (*shop.App, error) {
	c, err := connector(s.DSN)
	if err != nil {
		return nil, fmt.Errorf("read DATABASE_URL: %w", err)
	}
	adapter, err := sqlshadow.New(sqlshadow.Config{Secret: s.Secret, Connector: c, Dialect: sqlshadow.Postgres, WallCap: s.WallCap})
	if err != nil {
		return nil, err
	}
	db := adapter.DB()
	db.SetMaxOpenConns(5)
	return &shop.App{
		Database: storage{db},
		Around:   adapter.Middleware,
		Close:    func(ctx context.Context) error { return errors.Join(adapter.Close(ctx), db.Close()) },
	}, nil
}
