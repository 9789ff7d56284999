package pgwire

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// certificate is one that tests may use.
func certificate(t testing.TB) *tls.Config {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates}
}

func login(dsn string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.QueryRow(ctx, "SELECT 1").Scan(new(int))
}

func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestLogins(t *testing.T) {
	direct := database(t, "")
	encrypted := certificate(t)
	verifier, err := newVerifier(password)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason string
		change func(*Config)
		dsn    func(string) string
		state  string // "" when it works
	}{
		{"SCRAM", func(*Config) {}, same, ""},
		{"SCRAM over TLS", func(c *Config) { c.TLS = encrypted }, withTLS, ""},
		{"SCRAM over TLS from the first byte", func(c *Config) { c.TLS = encrypted }, directTLS, ""},
		{"no TLS where it is a must", func(c *Config) { c.TLS, c.RequireTLS = encrypted, true }, same, stateAuth},
		{"a verifier in place of a password", func(c *Config) { c.Users["postgres"] = verifier.String() }, same, ""},
		{"MD5", func(c *Config) { c.Auth = AuthMD5 }, same, ""},
		{"clear text over TLS", func(c *Config) { c.Auth, c.TLS, c.RequireTLS = AuthCleartext, encrypted, true }, withTLS, ""},
		{"nobody is asked", func(c *Config) { c.Auth, c.Users = AuthTrust, nil }, same, ""},
		{"a wrong password", func(c *Config) { c.Users["postgres"] = "another" }, same, statePassword},
		{"a wrong password, MD5", func(c *Config) { c.Auth, c.Users["postgres"] = AuthMD5, "another" }, same, statePassword},
		{"nobody known", func(c *Config) { c.Users = map[string]string{"other": password} }, same, statePassword},
		{"another database", func(*Config) {}, func(s string) string { return strings.Replace(s, "/test_", "/other_", 1) }, stateNoDatabase},
		{"a database that is not there", func(c *Config) { c.DSN = strings.Replace(c.DSN, "/test_", "/none_", 1) },
			func(s string) string { return strings.Replace(s, "/test_", "/none_", 1) }, stateNoDatabase},
		{"a server that is not there", func(c *Config) { c.DSN = deaf(t, c.DSN) }, same, stateUnreachable},
	} {
		t.Run(c.reason, func(t *testing.T) {
			p := start(t, direct, c.change)
			err := login(c.dsn(p.dsn))
			if (err == nil) != (c.state == "") || state(err) != c.state {
				t.Errorf("got %v, want SQLSTATE %q", err, c.state)
			}
			if s := p.logs.String(); strings.Contains(s, password) {
				t.Errorf("the password is in the log: %s", s)
			}
		})
	}
}

func same(dsn string) string      { return dsn }
func withTLS(dsn string) string   { return strings.Replace(dsn, "sslmode=disable", "sslmode=require", 1) }
func directTLS(dsn string) string { return withTLS(dsn) + "&sslnegotiation=direct" }

// deaf is dsn with a port on which nobody listens.
func deaf(t *testing.T, dsn string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before, after, _ := strings.Cut(dsn, "@127.0.0.1:")
	_, path, _ := strings.Cut(after, "/")
	return before + "@" + l.Addr().String() + "/" + path
}

// What SCRAM says before a password is asked for does not tell whether a role
// exists: as one that does, one that does not has a salt of its own that stays.
func TestRolesCanNotBeFoundOut(t *testing.T) {
	p := start(t, database(t, ""), func(c *Config) {
		c.Users = map[string]string{"postgres": "SCRAM-SHA-256$15000:c2FsdHNhbHRzYWx0c2FsdA==$" +
			"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
	})
	challenge := func(role string) (salt, iterations string) {
		conn := p.rawStartup(int32(version30), "user", role, byte(0))
		_, err := readFrame(conn, maxFrame)
		p.must(err)
		_, err = conn.Write(message('p', scramName, int32(10), []byte("n,,n=,r=ab")))
		p.must(err)
		f, err := readFrame(conn, maxFrame)
		p.must(err)
		_, rest, _ := strings.Cut(string(f), ",s=")
		salt, iterations, _ = strings.Cut(rest, ",i=")
		return salt, iterations
	}
	real, many := challenge("postgres")
	one, first := challenge("alice")
	again, _ := challenge("alice")
	two, second := challenge("bob")
	if one != again || one == two || one == real || len(one) != len(real) || first != many || second != many {
		t.Errorf("salts %s (who exists), %s, %s, %s; iterations %s, %s, %s", real, one, again, two, many, first, second)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	const dsn = "postgres://app:hidden@127.0.0.1/shop"
	for _, c := range []struct {
		reason string
		cfg    Config
		says   string
	}{
		{"no password", Config{DSN: "postgres://app@127.0.0.1/shop"}, "no password for clients"},
		{"clear text without TLS", Config{DSN: dsn, Auth: AuthCleartext}, "need TLS"},
		{"a verifier for MD5", Config{DSN: dsn, Auth: AuthMD5, Users: map[string]string{"app": "SCRAM-SHA-256$4096:c2FsdA==$a:b"}}, "only SCRAM"},
		{"a verifier that is none", Config{DSN: dsn, Users: map[string]string{"app": "SCRAM-SHA-256$4096"}}, "not of the form"},
		{"a DSN that is none", Config{DSN: "postgres://app:hidden@127.0.0.1:port/shop"}, "read the DSN"},
	} {
		_, err := New(c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", c.reason, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the password is in the error: %v", c.reason, err)
		}
	}
}

func TestStartUpThatIsNoStartUp(t *testing.T) {
	p := start(t, database(t, ""), func(c *Config) { c.LoginTimeout = 2 * time.Second })
	for _, c := range []struct {
		reason string
		packet []any
		answer string // contained in what comes back
	}{
		{"too long", []any{int32(version30), bytes.Repeat([]byte("x"), maxStartup)}, stateProtocol},
		{"protocol 2", []any{int32(2 << 16)}, stateFeature},
		{"no end", []any{int32(version30), []byte("user")}, stateProtocol},
		{"no user", []any{int32(version30), byte(0)}, stateAuth},
		{"a later version", []any{int32(version30 + 9), "user", "postgres", "_pq_.new", "1", byte(0)}, "v\x00\x00\x00\x15\x00\x03\x00\x02\x00\x00\x00\x01_pq_.new\x00"},
		{"3.1 is 3.0", []any{int32(version30 + 1), "user", "postgres", byte(0)}, "v\x00\x00\x00\x0c\x00\x03\x00\x00\x00\x00\x00\x00"},
		{"a cancel key that nobody has", []any{int32(codeCancel), int32(1), int32(2)}, ""},
		{"a cancel key that is too long", []any{int32(codeCancel), make([]byte, 300)}, stateProtocol},
		{"GSS", []any{int32(codeGSS)}, "N"},
		{"silence", []any{}, ""},
	} {
		got, err := io.ReadAll(p.rawStartup(c.packet...))
		if err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v", c.reason, err)
		}
		if !strings.Contains(string(got), c.answer) || c.answer == "" && len(got) > 0 && c.reason != "silence" {
			t.Errorf("%s: got %q, want %q", c.reason, got, c.answer)
		}
	}
}

// What came in the clear behind a request for TLS must not count as if it had
// come encrypted.
func TestBytesBeforeTLSAreNotTaken(t *testing.T) {
	p := start(t, database(t, ""), func(c *Config) { c.TLS = certificate(t) })
	conn, err := net.Dial("tcp", p.addr)
	p.must(err)
	defer conn.Close()
	_, err = conn.Write([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2f" + "\x00\x00\x00\x16\x00\x03\x00\x00user\x00postgres\x00\x00"))
	p.must(err)
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	got, _ := io.ReadAll(conn)
	if len(got) == 0 || got[0] != 'S' || bytes.Contains(got, []byte("SCRAM")) {
		t.Errorf("got %q", got)
	}
}

func TestTooManyClients(t *testing.T) {
	p := start(t, database(t, ""), func(c *Config) { c.MaxClients = 1 })
	connect(t, p.dsn)
	if err := login(p.dsn); state(err) != stateTooMany {
		t.Errorf("got %v", err)
	}
}

// Protocol 3.2 has longer keys; a cancel with one works.
func TestProtocol32(t *testing.T) {
	p := start(t, database(t, ""))
	conn := connect(t, p.dsn+"&min_protocol_version=3.2&max_protocol_version=3.2")
	if n := len(conn.PgConn().SecretKey()); n != 32 {
		t.Errorf("a secret of %d bytes", n)
	}
	done := make(chan error)
	go func() { _, err := conn.Exec(context.Background(), "SELECT pg_sleep(60)"); done <- err }()
	until(t, "the query is under way", func() bool {
		return one[int](t, p.direct, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%'") == 1
	})
	p.must(conn.PgConn().CancelRequest(context.Background()))
	if err := <-done; state(err) != catalog.StateCancelled {
		t.Errorf("got %v", err)
	}
}

func FuzzStartup(f *testing.F) {
	f.Add([]byte("\x00\x03\x00\x00user\x00a\x00database\x00b\x00\x00"))
	f.Add([]byte("\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) < 4 {
			return
		}
		h, err := parseStartup(packet)
		if err == nil && h.cancel == nil && h.params["user"] == "" {
			t.Error("no user, and no error")
		}
		h.negotiate()
	})
}

func FuzzSCRAM(f *testing.F) {
	f.Add([]byte("SCRAM-SHA-256\x00\x00\x00\x00\x09n,,n=,r=a"), []byte("c=biws,r=ab,p=AAAA"))
	f.Fuzz(func(t *testing.T, first, final []byte) {
		if a, err := parseInitial(first); err == nil && a.nonce == "" {
			t.Error("no nonce, and no error")
		}
		parseFinal(final, "n,,", "ab")
	})
}

// FuzzHeaders holds scan to readFrame: both find the same messages, however the
// stream is cut.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte("Q\x00\x00\x00\x05\x00S\x00\x00\x00\x04"), 3)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		var want []byte
		for r := bytes.NewReader(stream); ; {
			fr, err := readFrame(r, maxFrame)
			if err != nil {
				break
			}
			want = append(want, fr.kind())
		}
		var h headers
		var got []byte
		cut = max(1, cut%7)
		for at := 0; at < len(stream); at += cut {
			h.scan(stream[at:min(at+cut, len(stream))], func(k byte) { got = append(got, k) })
		}
		if !bytes.HasPrefix(got, want) || len(got) > len(want)+1 {
			t.Errorf("scan found %q, readFrame %q", got, want)
		}
	})
}
