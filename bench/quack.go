package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// quack is what can be asked of a running Quack, beside proxying.
type quack struct {
	admin  string // address of its admin listener
	routes string // its routes.yaml
	shadow bool   // it has a side to shadow to
}

// adminToken is of processes that live as long as the benchmarks and listen on
// loopback.
const adminToken = "token-of-the-benchmarks-0123456789abcdef"

// quackOptions make a contender of Quack.
type quackOptions struct {
	program string                   // the binary
	flags   []string                 // of serve, besides those that each gets
	routes  func(to backends) string // its routes.yaml
}

// quackNamed is Quack as a contender.
func quackNamed(name string, o quackOptions) contender {
	return contender{name: name, program: o.program, start: func(dir string, to backends) (*proxy, error) {
		listen, err := freePort()
		if err != nil {
			return nil, err
		}
		admin, err := freePort()
		if err != nil {
			return nil, err
		}
		q := &quack{admin: admin, routes: filepath.Join(dir, "routes.yaml"), shadow: to.shadow != ""}
		if err := os.WriteFile(q.routes, []byte(o.routes(to)), 0o644); err != nil {
			return nil, err
		}
		env := []string{"QUACK_ADMIN_TOKEN=" + adminToken, "QUACK_SECRET=" + adminToken}
		args := append([]string{"serve", "--routes", q.routes, "--listen", listen, "--admin", admin, "--data", filepath.Join(dir, "data")}, o.flags...)
		c, err := start(dir, "quack", env, o.program, args...)
		return &proxy{addr: listen, process: c, quack: q}, err
	}}
}

// routesAt is a table with one route that reads and one that has a body, both
// at the stage. The rules forgive what differs between the sides.
func routesAt(stage string) func(backends) string {
	return func(to backends) string {
		if to.shadow == "" {
			to.shadow = to.live
		}
		return fmt.Sprintf(`
version: 1
backends:
  monolith: {urls: ["http://%s"]}
  orders: {urls: ["http://%s"]}
defaults:
  legacy: monolith
  new: orders
  stage: %s
  compare:
    rules:
      - {path: $.trace, ignore: true, owner: bench, why: each side names its own}
      - {path: $.seen_at, within: 60s}
routes:
  - {name: orders.show, match: "GET /orders/{size}/{id}"}
  - {name: orders.search, match: "POST /orders/{size}/search", safe: true}
`, to.live, to.shadow, stage)
	}
}

// hasFlag reports whether serve has the flag.
func hasFlag(ctx context.Context, program, flag string) (bool, error) {
	help, err := exec.CommandContext(ctx, program, "serve", "--help").CombinedOutput()
	if err != nil {
		return false, fmt.Errorf("%s serve --help: %w\n%s", program, err, help)
	}
	return strings.Contains(string(help), flag), nil
}

// buildQuack builds Quack from the tree that this program was started in.
func buildQuack(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "quack")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/quackproxy/quack/cmd/quack").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build quack: %w\n%s", err, out)
	}
	return program, nil
}

// counts are sums over the routes of GET /api/v1/report.
type counts struct {
	Compared, Matched, Mismatched, Forgiven, Errors, Dropped int64
	Skipped                                                  map[string]int64
}

// done is how many requests of shadowed routes have come to their end.
func (c counts) done() int64 {
	n := c.Compared + c.Errors + c.Dropped
	for _, k := range c.Skipped {
		n += k
	}
	return n
}

func (q *quack) counts(ctx context.Context) (counts, error) {
	sum := counts{Skipped: map[string]int64{}}
	body, err := q.get(ctx, "/api/v1/report")
	if err != nil {
		return sum, err
	}
	var report struct{ Routes []counts }
	if err := json.Unmarshal(body, &report); err != nil {
		return sum, fmt.Errorf("report of quack: %w", err)
	}
	for _, r := range report.Routes {
		sum.Compared += r.Compared
		sum.Matched += r.Matched
		sum.Mismatched += r.Mismatched
		sum.Forgiven += r.Forgiven
		sum.Errors += r.Errors
		sum.Dropped += r.Dropped
		for why, n := range r.Skipped {
			sum.Skipped[why] += n
		}
	}
	return sum, nil
}

// settled waits until the shadow has come to the end of n requests, or nothing
// moves any more, and returns the counts.
func (q *quack) settled(ctx context.Context, n int64) (counts, error) {
	last, still := int64(-1), 0
	for {
		c, err := q.counts(ctx)
		if err != nil || c.done() >= n || still == 3 {
			return c, err
		}
		if still++; c.done() != last {
			last, still = c.done(), 0
		}
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// get asks the admin listener.
func (q *quack) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+q.admin+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("quack answered %s to GET %s", resp.Status, path)
	}
	return body, err
}
