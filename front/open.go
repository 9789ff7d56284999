package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// preface is what an HTTP/2 connection begins with (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// open begins a connection in a goroutine of its own.
func (s *Server) open(raw net.Conn, o *origin) {
	if !s.makeRoom() {
		s.count("full")
		raw.Close()
		return
	}
	c := s.newConn(raw, o)
	if !s.remember(c) {
		raw.Close()
		return
	}
	go func() {
		defer s.loops.Done()
		defer s.running.Add(-1)
		c.serve()
	}()
}

// serve finds out what is spoken over the connection and who serves it.
func (c *conn) serve() {
	if !c.readProxyHeader() {
		c.Close()
		return
	}
	c.remoteText = c.remote.String()
	if c.server.Certificates != nil {
		c.serveTLS()
		return
	}
	c.servePlain()
}

// serveTLS shakes hands. How long that may take is the sweeper's.
func (c *conn) serveTLS() {
	secure := tls.Server(c, c.server.Certificates.config.Load())
	if err := secure.HandshakeContext(context.WithoutCancel(c.origin.ctx)); err != nil {
		c.server.Log.Debug("no TLS handshake", "peer", c.remoteText, "error", err)
		c.sayTLS(err)
		c.Close()
		return
	}
	state := secure.ConnectionState()
	c.stream, c.tls = secure, &state
	if state.NegotiatedProtocol == "h2" {
		c.toHTTP2(secure)
		return
	}
	c.serveHTTP1(nil)
}

// sayTLS answers a client that speaks HTTP in the clear where TLS is spoken.
func (c *conn) sayTLS(err error) {
	var no tls.RecordHeaderError
	if !errors.As(err, &no) || no.Conn == nil || !tokenBytes(no.RecordHeader[:3]) {
		return
	}
	c.server.count("no-tls")
	const text = "This port speaks TLS: ask it with https.\n"
	_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+text)
	lingerOn(c)
}

// servePlain looks at the first bytes: those of HTTP/2 are no request's.
func (c *conn) servePlain() {
	if !c.server.H2C {
		c.serveHTTP1(nil)
		return
	}
	read, ok := c.readFirst()
	switch {
	case !ok:
		c.Close()
	case string(read[:min(len(read), len(preface))]) == preface:
		c.ahead = read
		c.toHTTP2(c)
	default:
		c.serveHTTP1(read)
	}
}

// readFirst reads until it is clear whether the preface comes.
func (c *conn) readFirst() (read []byte, ok bool) {
	buf := make([]byte, laneBuffer)
	n := 0
	for n < len(preface) && string(buf[:n]) == preface[:n] {
		if n == 0 && c.stopped() {
			return nil, false
		}
		m, err := c.Read(buf[n:])
		if n += m; m == 0 && err != nil {
			return nil, false
		}
		if !c.proceed(reading) {
			return nil, false
		}
	}
	return buf[:n], true
}

func (c *conn) toHTTP2(spoken net.Conn) {
	if !c.proceed(foreign) || !c.server.toH2.give(spoken) {
		c.Close()
	}
}

// serveHTTP1 serves what begins with the bytes that were read.
func (c *conn) serveHTTP1(read []byte) {
	if c.server.Front == Std {
		c.toGuard(read)
		return
	}
	begin := idle
	if len(read) > 0 {
		begin = reading
	}
	if !c.proceed(begin) {
		c.Close()
		return
	}
	c.runLane(read)
}
