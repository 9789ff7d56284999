package proxy

import (
	"net/http"
	"slices"
	"strings"
)

// ownSession is the name of the cookie of the admin pages, or what it begins
// with: behind it stand an underscore and the port (admin, cookieName).
const ownSession = "quack_session"

// dropOwnSession takes the session of the admin pages out of a header. Browsers
// do not tell cookies of one host by port: who is logged in there, and asks the
// proxy under the same name, sends it along. It is no backend's business, which
// could switch stages with it. The lines may be someone else's too, and stay.
func dropOwnSession(h http.Header) {
	lines := h["Cookie"]
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, ownSession) }) {
		return
	}
	var kept []string
	for _, line := range lines {
		pairs := strings.Split(line, ";")
		others := slices.DeleteFunc(slices.Clone(pairs), isOwnSession)
		if len(others) == len(pairs) {
			kept = append(kept, line)
		} else if line := strings.TrimSpace(strings.Join(others, ";")); line != "" {
			kept = append(kept, line)
		}
	}
	if kept == nil {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

func isOwnSession(pair string) bool {
	name, _, _ := strings.Cut(pair, "=")
	port, is := strings.CutPrefix(strings.TrimSpace(name), ownSession)
	if port == "" {
		return is
	}
	digits, is := strings.CutPrefix(port, "_")
	return is && digits != "" && strings.Trim(digits, "0123456789") == ""
}
