package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// caller is who asks, as far as is known.
type caller struct {
	by      string   // for the audit
	session *session // of a browser, nil for the bearer token
}

type callerKey struct{}

// callerOf is who asks; only for handlers behind authenticated.
func callerOf(r *http.Request) caller {
	c, _ := r.Context().Value(callerKey{}).(caller)
	return c
}

// authenticated lets a request through that has the bearer token or belongs to
// a session. A browser's request that changes something must also come from a
// page of ours.
func (s *server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxChange)
		c, err := s.authenticate(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

func (s *server) authenticate(r *http.Request) (caller, error) {
	if given := r.Header.Get("Authorization"); given != "" {
		if !s.isToken(given) {
			return caller{}, s.failures.refuse(r.Context())
		}
		return caller{by: tokenName(r)}, nil
	}
	if err := s.checkHost(r); err != nil {
		return caller{}, err
	}
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return caller{}, errLoggedOut
	}
	found := s.sessions.find(cookie.Value)
	if found == nil {
		return caller{}, errLoggedOut
	}
	if !safeMethod(r.Method) {
		if err := s.checkOrigin(r, found); err != nil {
			return caller{}, err
		}
	}
	return caller{by: found.by + " (browser)", session: found}, nil
}

// isToken compares in a time that does not depend on how much is right.
func (s *server) isToken(authorization string) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	right := subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1
	return right && strings.EqualFold(scheme, "Bearer")
}

// tokenName is who the holder of the token says to be.
func tokenName(r *http.Request) string {
	if by, err := url.QueryUnescape(r.Header.Get(byHeader)); err == nil && strings.TrimSpace(by) != "" {
		return by
	}
	return "api"
}

// checkHost refuses names that are not known to be ours. See Config.Hosts.
func (s *server) checkHost(r *http.Request) error {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if s.hosts[host] || strings.HasSuffix(host, ".localhost") {
		return nil
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return nil
	}
	return &problemError{
		status: http.StatusMisdirectedRequest, kind: "unknown-host", title: "Unknown host name",
		detail: "This listener is not known by the name " + host + ".\nOpen it by its IP address or as localhost, or name it in the proxy's configuration.",
	}
}

// checkOrigin refuses a change that a page of someone else asks for with the
// cookie of this browser: by what the browser says of where it comes from, and
// by a word that only our pages know.
func (s *server) checkOrigin(r *http.Request, found *session) error {
	refused := &problemError{
		status: http.StatusForbidden, kind: "cross-origin", title: "Not from a page of this proxy",
		detail: "The change was not asked for by a page of this proxy that is still current.\nReload the page and try again.",
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return refused
	}
	word := r.Header.Get("Quack-CSRF")
	if word == "" {
		word = r.PostFormValue("csrf")
	}
	if subtle.ConstantTimeCompare([]byte(word), []byte(found.csrf)) != 1 {
		return refused
	}
	return nil
}

func safeMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// throttle slows down who guesses tokens: each wrong one is answered late, and
// only so many at once. The right token is never made to wait.
type throttle struct {
	delay time.Duration
	slots chan struct{}
}

func newThrottle() *throttle {
	return &throttle{delay: 300 * time.Millisecond, slots: make(chan struct{}, 16)}
}

// refuse returns the error for a wrong token, after a while.
func (t *throttle) refuse(ctx context.Context) error {
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	default:
		return &problemError{
			status: http.StatusTooManyRequests, kind: "too-many-attempts", title: "Too many wrong tokens",
			detail: "Wait a second.", header: map[string]string{"Retry-After": "1"},
		}
	}
	timer := time.NewTimer(t.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return errWrongToken
}
