// Command goapp is the Go adapter's test app: what docs/adapters.md asks of
// every adapter's, with net/http and a pgxpool.Pool, or with one
// pgx.Conn and no pool (APP_DATABASE=conn).
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
	open := openPool
	if os.Getenv("APP_DATABASE") == "conn" {
		open = openConn
	}
	c := txshadow.Config{Secret: os.Getenv("QUACK_SHADOW_SECRET"), WallCap: time.Duration(wallCap) * time.Millisecond}
	adapter, storage, err := open(ctx, os.Getenv("DATABASE_URL"), c)
	if err != nil {
		return err
	}
	defer storage.close()
	mail, err := listenForMail()
	if err != nil {
		return err
	}
	defer mail.close()
	app := newApp(storage, mail, os.Getenv("EFFECT_URL"))
	server := &http.Server{
		Addr:    "127.0.0.1:" + os.Getenv("PORT"),
		Handler: app.queryBefore(app.fault.outermost(adapter, storage.guarded(app.handler()))),
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
