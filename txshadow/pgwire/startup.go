package pgwire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// Codes that stand in place of a protocol version.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSS    = 80877104
	version30  = 3 << 16
	version32  = 3<<16 | 2
)

// maxStartup is the greatest start-up packet, PostgreSQL's own limit.
// maxPreAuth is the greatest message of a client that has not logged in.
const (
	maxStartup = 10000
	maxPreAuth = 8 << 10
)

// hello is what a client's first packet says.
type hello struct {
	version uint32
	params  map[string]string // without those of the protocol (_pq_.…)
	unknown []string          // of the protocol, none of which we know
	cancel  []byte            // a cancel key instead
}

// greeting deals with what comes before the start-up packet: requests for
// encryption. Nothing is read beyond a packet's end, so that what was sent in
// the clear can not pass as if it had come encrypted.
func (s *Server) greeting(ctx context.Context, conn net.Conn) (net.Conn, hello, error) {
	asked := map[uint32]bool{}
	for {
		packet, direct, err := readStartup(conn)
		if err != nil {
			return conn, hello{}, err
		}
		if direct != nil {
			if conn, err = s.startTLS(ctx, direct, true); err != nil {
				return conn, hello{}, err
			}
			asked[codeSSL] = true
			continue
		}
		code := binary.BigEndian.Uint32(packet)
		if code != codeSSL && code != codeGSS || asked[code] {
			h, err := parseStartup(packet)
			return conn, h, err
		}
		asked[code] = true
		if conn, err = s.answer(ctx, conn, code); err != nil {
			return conn, hello{}, err
		}
	}
}

// answer says whether there is the encryption that code asks for, and starts it.
func (s *Server) answer(ctx context.Context, conn net.Conn, code uint32) (net.Conn, error) {
	_, already := conn.(*tls.Conn)
	if code == codeGSS || s.cfg.TLS == nil || already {
		_, err := conn.Write([]byte{'N'})
		return conn, err
	}
	if _, err := conn.Write([]byte{'S'}); err != nil {
		return conn, err
	}
	return s.startTLS(ctx, conn, false)
}

func (s *Server) startTLS(ctx context.Context, conn net.Conn, direct bool) (net.Conn, error) {
	if s.cfg.TLS == nil {
		return conn, errors.New("a client began with TLS, and there is none")
	}
	cfg := s.cfg.TLS.Clone()
	cfg.NextProtos = []string{"postgresql"}
	encrypted := tls.Server(conn, cfg)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return conn, fmt.Errorf("TLS with a client: %w", err)
	}
	if direct && encrypted.ConnectionState().NegotiatedProtocol != "postgresql" {
		return encrypted, errors.New("a client began with TLS and did not name the protocol postgresql")
	}
	return encrypted, nil
}

// readStartup reads a packet without its length. A connection that begins with
// a TLS handshake comes back as direct, with nothing lost.
func readStartup(conn net.Conn) (packet []byte, direct net.Conn, err error) {
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, nil, err
	}
	if _, encrypted := conn.(*tls.Conn); size[0] == 0x16 && !encrypted {
		return nil, &unread{Conn: conn, first: bytes.NewReader(size[:])}, nil
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 8 || n > maxStartup {
		return nil, nil, fatal(stateProtocol, "invalid length of startup packet")
	}
	packet = make([]byte, n-4)
	if _, err := io.ReadFull(conn, packet); err != nil {
		return nil, nil, unexpected(err)
	}
	return packet, nil, nil
}

// unread is a connection of which some bytes have been read already.
type unread struct {
	net.Conn
	first *bytes.Reader
}

func (u *unread) Read(b []byte) (int, error) {
	if u.first.Len() > 0 {
		return u.first.Read(b)
	}
	return u.Conn.Read(b)
}

// parseStartup reads a packet without its length, of at least four bytes.
func parseStartup(packet []byte) (hello, error) {
	h := hello{version: binary.BigEndian.Uint32(packet), params: map[string]string{}}
	rest := packet[4:]
	if h.version == codeCancel {
		if len(rest) < 8 || len(rest) > 4+256 {
			return h, fatal(stateProtocol, "invalid length of query cancel packet")
		}
		h.cancel = rest
		return h, nil
	}
	if h.version>>16 != 3 {
		return h, fatal(stateFeature, "unsupported frontend protocol %d.%d: server supports 3.0 to 3.2", h.version>>16, h.version&0xffff)
	}
	for len(rest) > 1 {
		var name, value string
		var ok bool
		if name, rest, ok = field(rest); ok {
			value, rest, ok = field(rest)
		}
		if !ok || name == "" {
			return h, fatal(stateProtocol, "invalid startup packet layout: expected terminator as last byte")
		}
		if strings.HasPrefix(name, "_pq_.") {
			h.unknown = append(h.unknown, name)
			continue
		}
		h.params[name] = value
	}
	if len(rest) != 1 || rest[0] != 0 {
		return h, fatal(stateProtocol, "invalid startup packet layout: expected terminator as last byte")
	}
	if h.params["user"] == "" {
		return h, fatal(stateAuth, "no PostgreSQL user name specified in startup packet")
	}
	return h, nil
}

// negotiate settles on a version, and says so when it is not the one asked
// for. We speak 3.0 and 3.2; there has never been a 3.1.
func (h *hello) negotiate() []byte {
	asked := h.version
	switch {
	case asked >= version32:
		h.version = version32
	case asked != version30:
		h.version = version30
	}
	if asked == h.version && len(h.unknown) == 0 {
		return nil
	}
	parts := []any{int32(h.version), int32(len(h.unknown))}
	for _, name := range h.unknown {
		parts = append(parts, name)
	}
	return message('v', parts...)
}

// serve sees one client from its first byte to its last.
func (s *Server) serve(ctx context.Context, conn net.Conn, room bool) {
	conn.SetDeadline(time.Now().Add(s.cfg.LoginTimeout))
	secured, h, err := s.greeting(ctx, conn)
	if h.cancel != nil && err == nil {
		s.keys.cancel(ctx, h.cancel)
		return
	}
	if err == nil && !room {
		err = fatal(stateTooMany, "sorry, too many clients already")
	}
	if err == nil {
		err = s.login(secured, &h)
	}
	if err != nil {
		s.turnAway(secured, err)
		return
	}
	if s.lane != nil {
		s.lane.serve(ctx, secured, h)
		return
	}
	s.pass(ctx, secured, h)
}

// turnAway tells a client why, when it can be told.
func (s *Server) turnAway(conn net.Conn, err error) {
	var f *failure
	if errors.As(err, &f) {
		conn.Write(f.frame())
	}
	s.log.Debug("a Postgres client was turned away", "client", conn.RemoteAddr().String(), "err", err)
}

// login checks who a client is, and what it wants.
func (s *Server) login(conn net.Conn, h *hello) error {
	if _, encrypted := conn.(*tls.Conn); s.cfg.RequireTLS && !encrypted {
		return fatal(stateAuth, "TLS is required")
	}
	if negotiated := h.negotiate(); negotiated != nil {
		if _, err := conn.Write(negotiated); err != nil {
			return err
		}
	}
	if err := s.authenticate(conn, h.params["user"]); err != nil {
		return err
	}
	database := h.params["database"]
	if database == "" {
		database = h.params["user"]
	}
	if database != s.database() {
		return fatal(stateNoDatabase, "database %q is not served here", database)
	}
	return nil
}

// database is the one that is served.
func (s *Server) database() string {
	if s.upstream.Database != "" {
		return s.upstream.Database
	}
	return s.upstream.User
}

// welcome is what a client gets once its session is there, up to and with the
// first ReadyForQuery.
func welcome(params map[string]string, key []byte) []byte {
	b := []byte(message('R', int32(0)))
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b = append(b, message('S', name, params[name])...)
	}
	b = append(b, message('K', key)...)
	return append(b, message('Z', byte('I'))...)
}
