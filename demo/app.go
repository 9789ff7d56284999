package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// newApp is shop.New and accounts.New.
type newApp func(pool *pgxpool.Pool, secret string) (http.Handler, *txshadow.Adapter, error)

// app is one of the two applications, serving on a port of its own.
type app struct {
	url     string
	pool    *pgxpool.Pool
	adapter *txshadow.Adapter
	server  *http.Server
	served  chan error // what Serve returned
}

// poolSize is as a service in production has it; shadows that read share a
// quarter of it. pgxpool's default is one connection for each processor.
const poolSize = 20

// startApp starts an application as its own main would.
func startApp(ctx context.Context, newApp newApp, dsn, secret string) (*app, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the DSN of the applications: %w", err)
	}
	config.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	handler, adapter, err := newApp(pool, secret)
	if err != nil {
		pool.Close()
		return nil, err
	}
	a := &app{pool: pool, adapter: adapter, served: make(chan error, 1)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, a.release(ctx))
	}
	a.url = "http://" + ln.Addr().String()
	a.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go a.serve(ln)
	return a, nil
}

func (a *app) serve(ln net.Listener) { a.served <- a.server.Serve(ln) }

// stop finishes the requests under way, then gives the database back.
func (a *app) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := a.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop %s: %w", a.url, err), a.server.Close())
	}
	if served := <-a.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, a.release(ctx))
}

// release closes the sessions of the adapter, then those of the pool.
func (a *app) release(ctx context.Context) error {
	err := a.adapter.Close(ctx)
	a.pool.Close()
	return err
}
