// Command sqlapp is the test app of the adapter for database/sql: what
// docs/adapters.md asks of every adapter's, with net/http and a *sql.DB over
// lib/pq, or over pgx (APP_DRIVER=pgx).
package main

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/quackproxy/quack/txshadow/sqlshadow"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
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

func openAdapter() (*sqlshadow.Adapter, error) {
	wallCap, err := strconv.Atoi(os.Getenv("WALL_CAP_MS"))
	if err != nil {
		return nil, fmt.Errorf("read WALL_CAP_MS: %w", err)
	}
	c, err := connector(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, fmt.Errorf("read DATABASE_URL: %w", err)
	}
	return sqlshadow.New(sqlshadow.Config{
		Secret: os.Getenv("QUACK_SHADOW_SECRET"), Connector: c, Dialect: sqlshadow.Postgres,
		WallCap: time.Duration(wallCap) * time.Millisecond,
	})
}

// run serves until ctx ends.
func run(ctx context.Context) error {
	adapter, err := openAdapter()
	if err != nil {
		return err
	}
	db := adapter.DB()
	defer db.Close()
	db.SetMaxOpenConns(5)
	mail, err := listenForMail()
	if err != nil {
		return err
	}
	defer mail.close()
	app := newApp(db, mail, os.Getenv("EFFECT_URL"))
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: app.queryBefore(adapter.Middleware(app.handler()))}
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe() }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(end), adapter.Close(end))
}

// reply answers with v as JSON.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
