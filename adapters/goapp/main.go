// Command goapp is the Go adapter's test app: what docs/adapters.md asks of
// every adapter's, with pgxpool and net/http.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "goapp:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context) error {
	wallCap, err := strconv.Atoi(os.Getenv("WALL_CAP_MS"))
	if err != nil {
		return fmt.Errorf("read WALL_CAP_MS: %w", err)
	}
	cfg, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return fmt.Errorf("read DATABASE_URL: %w", err)
	}
	cfg.MaxConns = 5
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	adapter, err := txshadow.New(txshadow.Config{
		Secret: os.Getenv("QUACK_SHADOW_SECRET"), Pool: pool, WallCap: time.Duration(wallCap) * time.Millisecond,
	})
	if err != nil {
		return err
	}
	mail, err := listenForMail()
	if err != nil {
		return err
	}
	defer mail.close()
	server := &http.Server{
		Addr:    "127.0.0.1:" + os.Getenv("PORT"),
		Handler: adapter.Middleware(newApp(adapter.Pool(), mail, os.Getenv("EFFECT_URL")).handler()),
	}
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
