// Command goapp is the Go adapter's test app: what docs/adapters.md asks of
// every adapter's, with net/http and a pgxpool.Pool, or with one
// pgx.Conn and no pool (APP_DATABASE=conn).
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/quackproxy/quack/adapters/internal/shop"
	"github.com/quackproxy/quack/txshadow"
)

func main() {
	if err := shop.Serve(open); err != nil {
		fmt.Fprintln(os.Stderr, "goapp:", err)
		os.Exit(1)
	}
}

func open(ctx context.Context, s shop.Settings) (*shop.App, error) {
	open := openPool
	if os.Getenv("APP_DATABASE") == "conn" {
		open = openConn
	}
	adapter, storage, err := open(ctx, s.DSN, txshadow.Config{Secret: s.Secret, WallCap: s.WallCap})
	if err != nil {
		return nil, err
	}
	fault := plantedFault()
	return &shop.App{
		Database: storage,
		Around: func(h http.Handler) http.Handler {
			return fault.outermost(adapter, storage.guarded(fault.planted(storage, h)))
		},
		Close: func(ctx context.Context) error {
			defer storage.close()
			return adapter.Close(ctx)
		},
	}, nil
}
