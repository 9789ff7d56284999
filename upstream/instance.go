package upstream

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Instance is one URL of a backend.
type Instance struct {
	URL *url.URL // scheme and host

	kept  *http.Transport // keeps connections alive: for what may be sent twice
	fresh *http.Transport // a connection for each call: for what may not
	exact *http.Transport // like fresh, for targets that need exactConn

	slots     chan struct{} // one per call under way; nil is no limit
	calls     atomic.Int64  // calls under way
	unhealthy atomic.Bool
	rest      atomic.Pointer[rest] // nil when the last dial worked
	retired   atomic.Bool          // leave no idle connection behind
	standing  standing
}

func newInstance(u *url.URL, o Options) *Instance {
	i := &Instance{
		URL:   &url.URL{Scheme: u.Scheme, Host: u.Host},
		kept:  newTransport(o),
		fresh: newTransport(o),
		exact: newTransport(o),
	}
	i.fresh.DisableKeepAlives = true
	i.exact.DisableKeepAlives = true
	i.dialWith(i.kept, func(c net.Conn) net.Conn { return c })
	i.dialWith(i.fresh, func(c net.Conn) net.Conn { return c })
	i.dialWith(i.exact, func(c net.Conn) net.Conn { return &exactConn{Conn: c} })
	if o.MaxConns > 0 {
		i.slots = make(chan struct{}, o.MaxConns)
	}
	return i
}

// newTransport is an engine that adds nothing to what it is given.
func newTransport(o Options) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: o.DialTimeout}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        o.tlsConfig(),
		TLSHandshakeTimeout:    o.DialTimeout,
		Protocols:              protocols,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    o.IdleConns,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: o.MaxHeaderBytes,
		// A backend that knows nothing of Expect gets the body after this long.
		ExpectContinueTimeout: time.Second,
	}
}

// Healthy reports what the last health check found; true without checks.
func (i *Instance) Healthy() bool { return !i.unhealthy.Load() }

// RoundTrip sends req, made by NewRequest for this call, to the instance. req
// is addressed to the instance by it. The answer's body must be closed. An
// idempotent request may reuse a kept-alive connection, and is sent again when
// that was closed before an answer came; an unsafe one (idempotent == false),
// or one whose body can not be had twice, goes over a connection of its own,
// so that none can be lost to a close in between and none is sent twice.
// NotSent tells the errors after which another instance may be asked.
func (i *Instance) RoundTrip(req *http.Request, idempotent bool) (*http.Response, error) {
	if err := i.enter(req.Context()); err != nil {
		closeBody(req)
		return nil, fmt.Errorf("wait for one of %d calls to %s to end: %w", cap(i.slots), i.URL.Host, err)
	}
	res, err := i.send(req, idempotent)
	if err != nil {
		i.leave()
		return nil, fmt.Errorf("call %s: %w", i.URL.Host, err)
	}
	res.Body = i.counted(res.Body)
	return res, nil
}

func (i *Instance) enter(ctx context.Context) error {
	i.calls.Add(1)
	if i.slots == nil {
		return nil
	}
	select {
	case i.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		i.calls.Add(-1)
		return context.Cause(ctx)
	}
}

func (i *Instance) leave() {
	i.calls.Add(-1)
	if i.slots != nil {
		<-i.slots
	}
}

// send addresses req to the instance and chooses how it travels.
func (i *Instance) send(req *http.Request, idempotent bool) (*http.Response, error) {
	req.URL.Scheme, req.URL.Host = i.URL.Scheme, i.URL.Host
	if strings.HasPrefix(req.URL.Opaque, "//") {
		req.Close = true
		return i.exact.RoundTrip(req)
	}
	if !idempotent || !repeatable(req) || i.retired.Load() {
		// Close also lets a refused "Expect: 100-continue" end without its
		// body being asked for. Upgrade needs the Connection field for itself.
		req.Close = req.Header.Get("Upgrade") == ""
		return i.fresh.RoundTrip(req)
	}
	markRepeatable(req)
	return i.kept.RoundTrip(req)
}

func repeatable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// markRepeatable tells the engine that a request with another method than GET,
// HEAD, OPTIONS and TRACE may be sent again: it takes this field as the sign,
// and sends nothing for it when it has no value (documentation of
// http.Transport).
func markRepeatable(req *http.Request) {
	const sign = "X-Idempotency-Key"
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return
	}
	if _, ok := req.Header[sign]; !ok {
		req.Header = maps.Clone(req.Header)
		req.Header[sign] = nil
	}
}

// counted is body, whose Close ends the call. A body that can be written to
// (101 Switching Protocols) stays one.
func (i *Instance) counted(body io.ReadCloser) io.ReadCloser {
	c := &countedBody{ReadCloser: body, instance: i}
	if rw, ok := body.(io.ReadWriteCloser); ok {
		return &countedStream{countedBody: c, stream: rw}
	}
	return c
}

type countedBody struct {
	io.ReadCloser
	instance *Instance
	closed   atomic.Bool
}

func (b *countedBody) Close() error {
	err := b.ReadCloser.Close()
	if b.closed.CompareAndSwap(false, true) {
		b.instance.leave()
	}
	return err
}

type countedStream struct {
	*countedBody
	stream io.ReadWriteCloser
}

func (s *countedStream) Write(p []byte) (int, error) { return s.stream.Write(p) }

// CloseWrite says that nothing more will be written, where the connection can.
func (s *countedStream) CloseWrite() error {
	if half, ok := s.stream.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return http.ErrNotSupported
}

func (i *Instance) closeIdle() {
	i.kept.CloseIdleConnections()
	i.fresh.CloseIdleConnections()
	i.exact.CloseIdleConnections()
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // the caller has its error already
	}
}
