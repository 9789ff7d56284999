package pgwire

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// user is one who may log in.
type user struct {
	verifier *verifier
	password string // for AuthMD5 and AuthCleartext only
}

// logins makes the users of a configuration.
func (c *Config) logins(up *pgconn.Config) (map[string]*user, error) {
	passwords := c.Users
	if len(passwords) == 0 && c.Auth != AuthTrust {
		if up.Password == "" {
			return nil, errors.New("the DSN of the wire proxy's database has no password for clients to log in with\n  put a password in the DSN (QUACK_LANES_NAME, or QUACK_DB_NAME), or for quack pgwire set QUACK_PGWIRE_ROLE and QUACK_PGWIRE_PASSWORD; in Go, name Users")
		}
		passwords = map[string]string{up.User: up.Password}
	}
	users := map[string]*user{}
	for name, password := range passwords {
		isVerifier := strings.HasPrefix(password, scramName+"$")
		switch {
		case c.Auth == AuthSCRAM && isVerifier:
			v, err := parseVerifier(password)
			if err != nil {
				return nil, fmt.Errorf("the verifier of role %q: %w", name, err)
			}
			users[name] = &user{verifier: v}
		case c.Auth == AuthSCRAM:
			v, err := newVerifier(password)
			if err != nil {
				return nil, fmt.Errorf("make a verifier for role %q: %w", name, err)
			}
			users[name] = &user{verifier: v}
		case isVerifier:
			return nil, fmt.Errorf("role %q has a SCRAM verifier, and only SCRAM can use it", name)
		default:
			users[name] = &user{password: password}
		}
	}
	return users, nil
}

// impostor is a user whom nobody can be. It asks for as many iterations as
// the others.
func impostor(users map[string]*user) (*user, error) {
	secret := rand.Text()
	v, err := newVerifier(secret)
	for _, u := range users {
		if err == nil && u.verifier != nil {
			v.iterations = u.verifier.iterations
		}
	}
	return &user{verifier: v, password: secret}, err
}

// named is the impostor under a name: as one who exists, it has a salt of its
// own, and the same at each attempt.
func (u *user) named(name string) *user {
	v := *u.verifier
	v.salt = mac(u.verifier.serverKey, name)[:len(v.salt)]
	return &user{verifier: &v, password: u.password}
}

// authenticate asks a client for its password. That a role does not exist is
// told in the same words as a wrong password.
func (s *Server) authenticate(conn net.Conn, name string) error {
	if s.cfg.Auth == AuthTrust {
		if !isLocal(conn.RemoteAddr()) {
			return fatal(stateAuth, "this login is for this machine only")
		}
		return nil
	}
	who, known := s.users[name]
	if !known {
		who = s.fake.named(name)
	}
	var ok bool
	var err error
	switch s.cfg.Auth {
	case AuthSCRAM:
		ok, err = who.verifier.converse(conn)
	case AuthMD5:
		ok, err = askMD5(conn, name, who.password)
	case AuthCleartext:
		var given []byte
		given, err = ask(conn, message('R', int32(3)))
		ok = subtle.ConstantTimeCompare(bytes.TrimSuffix(given, []byte{0}), []byte(who.password)) == 1
	}
	if err != nil {
		return err
	}
	if !ok || !known {
		s.log.Warn("a Postgres client's login failed", "role", name, "client", conn.RemoteAddr().String())
		return fatal(statePassword, "password authentication failed for user %q", name)
	}
	return nil
}

// ask sends a request for authentication and returns the answer's body.
func ask(conn net.Conn, request frame) ([]byte, error) {
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	f, err := readFrame(conn, maxPreAuth)
	if errors.Is(err, errFrame) {
		return nil, fatal(stateProtocol, "invalid length of an authentication message")
	}
	if err != nil {
		return nil, err
	}
	if f.kind() != 'p' {
		return nil, fatal(stateProtocol, "expected password response, got message type %d", f.kind())
	}
	return f.body(), nil
}

func askMD5(conn net.Conn, name, password string) (bool, error) {
	var salt [4]byte
	rand.Read(salt[:])
	given, err := ask(conn, message('R', int32(5), salt[:]))
	if err != nil {
		return false, err
	}
	digest := func(b []byte) string { sum := md5.Sum(b); return hex.EncodeToString(sum[:]) }
	want := "md5" + digest(append([]byte(digest([]byte(password+name))), salt[:]...)) + "\x00"
	return subtle.ConstantTimeCompare(given, []byte(want)) == 1, nil
}

func isLocal(addr net.Addr) bool {
	if addr.Network() == "unix" {
		return true
	}
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
