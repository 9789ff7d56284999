package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/front"
	"github.com/quackproxy/quack/internal/handover"
	"github.com/quackproxy/quack/routes"
)

type serveCmd struct {
	Routes    string    `default:"routes.yaml" env:"QUACK_ROUTES" help:"The table of routes (routes.yaml); read again when it changes and on SIGHUP." placeholder:"FILE"`
	Listen    string    `default:"127.0.0.1:8080" env:"QUACK_LISTEN" help:"Address that clients connect to (127.0.0.1:8080)." placeholder:"ADDR"`
	Admin     string    `default:"127.0.0.1:7070" env:"QUACK_ADMIN" help:"Address of the admin listener: API, pages, metrics (127.0.0.1:7070)." placeholder:"ADDR"`
	Hosts     []string  `name:"admin-host" env:"QUACK_ADMIN_HOSTS" help:"Names under which browsers reach the admin pages, besides localhost and IP addresses." placeholder:"NAME"`
	Health    string    `env:"QUACK_HEALTH" help:"Address that serves only /healthz and /readyz, for load balancers." placeholder:"ADDR"`
	Data      string    `default:"quack-data" env:"QUACK_DATA" help:"Folder of Quack's own store (quack-data)." placeholder:"DIR"`
	ReusePort bool      `env:"QUACK_REUSE_PORT" help:"Let other processes with this flag and data folders of their own listen on the same --listen address; the system spreads connections over them (SO_REUSEPORT)."`
	Trusted   []network `env:"QUACK_TRUSTED" help:"Proxies whose X-Forwarded-* are believed." placeholder:"CIDR"`

	frontFlags

	EvidenceMax int64         `default:"268435456" env:"QUACK_EVIDENCE_MAX" help:"Bytes of evidence kept (268435456, 256 MiB)." placeholder:"BYTES"`
	EvidenceAge time.Duration `default:"2160h" env:"QUACK_EVIDENCE_AGE" help:"How long evidence is kept at most; 0s without a bound. Counters stay."`
	CacheMax    int64         `default:"67108864" env:"QUACK_CACHE_MAX" help:"Bytes of answers cached, for routes with a cache (67108864, 64 MiB)." placeholder:"BYTES"`
	Drain       time.Duration `default:"30s" env:"QUACK_DRAIN" help:"How long a stop waits for requests under way."`
	LameDuck    time.Duration `default:"0s" env:"QUACK_LAME_DUCK" help:"How long a stop says 'not ready' on /readyz before it stops accepting connections; give a load balancer time to see it."`
	UpgradeWait time.Duration `default:"30s" env:"QUACK_UPGRADE_WAIT" help:"How long an upgrade (SIGUSR2) waits for the new process to be ready, before it is given up."`
	PIDFile     string        `name:"pid-file" env:"QUACK_PID_FILE" help:"File that holds the id of the serving process; an upgrade writes it anew." placeholder:"FILE"`
	MetricsOpen bool          `env:"QUACK_METRICS_OPEN" help:"Serve /metrics without the token."`
	LogFormat   string        `default:"text" enum:"text,json" env:"QUACK_LOG_FORMAT" help:"text or json."`
	LogLevel    slog.Level    `default:"info" env:"QUACK_LOG_LEVEL" help:"debug, info, warn or error."`

	accessFlags
}

// Validate is called by kong when the flags have been read.
func (c *serveCmd) Validate() error {
	for _, length := range []struct {
		flag  string
		value time.Duration
	}{{"--drain", c.Drain}, {"--lame-duck", c.LameDuck}, {"--evidence-age", c.EvidenceAge}} {
		if length.value < 0 {
			return fmt.Errorf("%s %s is below zero", length.flag, length.value)
		}
	}
	if c.UpgradeWait <= 0 {
		return fmt.Errorf("--upgrade-wait %s is not above zero", c.UpgradeWait)
	}
	for _, size := range []struct {
		flag  string
		value int64
	}{{"--evidence-max", c.EvidenceMax}, {"--cache-max", c.CacheMax}} {
		if size.value <= 0 {
			return fmt.Errorf("%s %d is not a number of bytes above zero", size.flag, size.value)
		}
	}
	return errors.Join(c.accessFlags.validate(), c.frontFlags.validate())
}

// network is a flag such as 10.0.0.0/8 or 10.1.2.3.
type network netip.Prefix

// UnmarshalText reads a network, or one address.
func (n *network) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil {
		*n = network(netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	prefix, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is neither a network, as in 10.0.0.0/8, nor an address", text)
	}
	*n = network(prefix.Masked())
	return nil
}

// Run binds every listener before anything else, so that an address in use is
// found before the store is touched; then it builds the proxy and runs it
// until ctx ends. Where another process hands over to this one, all that can
// fail without touching what both share is done before that one is asked to
// let go of it.
func (c *serveCmd) Run(ctx context.Context, s *streams) error {
	signals := listenToSignals()
	defer signals.stop()
	before, err := handover.Inherit()
	if err != nil {
		return err
	}
	err = c.serve(ctx, s, signals, before)
	if err != nil && before != nil {
		before.Fail(err)
	}
	return err
}

// prepared is what a proxy is built from: files and settings that were read, and
// nothing that another process could miss.
type prepared struct {
	log          *slog.Logger
	table        *routes.Table
	keys         secrets
	observed     *observed
	certificates *front.Certificates // nil without TLS
}

func (c *serveCmd) serve(ctx context.Context, s *streams, signals *signals, before *handover.Predecessor) error {
	read, err := c.prepare(ctx, s)
	if err != nil {
		return err
	}
	listeners, err := c.bind(before)
	if err != nil {
		return err
	}
	defer listeners.close()
	if before != nil {
		if err := before.Loaded(ctx); err != nil {
			return err
		}
	}
	p, err := c.build(ctx, read, listeners, before)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(ballast())
	p.certificates = read.certificates
	p.front = c.newFront(p.end.handler(p.proxy), read.certificates, read.log)
	if before != nil {
		if err := before.Ready(ctx); err != nil {
			return errors.Join(err, p.db.Close())
		}
		p.db.Sign()
	}
	p.signals, p.pidFile, p.upgradeWait = signals, c.PIDFile, c.UpgradeWait
	return p.run(ctx)
}

func (c *serveCmd) prepare(ctx context.Context, s *streams) (p prepared, err error) {
	redaction, err := newRedaction(os.Getenv("QUACK_SECRET"))
	if err != nil {
		return p, err
	}
	p.log = c.logger(s, redaction)
	if p.table, err = loadTable(c.Routes); err != nil {
		return p, err
	}
	redaction.use(p.table)
	warn(p.log, p.table)
	if p.keys, err = readSecrets(p.table, os.Getenv); err != nil {
		return p, coded{exitUsage, err}
	}
	if err := lanesWithoutDSN(p.table, os.Getenv); err != nil {
		return p, coded{exitUsage, err}
	}
	if p.observed, err = c.observe(ctx, redaction, s.err, p.log); err != nil {
		return p, err
	}
	if p.certificates, err = c.certificates(p.log); err != nil {
		return p, coded{exitUsage, err}
	}
	return p, nil
}

// warn says what is lawful in a table and still may not be meant.
func warn(log *slog.Logger, table *routes.Table) {
	for _, w := range table.Warnings() {
		log.Warn("routes", "warning", w.Error())
	}
	for _, w := range unwatched(table) {
		log.Warn("routes", "warning", w)
	}
}

func (c *serveCmd) logger(s *streams, redaction *redaction) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel, ReplaceAttr: redaction.attr}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.err, options))
	}
	return slog.New(slog.NewTextHandler(s.err, options))
}

// server is a part of the process that serves HTTP on a bound listener.
type server struct {
	ln      net.Listener
	handler http.Handler
	drain   time.Duration // how long a stop waits for requests under way
	log     *slog.Logger

	open atomic.Int64 // connections
}

// run serves until ctx ends, then waits for the requests under way. Requests
// that outlive drain are cut off, and that is an error.
func (s *server) run(ctx context.Context) error {
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	srv := &http.Server{
		BaseContext:                  func(net.Listener) context.Context { return base },
		Handler:                      s.handler,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            30 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               64 << 10,
		ConnState:                    s.count,
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(s.ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drain)
	defer cancel()
	// Shutdown alone would drop a request that it finds just read.
	s.ln.Close()
	srv.SetKeepAlivesEnabled(false) // closes the idle connections, and each other one after its answer
	waitFor(deadline, time.Second, func() bool { return s.open.Load() <= 0 })
	err := srv.Shutdown(deadline)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests still under way after %s were cut off", s.drain), srv.Close())
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) && !errors.Is(ended, net.ErrClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func (s *server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
	}
}
