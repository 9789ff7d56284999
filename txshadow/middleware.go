package txshadow

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Middleware runs shadow requests so that they leave nothing behind, and
// passes all others to next. It has to be the outermost: what is outside of
// it runs live. A request with a Quack-Shadow that does not verify is refused
// with 403; one that writes and was caused by a shadow, with 409.
func (a *Adapter) Middleware(next http.Handler) http.Handler {
	serve := a.middleware(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.sweep()
		serve.ServeHTTP(w, r)
	})
}

func (a *front) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == HelloPath:
			a.hello(w, r)
		case len(r.Header.Values(HeaderShadow)) > 0:
			a.shadowed(w, r, next)
		default:
			a.ordinary(w, r, next)
		}
	})
}

// ordinary serves a request that is no shadow.
func (a *front) ordinary(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if s := scopeOf(r.Context()); s != nil && s.shadow != nil { // a handler that calls another
		next.ServeHTTP(w, r)
		return
	}
	h, s := r.Header, unmarked
	if h.Get(HeaderRequestID) != "" || h.Get(HeaderReadOnly) != "" || len(h.Values("Baggage")) > 0 {
		s = a.newScope(h)
	}
	if s.baggage != "" && !isSafe(r.Method) {
		// The shadow that caused it would write for real.
		a.log.Warn("refused a write that a shadow request has caused", "request", s.id, "method", r.Method)
		http.Error(w, "txshadow: a shadow request must not cause a live write", http.StatusConflict)
		return
	}
	next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), scopeKey{}, s)))
}

// isSafe is RFC 9110 section 9.2.1.
func isSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// shadowed serves a request that says it is a shadow.
func (a *front) shadowed(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if s := scopeOf(r.Context()); s != nil && s.shadow != nil {
		s.shadow.note("unsupported:two-adapters")
		http.Error(w, "txshadow: a request can be the shadow of one adapter only", http.StatusNotImplemented)
		return
	}
	began := time.Now()
	body := &keptBody{limit: a.maxBody}
	m, err := a.verified(r, io.TeeReader(r.Body, body))
	if err == nil && m.Mode == ModeHello {
		err = errors.New("mode=hello is answered at " + HelloPath + " only")
	}
	if err == nil && m.Mode == ModePrepare && !a.prepares {
		err = errors.New("mode=prepare was not offered: this adapter does not read rows")
	}
	if err != nil {
		a.forbid(w, r, err)
		return
	}
	if o := a.outsiderOf(r); o != nil {
		a.log.Error("a shadow was not run", "request", m.ID, "err", o.err())
		a.acknowledge(w, m, Ending{RolledBack: !o.wrote.Load(), Reason: "unsupported:query-before"}, nil)
		return
	}
	if body.size > body.limit {
		a.acknowledge(w, m, Ending{RolledBack: true, Reason: "unsupported:body-size"}, nil)
		return
	}
	a.run(w, r, m, began, body.kept.Bytes(), next)
}

// verified reads body to its end and the request's Quack-Shadow, which it
// vouches for.
func (a *front) verified(r *http.Request, body io.Reader) (Marked, error) {
	m, err := a.codec.ReadShadow(r.Header)
	if err != nil {
		return m, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		return m, fmt.Errorf("read the body of a shadow request: %w", err)
	}
	return m, a.codec.VerifyShadow(m, r.Method, r.URL, [sha256.Size]byte(sum.Sum(nil)))
}

// forbid refuses what can not be verified: never executed, and loud, because
// it is a wrong secret or somebody else.
func (a *front) forbid(w http.ResponseWriter, r *http.Request, err error) {
	a.log.Warn("refused a shadow request", "method", r.Method, "remote", r.RemoteAddr, "err", err)
	http.Error(w, "txshadow: refused: "+err.Error(), http.StatusForbidden)
}

// keptBody keeps what is written to it up to a limit, and counts the rest.
type keptBody struct {
	limit, size int64
	kept        bytes.Buffer
}

func (b *keptBody) Write(p []byte) (int, error) {
	b.size += int64(len(p))
	if b.size <= b.limit {
		b.kept.Write(p)
	}
	return len(p), nil
}
