package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/quackproxy/quack/internal/postgres"
)

const (
	wireQuack    = "quack pgwire"
	wireBouncer  = "PgBouncer"
	wirePassword = "bench"
	wireClients  = 16
	wireScale    = "10" // 1,000,000 accounts, some 150 MB
)

// wireTurn is pgbench once before one of the contenders.
type wireTurn struct {
	Contender, Protocol string
	Round               int
	PerSecond           float64       // transactions
	CPU                 time.Duration // of the proxy's process, for each transaction
}

// wireProxy is something that speaks Postgres; process is nil for the server
// itself.
type wireProxy struct {
	name, addr string
	process    *child
}

// wire measures the wire proxy in pass-through beside PgBouncer in session
// mode: select-only pgbench, the same server, in turns.
func (s *settings) wire(ctx context.Context) (outcome, error) {
	o := outcome{}
	cluster, err := postgres.Start(ctx, postgres.Options{Password: wirePassword, Progress: s.progress})
	if err != nil {
		return o, err
	}
	defer func() { _ = cluster.Stop() }()
	if err := cluster.CreateDatabase(ctx, "bench"); err != nil {
		return o, err
	}
	server := net.JoinHostPort("127.0.0.1", strconv.Itoa(cluster.Port()))
	if _, err := pgbench(ctx, cluster, server, "-i", "-q", "-s", wireScale); err != nil {
		return o, err
	}
	proxies, missing, err := s.wireProxies(ctx, cluster, server)
	defer func() {
		for _, p := range proxies {
			p.process.stop()
		}
	}()
	if err != nil {
		return o, err
	}
	for _, protocol := range []string{"simple", "prepared"} {
		all, err := s.wireTurns(ctx, cluster, proxies, protocol)
		if err != nil {
			return o, err
		}
		o.add(all, all.table(protocol, proxies).note(missing...))
		o.Budgets = append(o.Budgets, all.budget(protocol))
	}
	return o, nil
}

// wireProxies starts what takes part. A program that is missing is left out,
// with a note.
func (s *settings) wireProxies(ctx context.Context, cluster *postgres.Cluster, server string) (list []wireProxy, missing []string, err error) {
	list = []wireProxy{{name: "direct", addr: server}}
	addr, err := freePort()
	if err != nil {
		return list, nil, err
	}
	p, err := start(s.dir, "pgwire", []string{"QUACK_DB_BENCH=" + cluster.DSN("bench")}, s.program, "pgwire", "--listen", addr, "--database", "bench")
	if err != nil {
		return list, nil, err
	}
	list = append(list, wireProxy{wireQuack, addr, p})
	bouncer, err := s.pgbouncer(server)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		missing = append(missing, "PgBouncer is not installed and took no part: run scripts/setup-bench")
	case err != nil:
		return list, nil, err
	default:
		list = append(list, bouncer)
	}
	for _, p := range list {
		if err := p.serves(ctx, cluster); err != nil {
			return list, missing, err
		}
	}
	return list, missing, nil
}

// serves waits until a select comes through.
func (p wireProxy) serves(ctx context.Context, cluster *postgres.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		_, err := pgbench(ctx, cluster, p.addr, "-n", "-S", "-t", "1")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not serve: %w\n%s", p.name, err, p.process.lastWords())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// pgbouncer starts PgBouncer in session mode, with a server connection for each
// client. It refuses to be root.
func (s *settings) pgbouncer(server string) (wireProxy, error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		return wireProxy{}, err
	}
	addr, err := freePort()
	if err != nil {
		return wireProxy{}, err
	}
	host, port, _ := net.SplitHostPort(server)
	_, listen, _ := net.SplitHostPort(addr)
	file := filepath.Join(s.dir, "pgbouncer.ini")
	text := fmt.Sprintf(pgbouncerIni, host, port, wirePassword, listen)
	if _, err := user.Lookup("postgres"); os.Geteuid() == 0 && err == nil {
		text += "user = postgres\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return wireProxy{}, err
	}
	if err := os.Chmod(s.dir, 0o755); err != nil { // for that user
		return wireProxy{}, err
	}
	p, err := start(s.dir, "pgbouncer", nil, program, file)
	return wireProxy{wireBouncer, addr, p}, err
}

const pgbouncerIni = `[databases]
bench = host=%s port=%s dbname=bench user=postgres password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = session
default_pool_size = 100
max_client_conn = 200
log_connections = 0
log_disconnections = 0
`

// pgbench runs pgbench against addr and returns what it prints.
func pgbench(ctx context.Context, cluster *postgres.Cluster, addr string, args ...string) ([]byte, error) {
	host, port, _ := net.SplitHostPort(addr)
	cmd := exec.CommandContext(ctx, cluster.Program("pgbench"), append([]string{"-h", host, "-p", port, "-U", "postgres"}, append(args, "bench")...)...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+wirePassword, "PGSSLMODE=disable")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("pgbench: %w\n%s", err, bytes.TrimSpace(out))
	}
	return out, nil
}

func (s *settings) wireTurns(ctx context.Context, cluster *postgres.Cluster, proxies []wireProxy, protocol string) (wireTurns, error) {
	var all wireTurns
	seconds := strconv.Itoa(max(1, int(s.duration.Seconds())))
	for round := range s.rounds {
		s.say("wire proxy, %s protocol, round %d of %d", protocol, round+1, s.rounds)
		for _, p := range proxies {
			before, err := p.cpu()
			if err != nil {
				return nil, err
			}
			out, err := pgbench(ctx, cluster, p.addr, "-n", "-S", "-M", protocol, "-c", strconv.Itoa(wireClients), "-j", "2", "-T", seconds)
			if err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", p.name, err, p.process.lastWords())
			}
			after, err := p.cpu()
			if err != nil {
				return nil, err
			}
			t := wireTurn{Contender: p.name, Protocol: protocol, Round: round}
			var n float64
			if t.PerSecond, n, err = readPgbench(out); err != nil {
				return nil, err
			}
			t.CPU = time.Duration(float64(after-before) / n)
			all = append(all, t)
		}
	}
	return all, nil
}

func (p wireProxy) cpu() (time.Duration, error) {
	if p.process == nil {
		return 0, nil
	}
	return cpuOf(p.process.cmd.Process.Pid)
}

// readPgbench reads the transactions per second, without the time to connect,
// and how many there were.
func readPgbench(out []byte) (perSecond, n float64, err error) {
	const rate, count = "tps = ", "number of transactions actually processed: "
	for line := range bytes.Lines(out) {
		if v, ok := bytes.CutPrefix(line, []byte(rate)); ok {
			perSecond, _ = strconv.ParseFloat(string(bytes.Fields(v)[0]), 64)
		}
		if v, ok := bytes.CutPrefix(line, []byte(count)); ok {
			n, _ = strconv.ParseFloat(string(bytes.Fields(bytes.Split(v, []byte("/"))[0])[0]), 64)
		}
	}
	if perSecond <= 0 || n <= 0 {
		return 0, 0, fmt.Errorf("pgbench printed no rate:\n%s", out)
	}
	return perSecond, n, nil
}

type wireTurns []wireTurn

func (all wireTurns) of(contender string, figure func(wireTurn) float64) []float64 {
	var list []float64
	for _, t := range all {
		if t.Contender == contender {
			list = append(list, figure(t))
		}
	}
	return list
}

func (all wireTurns) table(protocol string, proxies []wireProxy) *table {
	t := &table{
		Title: fmt.Sprintf("wire proxy without a lane, pgbench -S, %s protocol, %d clients", protocol, wireClients),
		Head:  []string{"", "transactions/s", "CPU µs/transaction"},
	}
	for _, p := range proxies {
		t.Rows = append(t.Rows, []string{p.name, whole(median(all.of(p.name, perSecond))), decimal(median(all.of(p.name, cpuEachTransaction)))})
	}
	return t
}

func perSecond(t wireTurn) float64          { return t.PerSecond }
func cpuEachTransaction(t wireTurn) float64 { return float64(t.CPU.Nanoseconds()) / 1000 }

// budget is the ratio of DESIGN 7, round by round.
func (all wireTurns) budget(protocol string) budget {
	what := fmt.Sprintf("pgbench -S (%s), transactions/s: quack pgwire / PgBouncer", protocol)
	ours, theirs := all.of(wireQuack, perSecond), all.of(wireBouncer, perSecond)
	if len(ours) != len(theirs) || len(ours) == 0 {
		return budget{What: what, Limit: "≥ 0.80", Verdict: notMeasured}
	}
	var ratios []float64
	for i := range ours {
		ratios = append(ratios, ours[i]/theirs[i])
	}
	return atLeast(what, median(ratios), 0.8, "%.2f")
}
