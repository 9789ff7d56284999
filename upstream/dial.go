package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// NotSent reports whether a call failed because no connection could be
// established (refused, timed out, no such host, TLS handshake): nothing of
// the request was sent and its body was not read, only closed. An idempotent
// one may have been sent before, over a kept connection that was closed under
// it, and is free to be sent again anyway.
func NotSent(err error) bool {
	var d dialError
	return errors.As(err, &d)
}

// dialError is that a connection could not be established.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// dialWith makes t establish its connections, TLS included, where the instance
// learns of the outcome. wrap is given each one that will carry requests.
func (i *Instance) dialWith(t *http.Transport, wrap func(net.Conn) net.Conn) {
	plain := t.DialContext
	through := func(establish func(ctx context.Context, network, addr string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, addr string) (net.Conn, error) {
			before := i.rest.Load()
			conn, err := establish(ctx, network, addr)
			if err != nil {
				// A dial is broken off only by its own timeout: the engine lets
				// it go on without the request that asked for it.
				i.unreachable(before, time.Now())
				return nil, dialError{err}
			}
			i.reached()
			return wrap(conn), nil
		}
	}
	t.DialContext = through(plain)
	t.DialTLSContext = through(func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := plain(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return secure(ctx, conn, addr, t)
	})
}

// secure is conn under TLS.
func secure(ctx context.Context, conn net.Conn, addr string, t *http.Transport) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	named := t.TLSClientConfig.Clone()
	if named.ServerName == "" {
		named.ServerName = host
	}
	over := tls.Client(conn, named)
	ctx, cancel := context.WithTimeout(ctx, t.TLSHandshakeTimeout)
	defer cancel()
	if err := over.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error says more
		return nil, err
	}
	return over, nil
}
