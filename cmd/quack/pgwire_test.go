package main

import (
	"bytes"
	"context"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
)

// said is what a verb prints while it runs.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestPgwireVerb(t *testing.T) {
	dsn := pgtest.NewDatabase(t)
	t.Setenv("QUACK_DB_SHOP", dsn)
	t.Setenv("QUACK_PGWIRE_ROLE", "app")
	t.Setenv("QUACK_PGWIRE_PASSWORD", "hidden")
	ctx, cancel := context.WithCancel(context.Background())
	var errs said
	done := make(chan int)
	go func() {
		done <- run(ctx, []string{"pgwire", "--database", "shop", "--listen", "127.0.0.1:0"}, &said{}, &errs)
	}()
	defer func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("exit code %d: %s", code, errs.String())
		}
	}()
	listens := regexp.MustCompile(`clients: (\S+),`)
	for end := time.Now().Add(time.Minute); !listens.MatchString(errs.String()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not listen: %s", errs.String())
		}
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.User = listens.FindStringSubmatch(errs.String())[1], url.UserPassword("app", "hidden")
	conn, err := pgx.Connect(ctx, u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var who string
	if err := conn.QueryRow(ctx, "SELECT current_user").Scan(&who); err != nil || who != "postgres" {
		t.Errorf("acts as %q: %v", who, err)
	}
	if strings.Contains(errs.String(), "hidden") {
		t.Errorf("the password is in the output: %s", errs.String())
	}
}

func TestPgwireVerbRefuses(t *testing.T) {
	for _, c := range []struct {
		reason string
		env    map[string]string
		args   []string
		says   string
	}{
		{"no DSN", nil, nil, "QUACK_LANES_SHOP is not set"},
		{"half a login", map[string]string{"QUACK_DB_SHOP": "postgres://a:b@h/d", "QUACK_PGWIRE_ROLE": "app"}, nil, "belong together"},
		{"half a certificate", map[string]string{"QUACK_DB_SHOP": "postgres://a:b@h/d"}, []string{"--tls-cert", "x"}, "belong together"},
		{"clear text", map[string]string{"QUACK_DB_SHOP": "postgres://a:b@h/d"}, []string{"--auth", "password"}, "add --require-tls"},
		{"nobody", map[string]string{"QUACK_DB_SHOP": "postgres://a:b@h/d"}, []string{"--max-clients", "0"}, "--max-clients 0 is not above zero"},
		{"no password", map[string]string{"QUACK_DB_SHOP": "postgres://a@h/d"}, nil, "no password for clients"},
	} {
		for _, name := range []string{"QUACK_DB_SHOP", "QUACK_PGWIRE_ROLE", "QUACK_PGWIRE_PASSWORD"} {
			t.Setenv(name, c.env[name])
		}
		var errs said
		code := run(context.Background(), append([]string{"pgwire", "--database", "shop"}, c.args...), &said{}, &errs)
		if code != exitUsage || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: exit code %d, %s", c.reason, code, errs.String())
		}
	}
}

// The wire proxy hands its role on to who logs in: that is the application's,
// and Quack's own, which may do more, only where no other is given.
func TestTheWireProxyTakesTheRoleOfLanes(t *testing.T) {
	env := map[string]string{"QUACK_DB_SHOP": "postgres://guard@h/shop", "QUACK_LANES_SHOP": "postgres://app@h/shop"}
	for _, want := range []string{"postgres://app@h/shop", "postgres://guard@h/shop"} {
		cfg, err := (&pgwireCmd{Database: "shop", Auth: "trust", MaxClients: 1}).config(func(name string) string { return env[name] })
		if err != nil || cfg.DSN != want {
			t.Errorf("%q, %v", cfg.DSN, err)
		}
		delete(env, "QUACK_LANES_SHOP")
	}
}
