package proxy

import (
	"net/http"
	"strings"
)

// target is what a request asks for, in the client's bytes.
type target struct {
	path       string // escaped; "/…" or "*"
	rawQuery   string
	forceQuery bool // a "?" with nothing behind it
}

// parseTarget takes a request target apart (RFC 9112 section 3.2): origin
// form, absolute form, of which the authority has gone into the Host already,
// and the asterisk of OPTIONS. ok is false for what is none of these.
func parseTarget(method, requestURI string) (t target, ok bool) {
	s := requestURI
	if s == "*" && method == http.MethodOptions {
		return target{path: s}, true
	}
	if !strings.HasPrefix(s, "/") {
		_, rest, absolute := strings.Cut(s, "://")
		if !absolute {
			return target{}, false
		}
		s = ""
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			s = rest[i:]
		}
		switch {
		case s == "" && method == http.MethodOptions:
			return target{path: "*"}, true // RFC 9112 section 3.2.4
		case !strings.HasPrefix(s, "/"):
			s = "/" + s
		}
	}
	path, query, asked := strings.Cut(s, "?")
	return target{path: path, rawQuery: query, forceQuery: asked && query == ""}, true
}

// String is the target as it came, in origin form.
func (t target) String() string {
	if t.rawQuery == "" && !t.forceQuery {
		return t.path
	}
	return t.path + "?" + t.rawQuery
}
