package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/quackproxy/quack/txshadow/pgwire"
)

// pgwireCmd is the Postgres wire proxy alone: it passes frames through. Lanes
// are opened by who embeds it.
type pgwireCmd struct {
	Listen     string `default:"127.0.0.1:6433" env:"QUACK_PGWIRE_LISTEN" help:"Address for Postgres clients; a path is a Unix socket (127.0.0.1:6433)." placeholder:"HOST:PORT"`
	Database   string `required:"" help:"Name of the database; its DSN is read from QUACK_LANES_NAME, else QUACK_DB_NAME." placeholder:"NAME"`
	Auth       string `default:"scram" enum:"scram,md5,password,trust" help:"How clients log in: scram, md5, password (in clear text, needs TLS) or trust (from this machine only) (scram)."`
	TLSCert    string `name:"tls-cert" help:"Certificate for clients, PEM." placeholder:"FILE"`
	TLSKey     string `name:"tls-key" help:"Its key, PEM." placeholder:"FILE"`
	RequireTLS bool   `name:"require-tls" help:"Refuse clients without TLS."`
	MaxClients int    `default:"500" help:"Connections at once (500)." placeholder:"N"`
}

func (c *pgwireCmd) Run(ctx context.Context, s *streams) error {
	cfg, err := c.config(os.Getenv)
	if err != nil {
		return coded{exitUsage, err}
	}
	redaction, err := newRedaction(os.Getenv("QUACK_SECRET"))
	if err != nil {
		return err
	}
	cfg.Log = slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{ReplaceAttr: redaction.attr}))
	server, err := pgwire.New(cfg)
	if err != nil {
		return coded{exitUsage, err}
	}
	l, err := net.Listen(networkOf(c.Listen), c.Listen)
	if err != nil {
		return fmt.Errorf("listen for Postgres clients: %w\n  %s", err, bindable("--listen", err))
	}
	fmt.Fprintf(s.err, "Postgres clients: %s, database %s\n", l.Addr(), c.Database)
	return server.Serve(ctx, l)
}

func networkOf(addr string) string {
	if len(addr) > 0 && addr[0] == '/' {
		return "unix"
	}
	return "tcp"
}

// config reads secrets through getenv: the DSN, and who may log in when that
// is not the role of the DSN.
func (c *pgwireCmd) config(getenv func(string) string) (pgwire.Config, error) {
	cfg := pgwire.Config{DSN: lanesDSN(c.Database, getenv), RequireTLS: c.RequireTLS, MaxClients: c.MaxClients}
	if cfg.DSN == "" {
		return cfg, fmt.Errorf("%s is not set\n  put the DSN of the database %q in it, with the role of the application", lanesVariable(c.Database), c.Database)
	}
	cfg.Auth = map[string]pgwire.Auth{"scram": pgwire.AuthSCRAM, "md5": pgwire.AuthMD5, "password": pgwire.AuthCleartext, "trust": pgwire.AuthTrust}[c.Auth]
	switch {
	case c.MaxClients < 1:
		return cfg, fmt.Errorf("--max-clients %d is not above zero", c.MaxClients)
	case c.Auth == "password" && !c.RequireTLS:
		return cfg, errors.New("--auth password is in clear text, and clients may come without TLS\n  add --require-tls with --tls-cert and --tls-key, or take --auth scram")
	}
	role, password := getenv("QUACK_PGWIRE_ROLE"), getenv("QUACK_PGWIRE_PASSWORD")
	if (role == "") != (password == "") {
		return cfg, errors.New("QUACK_PGWIRE_ROLE and QUACK_PGWIRE_PASSWORD belong together\n  set both, or neither: then role and password of the DSN log in")
	}
	if role != "" {
		cfg.Users = map[string]string{role: password}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") || c.RequireTLS && c.TLSCert == "" {
		return cfg, errors.New("--tls-cert and --tls-key belong together, and --require-tls needs them\n  name PEM files: --tls-cert FILE --tls-key FILE")
	}
	if c.TLSCert != "" {
		certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return cfg, fmt.Errorf("read the certificate for Postgres clients: %w", err)
		}
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	return cfg, nil
}
