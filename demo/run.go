// Package demo shows Quack at work: a small monolith, a new service taken out
// of it that differs in known ways, one real database, the proxy before them,
// and traffic.
//
// [Run] is all there is. The two applications, in shop and accounts, import no
// more than a user's would; the proxy is a process of its own and is asked
// through its own interface. What is planted stands in plants.go and in
// README.md.
package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/quackproxy/quack/demo/accounts"
	"github.com/quackproxy/quack/demo/shop"
	"github.com/quackproxy/quack/internal/postgres"
)

// Options are how the demo runs.
type Options struct {
	Once   bool      // print the report, check it against what was planted, and return
	Listen string    // address of the proxy; another free port is taken when it is in use, or ""
	Admin  string    // address of the admin pages; likewise
	Quack  string    // the quack program; default: this one
	Out    io.Writer // the report, the addresses; default: nowhere
	Log    io.Writer // a line for each step; default: nowhere
}

// demo is what runs, in the order in which it was started.
type demo struct {
	Options
	token string // QUACK_ADMIN_TOKEN
	env   []string

	db       database
	secret   string // QUACK_SHADOW_SECRET
	shop     *app
	accounts *app
	quack    *child
	proxy    string // address
	admin    string // address
	api      *adminAPI
	traffic  *traffic

	undo []func() error
}

// Run runs the demo until ctx ends or, with Once, until the report has been
// printed and checked. The error says what was missing or not planted.
func Run(ctx context.Context, o Options) (err error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	d := &demo{Options: o, token: secret(), secret: secret()}
	defer func() {
		if !o.Once && ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = nil // ended, as it is meant to be
		}
		err = errors.Join(err, d.stop())
	}()
	if err := d.start(ctx); err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	before, err := d.db.count(ctx)
	if err != nil {
		return err
	}
	d.step("sending requests")
	d.traffic.round(ctx)
	d.step("waiting for the last comparisons")
	if err := d.settle(ctx); err != nil {
		return err
	}
	if d.Once {
		return d.verdict(ctx, before)
	}
	return d.stay(ctx)
}

// start starts the parts in the order in which they need each other.
func (d *demo) start(ctx context.Context) error {
	for _, part := range []struct {
		step string
		do   func(context.Context) error
	}{
		{"starting PostgreSQL", d.startDatabase},
		{"starting the shop and the new accounts service", d.startApps},
		{"starting quack serve", d.startQuack},
		{"waiting until both have proved that they roll back", d.awaitProofs},
	} {
		d.step(part.step)
		if err := part.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) step(text string) { fmt.Fprintln(d.Log, "demo: "+text) }

func (d *demo) onStop(f func() error) { d.undo = append(d.undo, f) }

// stop stops what was started, the last first.
func (d *demo) stop() error {
	var errs []error
	for i := len(d.undo) - 1; i >= 0; i-- {
		errs = append(errs, d.undo[i]())
	}
	return errors.Join(errs...)
}

func (d *demo) startDatabase(ctx context.Context) error {
	cluster, err := postgres.Start(ctx, postgres.Options{Password: secret(), Progress: d.Log, Settings: writeSetSettings})
	if err != nil {
		return err
	}
	d.onStop(cluster.Stop)
	d.db, err = newDatabase(ctx, cluster)
	return err
}

func (d *demo) startApps(ctx context.Context) (err error) {
	for _, a := range []struct {
		to   **app
		make newApp
	}{{&d.shop, shop.New}, {&d.accounts, accounts.New}} {
		if *a.to, err = startApp(ctx, a.make, d.db.application, d.secret); err != nil {
			return err
		}
		d.onStop((*a.to).stop)
	}
	return nil
}

//go:embed routes.yaml.tmpl
var routesTemplate string

// writeRoutes writes the routes.yaml that stands for both applications.
func (d *demo) writeRoutes(file string) error {
	t, err := template.New("routes.yaml").Parse(routesTemplate)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, map[string]string{"Shop": d.shop.url, "Accounts": d.accounts.url}); err != nil {
		return err
	}
	return os.WriteFile(file, text.Bytes(), 0o600)
}

// startQuack starts the proxy as a process of its own and waits until it is
// ready.
func (d *demo) startQuack(ctx context.Context) (err error) {
	if d.Quack == "" {
		if d.Quack, err = os.Executable(); err != nil {
			return err
		}
	}
	if d.proxy, err = address(d.Listen); err != nil {
		return err
	}
	if d.admin, err = address(d.Admin); err != nil {
		return err
	}
	d.env = environment(os.Environ(), map[string]string{
		"QUACK_ADMIN_TOKEN": d.token, "QUACK_SHADOW_SECRET": d.secret, "QUACK_SECRET": secret(), "QUACK_DB_SHOP": d.db.admin,
	})
	dir, err := os.MkdirTemp("", "quack-demo-")
	if err != nil {
		return err
	}
	routes := filepath.Join(dir, "routes.yaml")
	if err := d.writeRoutes(routes); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	d.quack, err = startChild(dir, d.env, d.Quack, "serve", "--routes", routes, "--listen", d.proxy, "--admin", d.admin,
		"--data", filepath.Join(dir, "data"), "--drain", "5s")
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	d.onStop(d.quack.stop)
	d.api = newAdminAPI(d.admin, d.token)
	d.onStop(d.api.close)
	d.traffic = newTraffic("http://" + d.proxy)
	d.onStop(d.traffic.close)
	return d.await(ctx, 30*time.Second, "the proxy to be ready", func() (bool, string) {
		return d.api.ready(ctx), d.quack.logTail()
	})
}

func (d *demo) awaitProofs(ctx context.Context) error {
	return d.await(ctx, 30*time.Second, "the proofs of rollback", func() (bool, string) {
		all, why, err := d.api.proved(ctx)
		if err != nil {
			why = err.Error()
		}
		return all, why
	})
}

// settle waits until every request that was to be compared has a verdict.
func (d *demo) settle(ctx context.Context) error {
	_, sent, _ := d.traffic.counted()
	return d.await(ctx, time.Minute, "the last comparisons", func() (bool, string) {
		routes, err := d.api.report(ctx)
		if err != nil {
			return false, err.Error()
		}
		seen := map[string]int{}
		for _, r := range routes {
			seen[r.Name] = r.settled()
		}
		var open []string
		for name, n := range sent {
			if name != unrouted && seen[name] != n {
				open = append(open, fmt.Sprintf("%s: %d of %d requests accounted for", name, seen[name], n))
			}
		}
		return len(open) == 0, strings.Join(open, "; ")
	})
}

// await asks until done, and gives up when the proxy ends, when ctx ends, and
// at the limit; then it says what was missing.
func (d *demo) await(ctx context.Context, limit time.Duration, what string, done func() (ok bool, missing string)) error {
	late := time.After(limit)
	for {
		ok, missing := done()
		if ok {
			return nil
		}
		select {
		case <-d.quack.ended:
			return d.quack.failed()
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return fmt.Errorf("waited %s for %s: %s", limit, what, missing)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// address is a free one on this machine: the one asked for, if that is free.
func address(preferred string) (string, error) {
	if preferred != "" {
		if ln, err := net.Listen("tcp", preferred); err == nil {
			return preferred, ln.Close()
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// environment is base without what is meant for another quack, and with set.
func environment(base []string, set map[string]string) []string {
	env := slices.DeleteFunc(slices.Clone(base), func(v string) bool { return strings.HasPrefix(v, "QUACK_") })
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	return env
}

// secret is 32 random bytes in hex.
func secret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}
