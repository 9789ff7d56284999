package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// database is what the app needs of a pool, or of a connection.
type database interface {
	querier
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Begin(ctx context.Context) (pgx.Tx, error)
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// storage is the shop's database, by a pool or by one connection.
type storage struct {
	db      database
	past    database                                       // the same, past the adapter
	acquire func(context.Context) (querier, func(), error) // one connection, and what gives it back
	guarded func(http.Handler) http.Handler
	close   func()
}

func openPool(ctx context.Context, dsn string, c txshadow.Config) (*txshadow.Adapter, *storage, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("read DATABASE_URL: %w", err)
	}
	cfg.MaxConns = 5
	if c.Pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, nil, err
	}
	adapter, err := txshadow.New(c)
	if err != nil {
		c.Pool.Close()
		return nil, nil, err
	}
	acquire := func(ctx context.Context) (querier, func(), error) {
		conn, err := adapter.Pool().Acquire(ctx)
		if err != nil {
			return nil, nil, err
		}
		return conn, conn.Release, nil
	}
	return adapter, &storage{adapter.Pool(), c.Pool, acquire, func(h http.Handler) http.Handler { return h }, c.Pool.Close}, nil
}

func openConn(ctx context.Context, dsn string, c txshadow.Config) (*txshadow.Adapter, *storage, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("read DATABASE_URL: %w", err)
	}
	c.ConnConfig = cfg
	adapter, err := txshadow.New(c)
	if err != nil {
		return nil, nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	db := adapter.Conn(conn)
	acquire := func(context.Context) (querier, func(), error) { return db, func() {}, nil }
	return adapter, &storage{db, conn, acquire, oneAtATime, func() { conn.Close(context.Background()) }}, nil
}

// oneAtATime serves live requests one after the other, because they share one
// connection. Shadows have their own.
func oneAtATime(next http.Handler) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !txshadow.Active(r.Context()) {
			mu.Lock()
			defer mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}
