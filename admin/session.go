package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	linkLife    = 10 * time.Minute
	sessionLife = 12 * time.Hour
	maxLinks    = 100
	maxSessions = 1000
)

// sessions are the logged-in browsers and the links that wait to be used. They
// live in memory: a restart logs everyone out.
type sessions struct {
	now func() time.Time

	mu    sync.Mutex
	links map[[sha256.Size]byte]link     // by the digest of the code
	known map[[sha256.Size]byte]*session // by the digest of the cookie
}

type link struct {
	by      string
	expires time.Time
}

// session is one logged-in browser.
type session struct {
	by      string
	csrf    string // stands in each form
	expires time.Time
}

func newSessions() *sessions {
	return &sessions{now: time.Now, links: map[[sha256.Size]byte]link{}, known: map[[sha256.Size]byte]*session{}}
}

// newLink makes a code that logs one browser in.
func (s *sessions) newLink(by string) (code string, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, l := range s.links {
		if s.now().After(l.expires) || len(s.links) >= maxLinks {
			delete(s.links, k)
		}
	}
	code, expires = secret(), s.now().Add(linkLife)
	s.links[sha256.Sum256([]byte(code))] = link{by: by, expires: expires}
	return code, expires
}

// redeem turns a code into a session, once.
func (s *sessions) redeem(code string) (cookie string, begun *session, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(code))
	l, found := s.links[key]
	delete(s.links, key)
	if !found || s.now().After(l.expires) {
		return "", nil, false
	}
	for k, old := range s.known {
		if s.now().After(old.expires) || len(s.known) >= maxSessions {
			delete(s.known, k)
		}
	}
	cookie = secret()
	begun = &session{by: l.by, csrf: secret(), expires: s.now().Add(sessionLife)}
	s.known[sha256.Sum256([]byte(cookie))] = begun
	return cookie, begun, true
}

// find is the session of a cookie, nil when there is none any more.
func (s *sessions) find(cookie string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.known[sha256.Sum256([]byte(cookie))]
	if found == nil || s.now().After(found.expires) {
		return nil
	}
	return found
}

func (s *sessions) end(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, sha256.Sum256([]byte(cookie)))
}

// secret is 256 random bits.
func secret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// cookieName has the port in it: browsers do not tell cookies of one host by
// port, and two proxies on one machine must not log each other out. The proxy
// takes cookies of these names out of what it passes on (dropOwnSession).
func cookieName(r *http.Request) string {
	name := "quack_session"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		name += "_" + port
	}
	return name
}

// setCookie gives the browser its session; an empty value takes it away.
func setCookie(w http.ResponseWriter, r *http.Request, value string, expires time.Time) {
	c := &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", Expires: expires,
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
