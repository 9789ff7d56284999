package shadow

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// setCookie is a Set-Cookie line (RFC 6265 section 5.2).
type setCookie struct {
	value   string
	maxAge  string
	expires string
}

// lastCookie is the last line that sets a cookie of that name: the one that
// counts.
func lastCookie(h http.Header, name string) (c setCookie, ok bool) {
	for _, line := range h["Set-Cookie"] {
		pair, attributes, _ := strings.Cut(line, ";")
		key, value, found := strings.Cut(pair, "=")
		if !found || strings.TrimSpace(key) != name {
			continue
		}
		c, ok = setCookie{value: strings.TrimSpace(value)}, true
		for a := range strings.SplitSeq(attributes, ";") {
			key, value, _ := strings.Cut(a, "=")
			switch strings.ToLower(strings.TrimSpace(key)) {
			case "max-age":
				c.maxAge = strings.TrimSpace(value)
			case "expires":
				c.expires = strings.TrimSpace(value)
			}
		}
	}
	return c, ok
}

// deleted reports whether the line takes the cookie away: Max-Age counts
// before Expires.
func (c setCookie) deleted(now time.Time) bool {
	if c.value == "" {
		return true
	}
	if age, err := strconv.Atoi(c.maxAge); err == nil {
		return age <= 0
	}
	at, err := http.ParseTime(c.expires)
	return err == nil && !at.After(now)
}
