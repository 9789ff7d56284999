package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// playShop is a service that updates a hot row in a transaction, and thinks a
// while in the middle of it when it is run as a shadow.
func playShop() int {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("SOAK_DSN"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	adapter, err := txshadow.New(txshadow.Config{Secret: os.Getenv("QUACK_SHADOW_SECRET"), Pool: pool, WallCap: walCap})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /up", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /hot/{id}", func(rw http.ResponseWriter, r *http.Request) {
		if err := updateHot(r.Context(), adapter.Pool(), r.PathValue("id")); err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		rw.WriteHeader(http.StatusCreated)
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("SOAK_ADDR"), adapter.Middleware(mux)))
	return 1
}

func updateHot(ctx context.Context, db *txshadow.Pool, id string) error {
	by, who, think := 1, "live", time.Duration(0)
	if txshadow.Active(ctx) {
		by, who, think = 1_000_000, "shadow", time.Duration(rand.IntN(400))*time.Millisecond
		if _, err := db.Exec(ctx, "SELECT nextval('shadows')"); err != nil { // is not rolled back
			return err
		}
	}
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	if _, err := tx.Exec(ctx, "UPDATE hot SET n = n + $1 WHERE id = $2::text::int", by, id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO audit VALUES ($1)", who); err != nil {
		return err
	}
	time.Sleep(think)
	return tx.Commit(ctx)
}
