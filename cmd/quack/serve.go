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
	"time"
)

type serveCmd struct {
	Routes  string    `default:"routes.yaml" env:"QUACK_ROUTES" help:"The table of routes; read again when it changes and on SIGHUP." placeholder:"FILE"`
	Listen  string    `default:"127.0.0.1:8080" env:"QUACK_LISTEN" help:"Address that clients connect to." placeholder:"ADDR"`
	Admin   string    `default:"127.0.0.1:7070" env:"QUACK_ADMIN" help:"Address of the admin listener: API, pages, metrics." placeholder:"ADDR"`
	Hosts   []string  `name:"admin-host" env:"QUACK_ADMIN_HOSTS" help:"Names under which browsers reach the admin pages, besides localhost and IP addresses." placeholder:"NAME"`
	Health  string    `env:"QUACK_HEALTH" help:"Address that serves only /healthz and /readyz, for load balancers." placeholder:"ADDR"`
	Data    string    `default:"quack-data" env:"QUACK_DATA" help:"Folder of Quack's own store." placeholder:"DIR"`
	Trusted []network `env:"QUACK_TRUSTED" help:"Proxies whose X-Forwarded-* are believed." placeholder:"CIDR"`

	frontFlags

	EvidenceMax int64         `default:"268435456" env:"QUACK_EVIDENCE_MAX" help:"Bytes of evidence kept." placeholder:"BYTES"`
	CacheMax    int64         `default:"67108864" env:"QUACK_CACHE_MAX" help:"Bytes of answers cached, for routes with a cache." placeholder:"BYTES"`
	Drain       time.Duration `default:"30s" env:"QUACK_DRAIN" help:"How long a stop waits for requests under way."`
	LameDuck    time.Duration `default:"0s" env:"QUACK_LAME_DUCK" help:"How long a stop says 'not ready' on /readyz before it stops accepting connections; give a load balancer time to see it."`
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
	}{{"--drain", c.Drain}, {"--lame-duck", c.LameDuck}} {
		if length.value < 0 {
			return fmt.Errorf("%s %s is below zero", length.flag, length.value)
		}
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
// until ctx ends.
func (c *serveCmd) Run(ctx context.Context, s *streams) error {
	log := c.logger(s)
	table, err := loadTable(c.Routes)
	if err != nil {
		return err
	}
	for _, w := range table.Warnings() {
		log.Warn("routes", "warning", w.Error())
	}
	keys, err := readSecrets(table, os.Getenv)
	if err != nil {
		return coded{exitUsage, err}
	}
	observed, err := c.observe(ctx, keys, s.err, log)
	if err != nil {
		return err
	}
	certificates, err := c.certificates(log)
	if err != nil {
		return coded{exitUsage, err}
	}
	listeners, err := bind(c.Listen, c.Admin, c.Health)
	if err != nil {
		return err
	}
	defer listeners.close()
	p, err := c.build(ctx, table, keys, listeners, observed, log)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(ballast())
	p.certificates = certificates
	p.front = c.newFront(p.proxy, certificates, log)
	return p.run(ctx)
}

func (c *serveCmd) logger(s *streams) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.err, options))
	}
	return slog.New(slog.NewTextHandler(s.err, options))
}

// listeners are the bound addresses; health is nil without --health.
type listeners struct{ live, admin, health net.Listener }

func bind(live, admin, health string) (*listeners, error) {
	var l listeners
	for _, b := range []struct {
		flag, addr string
		to         *net.Listener
	}{{"--listen", live, &l.live}, {"--admin", admin, &l.admin}, {"--health", health, &l.health}} {
		if b.addr == "" && b.flag == "--health" {
			continue
		}
		ln, err := net.Listen("tcp", b.addr)
		if err != nil {
			l.close()
			return nil, fmt.Errorf("bind %s %q: %w\n  choose another address with %s, or stop what is listening there", b.flag, b.addr, err, b.flag)
		}
		*b.to = ln
	}
	return &l, nil
}

func (l *listeners) close() {
	for _, ln := range []net.Listener{l.live, l.admin, l.health} {
		if ln != nil {
			ln.Close()
		}
	}
}

// server is a part of the process that serves HTTP on a bound listener.
type server struct {
	ln      net.Listener
	handler http.Handler
	drain   time.Duration // how long a stop waits for requests under way
	log     *slog.Logger
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
	err := srv.Shutdown(deadline)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests still under way after %s were cut off", s.drain), srv.Close())
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
