package pgwire

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// secured starts a server that takes logins by password, over TLS.
func secured(t *testing.T) (dsn string) {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for d := dir; d != filepath.Dir(d) && d != os.TempDir(); d = filepath.Dir(d) {
		must(os.Chmod(d, 0o755)) // the server is another user's when tests run as root
	}
	pair := certificate(t).Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	must(err)
	cert, secret := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o644))
	must(os.WriteFile(secret, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	if os.Getuid() == 0 {
		who, err := osuser.Lookup("postgres")
		must(err)
		uid, _ := strconv.Atoi(who.Uid)
		must(os.Chown(secret, uid, -1))
	}
	c, err := postgres.Start(context.Background(), postgres.Options{Password: "upstream's own",
		Settings: map[string]string{"ssl": "on", "ssl_cert_file": cert, "ssl_key_file": secret}})
	must(err)
	t.Cleanup(func() { c.Stop() })
	return c.DSN("postgres")
}

// Both legs have passwords and TLS of their own; what a client knows is not
// what the database knows.
func TestBothLegs(t *testing.T) {
	dsn := strings.Replace(secured(t), "sslmode=disable", "sslmode=require", 1)
	for _, cfg := range []*LaneConfig{nil, {}} {
		p := start(t, dsn, func(c *Config) { c.TLS, c.RequireTLS, c.Lane = certificate(t), true, cfg })
		conn := connect(t, p.dsn)
		var encrypted bool
		p.must(conn.QueryRow(context.Background(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted))
		if !encrypted {
			t.Error("the upstream leg is not encrypted")
		}
		done := make(chan error)
		go func() { _, err := conn.Exec(context.Background(), "SELECT pg_sleep(60)"); done <- err }()
		until(t, "the query is under way", func() bool {
			return one[int](t, dsn, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'") == 1
		})
		p.must(conn.PgConn().CancelRequest(context.Background()))
		if err := <-done; state(err) != catalog.StateCancelled {
			t.Errorf("a cancel over TLS: %v", err)
		}
		conn.Close(context.Background())
	}
	wrong := start(t, strings.Replace(dsn, "upstream%27s%20own", "mistaken", 1), func(c *Config) { c.TLS = certificate(t) })
	if err := login(wrong.dsn); state(err) != stateUnreachable {
		t.Errorf("a wrong password upstream: %v", err)
	}
	if strings.Contains(wrong.logs.String(), "mistaken") || fmt.Sprint(wrong.server.cfg.DSN) == dsn {
		t.Errorf("the password is in the log, or was not replaced: %s", wrong.logs.String())
	}
}
