package cache

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// askable reports whether a request can be answered from the cache at all.
// Parts and conditional requests go to the backend, which knows better.
func askable(r Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, name := range []string{"Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range"} {
		if _, ok := r.Header[name]; ok {
			return false
		}
	}
	return true
}

// storableStatus are the status codes that may be stored without the answer
// saying so (RFC 9110 section 15.1), save 206, which is a part.
var storableStatus = []int{200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}

// storable reports whether the answer to r may be stored (RFC 9111 section 3),
// how old it is, and how long it stays fresh from now on.
func storable(r Request, status int, h http.Header, ttl time.Duration) (fresh, age time.Duration, ok bool) {
	said := parseDirectives(h["Cache-Control"])
	switch {
	case !slices.Contains(storableStatus, status):
	case said.has("no-store"), said.has("private"), said.has("no-cache"):
	case len(h["Set-Cookie"]) > 0:
	case strings.Contains(strings.Join(h["Vary"], ","), "*"):
	case len(h["Trailer"]) > 0:
	case strings.HasPrefix(h.Get("Content-Type"), "text/event-stream"): // may have no end to wait for
	case len(r.Header["Authorization"]) > 0 && !forEveryone(h) && !said.has("must-revalidate"): // section 3.5
	default:
		age = ageOf(h)
		fresh = ttl
		if limit, stated := lifetime(h, said); stated {
			fresh = min(ttl, limit-age)
		}
		return fresh, age, fresh > 0
	}
	return 0, 0, false
}

// forEveryone reports whether the answer says that a shared cache may give it
// to others than the one who asked.
func forEveryone(h http.Header) bool {
	said := parseDirectives(h["Cache-Control"])
	return said.has("public") || said.has("s-maxage")
}

// lifetime is how long the answer says that it is fresh (RFC 9111 section
// 4.2.1).
func lifetime(h http.Header, said directives) (time.Duration, bool) {
	for _, name := range []string{"s-maxage", "max-age"} {
		if d, ok := said.seconds(name); ok {
			return d, true
		}
	}
	expires, ok := h["Expires"]
	if !ok {
		return 0, false
	}
	end, err := http.ParseTime(expires[0])
	if err != nil || len(expires) > 1 {
		return 0, true // section 5.3: what is not a date has expired
	}
	start, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		start = time.Now()
	}
	return end.Sub(start), true
}

// ageOf is the Age field (RFC 9111 section 5.1); 0 when there is none.
func ageOf(h http.Header) time.Duration {
	return seconds(h.Get("Age"))
}

// longest bounds what is said in seconds, as RFC 9111 section 1.2.2 asks for.
const longest = 1 << 31

// seconds is s as delta-seconds; 0 when it is not a number.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		if len(s) > 0 && strings.Trim(s, "0123456789") == "" {
			return longest * time.Second // too many digits
		}
		return 0
	}
	return time.Duration(min(n, longest)) * time.Second
}

// directives are those of a Cache-Control field, names in lower case. Of a
// name that comes twice the smaller value stands.
type directives map[string]string

func (d directives) has(name string) bool { _, ok := d[name]; return ok }

// seconds is a directive's value. One that is not a number counts as 0: it
// was meant to limit something.
func (d directives) seconds(name string) (time.Duration, bool) {
	v, ok := d[name]
	return seconds(v), ok
}

// parseDirectives reads the lines of a Cache-Control field (RFC 9111 section
// 5.2). It takes what it can: a directive that restricts is not to be missed
// for a fault elsewhere.
func parseDirectives(lines []string) directives {
	var d directives
	for _, rest := range lines {
		for rest != "" {
			var name, value string
			name, value, rest = nextDirective(rest)
			if name == "" {
				continue
			}
			if d == nil {
				d = make(directives)
			}
			if before, twice := d[name]; !twice || seconds(value) < seconds(before) {
				d[name] = value
			}
		}
	}
	return d
}

// nextDirective cuts the first directive off s. A quoted value may hold commas.
func nextDirective(s string) (name, value, rest string) {
	end := strings.IndexAny(s, ",=")
	if end < 0 {
		return strings.ToLower(strings.TrimSpace(s)), "", ""
	}
	name = strings.ToLower(strings.TrimSpace(s[:end]))
	if s[end] == ',' {
		return name, "", s[end+1:]
	}
	s = strings.TrimLeft(s[end+1:], " \t")
	if quoted, ok := strings.CutPrefix(s, `"`); ok {
		if value, rest, ok = strings.Cut(quoted, `"`); ok {
			_, rest, _ = strings.Cut(rest, ",")
			return name, value, rest
		}
	}
	value, rest, _ = strings.Cut(s, ",")
	return name, strings.TrimSpace(value), rest
}
