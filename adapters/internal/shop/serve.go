// Package shop is what the test apps in Go have in common: the small shop that
// docs/adapters.md asks of every adapter, over HTTP, and how it is served.
//
// [Serve] is all that a command calls. It hands the process's [Settings] to the
// command, which answers with its [App]: an adapter, and a [Database] made with
// the library that this adapter is for.
package shop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// Settings are what the environment of the process says.
type Settings struct {
	DSN     string        // DATABASE_URL
	Secret  string        // QUACK_SHADOW_SECRET
	WallCap time.Duration // WALL_CAP_MS
}

// App is a library's half of the shop.
type App struct {
	Database Database
	Around   func(shop http.Handler) http.Handler // the adapter's middleware, and what else is in it
	Close    func(context.Context) error          // closes the adapter, and then the database
}

// Serve serves the app that open makes until the process is told to end.
func Serve(open func(context.Context, Settings) (*App, error)) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	wallCap, err := strconv.Atoi(os.Getenv("WALL_CAP_MS"))
	if err != nil {
		return fmt.Errorf("read WALL_CAP_MS: %w", err)
	}
	app, err := open(ctx, Settings{
		DSN: os.Getenv("DATABASE_URL"), Secret: os.Getenv("QUACK_SHADOW_SECRET"),
		WallCap: time.Duration(wallCap) * time.Millisecond,
	})
	if err != nil {
		return err
	}
	mail, err := listenForMail()
	if err != nil {
		return errors.Join(err, closed(app))
	}
	defer mail.close()
	server := &http.Server{
		Addr:    "127.0.0.1:" + os.Getenv("PORT"),
		Handler: queryBefore(app.Database, app.Around(newShop(app.Database, mail).handler())),
	}
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe() }()
	select {
	case err := <-served:
		return errors.Join(err, closed(app))
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return errors.Join(server.Shutdown(end), app.Close(end))
}

// patience is how long the end of the app may take.
const patience = 5 * time.Second

func closed(app *App) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return app.Close(ctx)
}

// queryBefore stands outside of the adapter, where QUERY_BEFORE is set: it
// queries before the adapter sees the request, as nothing may.
func queryBefore(db Database, next http.Handler) http.Handler {
	if os.Getenv("QUERY_BEFORE") == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := db.Exec(r.Context(), "INSERT INTO notes VALUES (0)"); err != nil {
			fail(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
