package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/txshadow"
)

// writes is the soak of shadow writes: live updates of three rows, by clients of
// Quack and past it, while shadows hold the same rows; Quack, the backend and
// the database are killed in turn, and prepared transactions left behind.
type writes struct {
	dir, binary string
	every       time.Duration // between two disturbances
	patience    time.Duration // how long a live update may take
	cluster     *postgres.Cluster
	pool        *pgxpool.Pool
	legacy, new *instance
	guard       *guard

	mu     sync.Mutex
	quack  *quack
	struck time.Time // the database or Quack, and its watchdog with it, was last killed
	tally  tally
}

// tally is what has happened.
type tally struct {
	updates, requests int           // live ones that were answered
	unknown           int           // live ones whose end is not known: something was killed
	longest           time.Duration // of a live update, while the database was up and watched
	worst             time.Duration // of a live update, always
	kills             map[string]int
	half, whole       int64 // bytes of the table, at half time and at the end
}

const (
	rowsHot  = 3
	walCap   = 500 * time.Millisecond
	marginal = 200 * time.Millisecond
)

func soakWrites(ctx context.Context, dir, binary string, length, every time.Duration, short bool) (err error) {
	w := &writes{dir: dir, binary: binary, every: every, patience: walCap + marginal, tally: tally{kills: map[string]int{}}}
	if short { // on a machine that has other things to do
		w.patience = 3 * time.Second
	}
	defer func() { err = errors.Join(err, w.end()) }()
	if err := w.start(ctx); err != nil {
		return err
	}
	traffic, stop := context.WithTimeout(ctx, length)
	defer stop()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { w.update(traffic) })
		all.Go(func() { w.request(traffic) })
	}
	all.Go(func() {
		if sleep(traffic, length/2) == nil {
			w.tally.half = w.size(ctx)
		}
	})
	err = w.disturb(traffic)
	stop()
	all.Wait()
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	if err := sleep(ctx, 6*time.Second); err != nil {
		return err
	}
	return w.verdict(ctx)
}

func (w *writes) start(ctx context.Context) (err error) {
	w.cluster, err = postgres.Start(ctx, postgres.Options{Progress: os.Stderr, Settings: map[string]string{"synchronous_commit": "on", "autovacuum_naptime": "1s"}})
	if err != nil {
		return err
	}
	dsn := w.cluster.DSN("postgres")
	for name, value := range map[string]string{"QUACK_DB_SHOP": dsn, "SOAK_DSN": dsn, "QUACK_SHADOW_SECRET": "a-shadow-secret-for-the-soak-only"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	if w.pool, err = pgxpool.New(ctx, dsn); err != nil {
		return err
	}
	if _, err := w.pool.Exec(ctx, "CREATE TABLE hot (id int PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0);"+
		"CREATE TABLE audit (who text NOT NULL); CREATE SEQUENCE shadows;"+txshadow.InstallSQL()); err != nil {
		return err
	}
	if _, err := w.pool.Exec(ctx, "INSERT INTO hot SELECT g, 0 FROM generate_series(1, $1) g", rowsHot); err != nil {
		return err
	}
	if w.guard, err = startGuard(w.dir); err != nil {
		return err
	}
	for side, i := range map[string]**instance{"legacy": &w.legacy, "new": &w.new} {
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		*i = &instance{role: "shop", name: side, addr: addr, dir: w.dir}
		if err := (*i).start(ctx); err != nil {
			return err
		}
	}
	table := fmt.Sprintf("version: 1\nbackends:\n  legacy: {urls: [http://%s]}\n  new: {urls: [http://%s], rollback: header, database: shop}\n"+
		"databases: {shop: {}}\ndefaults: {legacy: legacy, new: new}\nroutes:\n  - {name: hot, match: \"POST /hot/{id}\", stage: shadow, shadow: {budget: 450ms}}\n", w.legacy.addr, w.new.addr)
	if err := os.WriteFile(filepath.Join(w.dir, "routes.yaml"), []byte(table), 0o600); err != nil {
		return err
	}
	w.quack, err = startQuack(ctx, w.binary, w.dir)
	return err
}

func (w *writes) end() (err error) {
	if w.quack != nil {
		err = w.quack.end()
	}
	for _, i := range []*instance{w.legacy, w.new} {
		if i != nil {
			i.end(syscall.SIGKILL)
		}
	}
	if w.guard != nil {
		w.guard.end()
	}
	if w.pool != nil {
		w.pool.Close()
	}
	if w.cluster != nil {
		err = errors.Join(err, w.cluster.Stop())
	}
	return err
}

// update updates hot rows past Quack, as a service of its own would.
func (w *writes) update(ctx context.Context) {
	whole := context.WithoutCancel(ctx)
	for sleep(ctx, 5*time.Millisecond) == nil {
		begun := time.Now()
		limited, cancel := context.WithTimeout(whole, 20*time.Second)
		_, err := w.pool.Exec(limited, "UPDATE hot SET n = n + 1 WHERE id = $1", 1+rand.IntN(rowsHot))
		cancel()
		took := time.Since(begun)
		w.mu.Lock()
		switch { // one that began before a kill and ended after it is not watched
		case err != nil:
			w.tally.unknown++
		default:
			w.tally.updates++
			w.tally.worst = max(w.tally.worst, took)
			if w.struck.IsZero() || begun.After(w.struck.Add(unwatched)) {
				w.tally.longest = max(w.tally.longest, took)
			}
		}
		w.mu.Unlock()
	}
}

// request has Quack update a hot row, with a shadow before it.
func (w *writes) request(ctx context.Context) {
	client := &http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	for sleep(ctx, 20*time.Millisecond) == nil {
		w.mu.Lock()
		addr := w.quack.live
		w.mu.Unlock()
		res, err := client.Post(fmt.Sprintf("http://%s/hot/%d", addr, 1+rand.IntN(rowsHot)), "text/plain", nil)
		good := err == nil && res.StatusCode == http.StatusCreated
		if err == nil {
			res.Body.Close()
		}
		w.mu.Lock()
		if good {
			w.tally.requests++
		} else {
			w.tally.unknown++
		}
		w.mu.Unlock()
	}
}

// disturb kills one after the other, until ctx ends.
func (w *writes) disturb(ctx context.Context) error {
	whole := context.WithoutCancel(ctx)
	acts := []struct {
		name string
		do   func(context.Context) error
	}{{"backend", w.killBackend}, {"prepared", w.leavePrepared}, {"quack", w.killQuack}, {"database", w.killDatabase}}
	for n := 0; sleep(ctx, w.every) == nil; n++ {
		act := acts[n%len(acts)]
		if err := act.do(whole); err != nil {
			return fmt.Errorf("%s: %w", act.name, err)
		}
		w.mu.Lock()
		w.tally.kills[act.name]++
		fmt.Printf("%-9s %d updates, %d requests, %d unknown, longest update %s\n", act.name, w.tally.updates, w.tally.requests, w.tally.unknown, w.tally.longest.Round(time.Millisecond))
		w.mu.Unlock()
	}
	return nil
}

func (w *writes) killBackend(ctx context.Context) error {
	w.new.end(syscall.SIGKILL)
	return w.new.start(ctx)
}

func (w *writes) killQuack(ctx context.Context) error {
	pid := w.quack.pid()
	w.strike()
	defer w.strike() // there was no watchdog until now
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	if _, err := await(pid, ended); err != nil {
		return err
	}
	os.Remove(w.quack.pidFile())
	next, err := startQuack(ctx, w.binary, w.dir)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quack = next
	return err
}

// killDatabase kills a process of the server, which ends all sessions and
// recovers.
func (w *writes) killDatabase(ctx context.Context) error {
	var pid int
	if err := w.pool.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return err
	}
	w.strike()
	return syscall.Kill(pid, syscall.SIGKILL)
}

// unwatched is how long after a kill live updates may wait for shadows without a
// watchdog: those that had begun, one behind the other.
const unwatched = 3 * time.Second

func (w *writes) strike() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.struck = time.Now()
}

// leavePrepared leaves a prepared transaction behind that holds a hot row.
func (w *writes) leavePrepared(ctx context.Context) error {
	conn, err := w.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for _, sql := range []string{"BEGIN", "UPDATE hot SET n = n + 1000000 WHERE id = 1", fmt.Sprintf("PREPARE TRANSACTION 'txshadow-soak-%d'", time.Now().UnixNano())} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func (w *writes) size(ctx context.Context) (bytes int64) {
	if err := w.pool.QueryRow(ctx, "SELECT pg_total_relation_size('hot')").Scan(&bytes); err != nil {
		return 0
	}
	return bytes
}
