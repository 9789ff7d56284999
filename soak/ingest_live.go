package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quackproxy/quack/reports"
)

const (
	liveRoutes  = 10
	liveClients = 8
)

// live is the soak of evidence through the proxy.
type live struct {
	ingestPlan
	dir, binary string
	guard       *guard
	sides       []*instance
	quack       *quack
	disk        *disk
	asked       []*asker
}

func throughProxy(ctx context.Context, dir, binary string, p ingestPlan, v *ingestVerdict) (err error) {
	l := &live{ingestPlan: p, dir: dir, binary: binary}
	for i := range liveClients {
		l.asked = append(l.asked, &asker{n: i * 10_000_000})
	}
	defer func() { err = errors.Join(err, l.end()) }()
	if err := l.start(ctx); err != nil {
		return err
	}
	if err := l.makeIll(ctx, v); err != nil {
		return err
	}
	if err := v.accounted(ctx, l); err != nil {
		return err
	}
	return l.kill(ctx, v)
}

func (l *live) start(ctx context.Context) (err error) {
	if l.guard, err = startGuard(l.dir); err != nil {
		return err
	}
	var table strings.Builder
	table.WriteString("version: 1\nbackends:\n")
	for _, side := range []string{"legacy", "new"} {
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		i := &instance{role: "ducks", name: side, addr: addr, dir: l.dir, env: []string{"SOAK_SIDE=" + side}}
		l.sides = append(l.sides, i)
		if err := i.start(ctx); err != nil {
			return err
		}
		fmt.Fprintf(&table, "  %s: {urls: [http://%s]}\n", side, addr)
	}
	table.WriteString("defaults: {legacy: legacy, new: new}\nroutes:\n")
	for i := range liveRoutes {
		fmt.Fprintf(&table, "  - {name: ducks%d, match: \"GET /ducks/%d/{id}\", stage: shadow, shadow: {sample: 100%%}}\n", i, i)
	}
	if err := os.WriteFile(filepath.Join(l.dir, "routes.yaml"), []byte(table.String()), 0o600); err != nil {
		return err
	}
	if l.disk, err = smallDisk(l.dir, 64<<20); err != nil {
		return err
	}
	l.quack, err = startQuack(ctx, l.binary, l.dir)
	return err
}

func (l *live) end() (err error) {
	if l.quack != nil {
		err = l.quack.end()
	}
	for _, i := range l.sides {
		i.end(syscall.SIGKILL)
	}
	if l.guard != nil {
		l.guard.end()
	}
	if l.disk != nil {
		err = errors.Join(err, l.disk.remove())
	}
	return err
}

// spell is a time in which the store fared in one way.
type spell struct {
	what     string
	from, to time.Time
	cpu      time.Duration // of Quack
}

// makeIll runs traffic while the store has no space, is well, is held up.
func (l *live) makeIll(ctx context.Context, v *ingestVerdict) error {
	stop := l.traffic(ctx)
	defer stop()
	if err := l.until(ctx, func(s reports.Stats) bool { return !s.LastFlush.IsZero() }); err != nil {
		return err
	}
	acts := []struct {
		what string
		do   func() error
	}{
		// The disk comes first: later the store has space of its own to reuse.
		{"no space on the store's disk", func() error { return l.full(ctx) }},
		{"the store well", func() error { return sleep(ctx, l.live) }},
		{"the store held up by another, crawling", func() error {
			slow, stop := context.WithTimeout(ctx, l.live)
			defer stop()
			return crawl(slow, l.dir)
		}},
		{"the store held up by another, standing still", func() error { return standStill(ctx, l.dir, l.still) }},
	}
	var spells []spell
	for _, act := range acts {
		s := spell{what: act.what, from: time.Now(), cpu: -cpuOf(l.quack.pid())}
		if err := act.do(); err != nil {
			return fmt.Errorf("%s: %w", act.what, err)
		}
		s.to, s.cpu = time.Now(), s.cpu+cpuOf(l.quack.pid())
		spells = append(spells, s)
	}
	stop()
	v.spells(l, spells)
	return ctx.Err()
}

// full fills the disk until a batch has gone wrong, and for a while.
func (l *live) full(ctx context.Context) error {
	if err := l.disk.fill(l.quack.pid()); err != nil {
		return err
	}
	if err := l.until(ctx, func(s reports.Stats) bool { return s.LastError != "" }); err != nil {
		return err
	}
	if err := sleep(ctx, l.live); err != nil {
		return err
	}
	if err := l.disk.free(); err != nil {
		return err
	}
	return l.until(ctx, func(s reports.Stats) bool { return s.LastError == "" })
}

// until waits until the writing of evidence is as wanted.
func (l *live) until(ctx context.Context, wanted func(reports.Stats) bool) error {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		s, err := l.stats(ctx)
		if err != nil {
			return err
		}
		if wanted(s) {
			return nil
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("what was to be seen of the store was not seen in 30 s")
}

func (l *live) stats(ctx context.Context) (reports.Stats, error) {
	var status struct {
		Evidence reports.Stats `json:"evidence"`
	}
	err := l.quack.decode(ctx, "/api/v1/status", &status)
	return status.Evidence, err
}

func (l *live) report(ctx context.Context) (map[string]counted, error) {
	var report struct {
		Routes []reports.RouteReport `json:"routes"`
	}
	err := l.quack.decode(ctx, "/api/v1/report", &report)
	routes := map[string]counted{}
	for _, r := range report.Routes {
		if strings.HasPrefix(r.Name, "ducks") {
			routes[r.Name] = countedOf(r)
		}
	}
	return routes, err
}

func (q *quack) decode(ctx context.Context, path string, into any) error {
	body, err := q.get(ctx, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("what the admin listener answers for %s: %w", path, err)
	}
	return nil
}

// kill kills Quack under traffic, and starts it anew on what it left.
func (l *live) kill(ctx context.Context, v *ingestVerdict) error {
	stop := l.traffic(ctx)
	defer stop()
	flushes := []time.Time{{}}
	for deadline := time.Now().Add(30 * time.Second); len(flushes) < 4 && time.Now().Before(deadline); sleep(ctx, 20*time.Millisecond) {
		s, err := l.stats(ctx)
		if err != nil {
			return err
		}
		if s.LastFlush != flushes[len(flushes)-1] {
			flushes = append(flushes, s.LastFlush)
		}
	}
	if len(flushes) < 4 {
		return errors.New("no three batches were written in 30 s")
	}
	sleep(ctx, time.Duration(rand.IntN(900))*time.Millisecond)
	pid, at := l.quack.pid(), time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	stop()
	if _, err := await(pid, ended); err != nil {
		return err
	}
	os.Remove(l.quack.pidFile())
	for _, a := range l.asked { // of each the one that was under way
		a.broken, a.failed = len(a.failed), nil
	}
	next, err := startQuack(ctx, l.binary, l.dir)
	if err != nil {
		return err
	}
	l.quack = next
	return v.restarted(ctx, l, at, flushes[len(flushes)-2])
}

// cpuOf is the CPU time that a process has taken.
func cpuOf(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	user, _ := strconv.ParseInt(f[11], 10, 64) // the kernel's own, in hundredths of a second
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * time.Second / 100
}
