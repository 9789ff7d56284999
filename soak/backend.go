package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// backend is one of the two sides, with two instances, so that one is up while
// the other restarts.
type backend struct {
	name      string
	instances []*instance
}

// instance is one server process after another at one address.
type instance struct {
	role            string // "" is backend
	name, addr, dir string
	env             []string
	cmd             *exec.Cmd
	stdin           io.Closer
}

func startBackend(ctx context.Context, name, dir string) (*backend, error) {
	b := &backend{name: name}
	for n := range 2 {
		addr, err := freeAddr()
		if err != nil {
			return b, err
		}
		i := &instance{name: fmt.Sprintf("%s-%d", name, n), addr: addr, dir: dir}
		b.instances = append(b.instances, i)
		if err := i.start(ctx); err != nil {
			return b, err
		}
	}
	return b, nil
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// start starts a process and waits until it is up.
func (i *instance) start(ctx context.Context) (err error) {
	if i.cmd, i.stdin, err = startRole(cmp.Or(i.role, "backend"), i.dir, i.name, append([]string{"SOAK_ADDR=" + i.addr}, i.env...)...); err != nil {
		return fmt.Errorf("start %s: %w", i.name, err)
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if res, err := http.Get("http://" + i.addr + "/up"); err == nil {
			res.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			return nil
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s does not come up", i.name)
}

// end ends the process with a signal and waits for its end.
func (i *instance) end(s syscall.Signal) {
	if i.cmd == nil || i.cmd.Process == nil {
		return
	}
	i.cmd.Process.Signal(s)
	i.cmd.Wait()
	i.stdin.Close()
}

func (b *backend) end() {
	for _, i := range b.instances {
		i.end(syscall.SIGKILL)
	}
}

// restarts restarts one instance after the other, and kills one with -9 now and
// then.
func (w *world) restarts(ctx context.Context) error {
	for n := 1; sleep(ctx, w.restart) == nil; n++ {
		i := w.backends[n/2%2].instances[n%2]
		if n%w.kill == 0 {
			w.journal.kill(time.Now())
			i.end(syscall.SIGKILL)
		} else {
			i.end(syscall.SIGTERM)
			w.journal.count("restarts")
		}
		if err := i.start(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// changes rewrites the table.
func (w *world) changes(ctx context.Context) error {
	for n := 1; sleep(ctx, w.reload) == nil; n++ {
		if err := w.writeRoutes(n); err != nil {
			return fmt.Errorf("write the %d-th table: %w", n, err)
		}
		w.journal.count("reloads")
	}
	return nil
}

// writeRoutes writes the n-th table: other time-outs, a route more or less, one
// that goes from side to side, and a share of clients that grows.
func (w *world) writeRoutes(n int) error {
	var b strings.Builder
	fmt.Fprint(&b, "version: 1\nbackends:\n")
	for _, side := range w.backends {
		fmt.Fprintf(&b, "  %s: {urls: [http://%s, http://%s], health: {path: /up, every: 500ms}}\n", side.name, side.instances[0].addr, side.instances[1].addr)
	}
	fmt.Fprintf(&b, "defaults: {legacy: legacy, new: new, timeout: %ds}\nroutes:\n", 10+n%5)
	fmt.Fprint(&b, "  - {name: shadowed, match: \"GET /shadowed/{id}\", stage: shadow, shadow: {sample: 100%}}\n")
	fmt.Fprintf(&b, "  - {name: moving, match: \"GET /moving/{id}\", stage: %s}\n", []string{"legacy", "new"}[n/3%2])
	fmt.Fprintf(&b, "  - {name: ramped, match: \"GET /ramped/{id}\", stage: ramp, percent: %d}\n", n*10%101)
	if n%2 == 0 {
		fmt.Fprint(&b, "  - {name: sometimes, match: \"GET /sometimes/{id}\"}\n")
	}
	path := filepath.Join(w.dir, "routes.yaml")
	if err := os.WriteFile(path+".new", []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
