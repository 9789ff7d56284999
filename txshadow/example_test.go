package txshadow_test

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// A service whose writes can be shadowed: its handlers use the adapter's pool,
// and the adapter's middleware is the outermost.
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	adapter, err := txshadow.New(txshadow.Config{Secret: os.Getenv("QUACK_SHADOW_SECRET"), Pool: pool})
	if err != nil {
		log.Fatal(err)
	}
	defer adapter.Close(ctx)
	db := adapter.Pool()

	mux := http.NewServeMux()
	mux.HandleFunc("POST /accounts", func(w http.ResponseWriter, r *http.Request) {
		err := pgx.BeginFunc(r.Context(), db, func(tx pgx.Tx) error {
			_, err := tx.Exec(r.Context(), "INSERT INTO accounts (email, created_at) VALUES ($1, $2)",
				r.FormValue("email"), txshadow.Now(r.Context()))
			return err
		})
		if err != nil {
			http.Error(w, "try again", http.StatusInternalServerError)
			return
		}
		if !txshadow.Active(r.Context()) {
			welcome(r.FormValue("email")) // mail is not rolled back
		}
		w.WriteHeader(http.StatusCreated)
	})
	log.Fatal(http.ListenAndServe(":4000", adapter.Middleware(mux)))
}

func welcome(string) {}
