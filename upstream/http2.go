package upstream

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// newHTTP2 is an engine for HTTP/2 that adds nothing to what it is given.
func (i *Instance) newHTTP2() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	config := i.tls.Clone()
	config.NextProtos = []string{"h2"}
	t := &http.Transport{
		Protocols:              protocols,
		DisableCompression:     true,
		DisableKeepAlives:      i.options.Reuse == ReuseNever,
		MaxIdleConnsPerHost:    i.options.IdleConns,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: i.options.MaxHeaderBytes,
		ExpectContinueTimeout:  continueWait,
	}
	dialer := &net.Dialer{Timeout: i.options.DialTimeout}
	t.DialContext = i.noted(dialer.DialContext)
	t.DialTLSContext = i.noted(func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return secure(ctx, conn, config, i.options.DialTimeout)
	})
	return t
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// noted is dial whose outcome the instance learns.
func (i *Instance) noted(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		before := i.rest.Load()
		conn, err := dial(ctx, network, addr)
		if err != nil {
			// A dial is broken off only by its own timeout: the engine lets it go
			// on without the request that asked for it.
			i.unreachable(before, time.Now())
			return nil, dialError{err}
		}
		i.reached()
		return conn, nil
	}
}

// sendHTTP2 makes the call over HTTP/2.
func (i *Instance) sendHTTP2(req *http.Request, call Call, w wait, counted bool) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	if call.Interim != nil || call.Sent != nil {
		ctx = httptrace.WithClientTrace(ctx, traceOf(call))
	}
	late := &lateness{limit: w.limit}
	if w.limit > 0 {
		late.timer = time.AfterFunc(time.Until(w.until), func() { cancel(ErrHeadTimeout) })
	}
	res, err := i.attemptHTTP2(req.WithContext(ctx), late)
	// Where HTTP/2 says that a request was not worked on, Transport repeats it.
	// A connection that is lost says nothing.
	if err != nil && call.Idempotent && ctx.Err() == nil && !NotSent(err) && (req.GetBody != nil || req.ContentLength == 0) {
		res, err = i.attemptHTTP2(req.WithContext(ctx), late)
	}
	if !late.met() && err == nil {
		_ = res.Body.Close() // the head came too late
		err = ErrHeadTimeout
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		cancel(nil)
		return nil, err
	}
	end := func() {
		cancel(nil)
		if counted {
			i.leave()
		}
		if i.retired.Load() {
			i.h2.CloseIdleConnections()
		}
	}
	res.Request = req
	if res.Body == http.NoBody {
		end()
		return res, nil
	}
	res.Body = &endedBody{ReadCloser: res.Body, end: end, cause: func() error { return context.Cause(ctx) }}
	return res, nil
}

// traceOf is what call asks for in terms of httptrace.
func traceOf(call Call) *httptrace.ClientTrace {
	t := new(httptrace.ClientTrace)
	if call.Interim != nil {
		t.Got1xxResponse = func(code int, header textproto.MIMEHeader) error { return call.Interim(code, http.Header(header)) }
	}
	if call.Sent != nil {
		t.WroteRequest = func(httptrace.WroteRequestInfo) { call.Sent() }
	}
	return t
}

// attemptHTTP2 sends req, whose body moves the time limit, once.
func (i *Instance) attemptHTTP2(req *http.Request, late *lateness) (*http.Response, error) {
	req.Header = maps.Clone(req.Header)
	if _, ok := req.Header["User-Agent"]; !ok {
		// The engine's way of not sending one of its own.
		req.Header["User-Agent"] = []string{""}
	}
	if strings.HasPrefix(req.URL.Opaque, "//") {
		// Its way to a path that begins so: what stands before is taken off again.
		host := req.Host
		if host == "" {
			host = req.URL.Host
		}
		u := *req.URL
		u.Opaque = "//" + host + u.Opaque
		req.URL = &u
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		req.Body = body
	}
	if req.Body != nil && req.Body != http.NoBody && late.limit > 0 {
		req.Body = &movingBody{ReadCloser: req.Body, late: late}
	}
	return i.h2.RoundTrip(req)
}

// lateness bounds the wait for an answer's head.
type lateness struct {
	limit time.Duration

	mu    sync.Mutex
	over  bool
	timer *time.Timer // nil without a limit
}

// moved begins the wait anew.
func (l *lateness) moved() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.timer.Reset(l.limit)
	}
}

// met ends the wait, and reports whether it was in time.
func (l *lateness) met() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	return l.timer == nil || l.timer.Stop()
}

type movingBody struct {
	io.ReadCloser
	late *lateness
}

func (b *movingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.late.moved()
	return n, err
}

// endedBody is a body with whose end the call ends.
type endedBody struct {
	io.ReadCloser
	once  sync.Once
	end   func()
	cause func() error // why the call has ended; nil while it has not
}

func (b *endedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		if cause := b.cause(); cause != nil && err != io.EOF {
			err = cause
		}
		b.once.Do(b.end)
	}
	return n, err
}

func (b *endedBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.end)
	return err
}
