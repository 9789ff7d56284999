package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// manyRoutes is how many routes the table of the reload part has.
const manyRoutes = 2000

// reloadEvery is the time from one reload to the next.
const reloadEvery = 500 * time.Millisecond

// reloads measures what clients see of reloads of a table of 2,000 routes:
// turns without a reload and turns with two each second, at the same rate. The
// budget's pause is what the slowest request of a turn with reloads took longer
// than that of the turn without before it.
func (s *settings) reloads(ctx context.Context) (outcome, error) {
	s = s.shorter()
	o := outcome{}
	side, addr, err := startSelf(s.dir, "backend", answering{Side: "legacy"}.args()...)
	if err != nil {
		return o, err
	}
	defer side.stop()
	routes := func(to backends) string { return manyRoutesTo(to, 30) }
	p, err := quackNamed(quackItself, quackOptions{program: s.program, routes: routes}).run(ctx, s.dir, backends{live: addr})
	if err != nil {
		return o, err
	}
	defer p.stop()
	spec := loadSpec{Connections: s.connections, Requests: requestsForMany(), Length: small}
	if spec.Rate, err = s.partOfCapacity(ctx, p, spec); err != nil {
		return o, err
	}
	spec.Addr, spec.Duration = p.addr, s.duration
	title := fmt.Sprintf("reload of %d routes, 1 KiB answers, open loop of %.0f/s", manyRoutes, spec.Rate)
	var all turns
	r := &reloader{proxy: p, to: backends{live: addr}}
	for round := 1; round <= s.rounds; round++ {
		s.say("%s, round %d of %d", title, round, s.rounds)
		quiet, err := takeTurn(ctx, p, spec)
		if err != nil {
			return o, err
		}
		busy, err := r.during(ctx, func() (*turn, error) { return takeTurn(ctx, p, spec) })
		if err != nil {
			return o, err
		}
		quiet.Contender, quiet.Round, busy.Contender, busy.Round = withoutReload, round, withReload, round
		all = append(all, *quiet, *busy)
	}
	o.add(all, reloadTable(title, all, r.done))
	o.Budgets = reloadBudgets(all, r.done)
	return o, nil
}

const (
	withoutReload = "without"
	withReload    = "with reloads"
)

func reloadTable(title string, all turns, done int) *table {
	t := &table{Title: title, Head: []string{"", "CPU µs/request", "p50 µs", "p99 µs", "p99.9 µs", "slowest µs", "failed"}}
	p999 := func(t turn) float64 { return float64(t.Load.P999.Microseconds()) }
	for _, name := range []string{withoutReload, withReload} {
		t.Rows = append(t.Rows, []string{name, decimal(all.median(name, cpuEach)), whole(all.median(name, p50)), whole(all.median(name, p99)),
			whole(all.median(name, p999)), whole(all.median(name, longest)), whole(sum(all.of(name, failed)))})
	}
	return t.note(fmt.Sprintf("%d reloads; a reload's own work (reading and checking the file) is in the CPU of the second row", done))
}

func reloadBudgets(all turns, done int) []budget {
	quiet, busy := all.of(withoutReload, longest), all.of(withReload, longest)
	var longer []float64
	for i := range busy {
		longer = append(longer, (busy[i]-quiet[i])/1000)
	}
	return []budget{
		atLeast("reload: tables put in force under load", float64(done), 1, "%.0f"),
		atMost("reload: failed requests", sum(all.of(withReload, failed)), 0, "%.0f"),
		atMost("reload: slowest request with reloads − without, ms", median(longer), 5, "%.1f"),
	}
}

// reloader changes the table of a running Quack.
type reloader struct {
	proxy *proxy
	to    backends
	done  int // tables seen in force; each is another one
}

// during changes the file every so often while work lasts, and waits each time
// until the new table is in force.
func (r *reloader) during(ctx context.Context, work func() (*turn, error)) (*turn, error) {
	worked := make(chan struct{})
	changed := make(chan error, 1)
	go func() { changed <- r.change(ctx, worked) }()
	t, err := work()
	close(worked)
	if e := <-changed; err == nil {
		err = e
	}
	return t, err
}

func (r *reloader) change(ctx context.Context, until <-chan struct{}) error {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-until:
			return nil
		case <-tick.C:
		}
		if err := r.once(ctx); err != nil {
			return err
		}
	}
}

// once replaces the file, asks for it to be read, and waits until that is so.
func (r *reloader) once(ctx context.Context) error {
	before, err := r.proxy.quack.tableHash(ctx)
	if err != nil {
		return err
	}
	file := r.proxy.quack.routes
	if err := os.WriteFile(file+".next", []byte(manyRoutesTo(r.to, 31+r.done)), 0o644); err != nil {
		return err
	}
	if err := os.Rename(file+".next", file); err != nil {
		return err
	}
	if err := r.proxy.process.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	for deadline := time.Now().Add(startWithin); time.Now().Before(deadline); time.Sleep(25 * time.Millisecond) {
		hash, err := r.proxy.quack.tableHash(ctx)
		if err != nil {
			return err
		}
		if hash != before {
			r.done++
			return nil
		}
	}
	return fmt.Errorf("the table that was written is not in force after %s", startWithin)
}

func (q *quack) tableHash(ctx context.Context) (string, error) {
	body, err := q.get(ctx, "/api/v1/status")
	if err != nil {
		return "", err
	}
	var status struct{ Table struct{ Hash string } }
	if err := json.Unmarshal(body, &status); err != nil || status.Table.Hash == "" {
		return "", fmt.Errorf("status of quack has no hash of the table: %s (%v)", body, err)
	}
	return status.Table.Hash, nil
}

// manyRoutesTo is a table of 2,000 routes below 20 prefixes; timeout makes one
// differ from another.
func manyRoutesTo(to backends, timeout int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nbackends: {monolith: {urls: [\"http://%s\"]}}\ndefaults: {legacy: monolith, new: monolith, timeout: %ds}\nroutes:\n", to.live, timeout)
	methods := [...]string{"GET", "POST", "PUT", "DELETE"}
	for service := range 20 {
		fmt.Fprintf(&b, "  - match: /api/v1/service%d\n    routes:\n", service)
		for i := range manyRoutes / 20 {
			fmt.Fprintf(&b, "      - name: s%d.r%d\n        match: %s /resource%d/{id}/part\n", service, i, methods[i%4], i/4)
			b.WriteString("        compare: {rules: [{path: $.debug, ignore: true, owner: team, why: noise}]}\n")
		}
	}
	return b.String()
}

// requestsForMany asks for 500 of the routes in turns.
func requestsForMany() [][]byte {
	var list [][]byte
	for resource := range manyRoutes / 20 / 4 {
		for service := range 20 {
			list = append(list, fmt.Appendf(nil, "GET /api/v1/service%d/resource%d/17/part HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: application/json\r\n\r\n", service, resource))
		}
	}
	return list
}
