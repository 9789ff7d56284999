package proxy

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// forward removes what a client has no say in, sets X-Forwarded-For, -Host and
// -Proto on h, and adds to Forwarded.
func (l *life) forward(h http.Header) {
	if !l.trusted {
		l.strangers.meet(l, h)
	}
	dropFromClient(h, l.trusted)
	proto := "http"
	if l.r.TLS != nil {
		proto = "https"
	}
	l.extendForwarded(h, proto)
	values := make([]string, 3) // one for all three fields
	if l.peer.IsValid() {
		values[0] = l.client // the peer, where nobody before it is believed
		if l.trusted {
			values[0] = l.peer.String()
		}
		if before := h["X-Forwarded-For"]; len(before) > 0 {
			values[0] = strings.Join(before, ", ") + ", " + values[0]
		}
		h["X-Forwarded-For"] = values[0:1:1]
	}
	if len(h["X-Forwarded-Host"]) == 0 && l.r.Host != "" {
		values[1] = l.r.Host
		h["X-Forwarded-Host"] = values[1:2:2]
	}
	if len(h["X-Forwarded-Proto"]) == 0 {
		values[2] = proto
		h["X-Forwarded-Proto"] = values[2:3:3]
	}
}

// extendForwarded adds this hop to a Forwarded field (RFC 7239 section 4) that a
// trusted peer has sent. Where none came none is begun: X-Forwarded-* says the
// same, and what an application makes of both is not known.
func (l *life) extendForwarded(h http.Header, proto string) {
	before := h["Forwarded"]
	if len(before) == 0 {
		return
	}
	node := "unknown"
	if l.peer.Is4() {
		node = l.peer.String()
	} else if l.peer.IsValid() {
		node = `"[` + l.peer.String() + `]"`
	}
	hop := "for=" + node
	if l.r.Host != "" {
		hop += ";host=" + quotedUnlessToken(l.r.Host)
	}
	h["Forwarded"] = []string{strings.Join(before, ", ") + ", " + hop + ";proto=" + proto}
}

// quotedUnlessToken is s as a token, or where it is none as a quoted string
// (RFC 9110 sections 5.6.2 and 5.6.4).
func quotedUnlessToken(s string) string {
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		}
	}
	return s
}

// dropFromClient removes what a client has no say in: Quack-* fields, and of a
// peer that is not trusted what it says of clients before it, Forwarded (RFC
// 7239) included. A trusted one spells these names with hyphens; with
// underscores they are its client's, passed on.
func dropFromClient(h http.Header, trusted bool) {
	for name := range h {
		switch {
		case hasFoldedPrefix(name, "quack-"), !trusted && name == "Forwarded":
			delete(h, name)
		case hasFoldedPrefix(name, "x-forwarded-") && !(trusted && strings.IndexByte(name, '_') < 0):
			delete(h, name)
		}
	}
}

// dropMarks removes Quack-* fields: a backend must not speak in Quack's name.
func dropMarks(h http.Header) {
	for name := range h {
		if hasFoldedPrefix(name, "quack-") {
			delete(h, name)
		}
	}
}

// hasFoldedPrefix reports whether name begins with prefix (lower case, "-") in
// the eyes of a CGI, WSGI or Rack application, which can not tell "_" from "-".
func hasFoldedPrefix(name, prefix string) bool {
	if len(name) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == '_':
			c = '-'
		}
		if c != prefix[i] {
			return false
		}
	}
	return true
}

// maxHops is how often a request may have come through a proxy of our name
// before it is taken for one that goes round in a circle.
const maxHops = 10

// loops reports whether the request has come through here too often, as it
// does when a backend's URL is Quack's own.
func (l *life) loops() bool {
	hops := 0
	for _, line := range l.r.Header["Via"] {
		for hop := range strings.SplitSeq(line, ",") {
			if _, by, _ := strings.Cut(strings.TrimSpace(hop), " "); by == l.Via {
				hops++
			}
		}
	}
	return hops >= maxHops
}

// via adds Quack to the Via field (RFC 9110 section 7.6.3).
func (l *life) via(h http.Header) {
	if l.Via == "-" {
		return
	}
	hop := l.via11
	if l.r.ProtoMajor != 1 || l.r.ProtoMinor != 1 {
		hop = viaHop(l.r.ProtoMajor, l.r.ProtoMinor, l.Via)
	}
	h["Via"] = append(h["Via"], hop)
}

// viaHop is one hop of a Via field.
func viaHop(major, minor int, by string) string {
	version := strconv.Itoa(major)
	if major == 1 {
		version += "." + strconv.Itoa(minor)
	}
	return version + " " + by
}

// peerOf is the address at the other end of the connection.
func peerOf(r *http.Request) netip.Addr {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// clientOf is the client's address: the peer's, or behind trusted proxies the
// last one in X-Forwarded-For that none of them has. "" when not known. It is
// asked before X-Forwarded-For is written.
func (l *life) clientOf() string {
	if !l.peer.IsValid() {
		return ""
	}
	client := l.peer
	if l.trusted {
		chain := strings.Split(strings.Join(l.r.Header["X-Forwarded-For"], ","), ",")
		for i := len(chain) - 1; i >= 0; i-- {
			a, ok := addrOf(strings.TrimSpace(chain[i]))
			if !ok {
				break // nobody we trust has written that
			}
			client = a
			if !within(client, l.Trusted) {
				break
			}
		}
	}
	return client.String()
}

// addrOf reads an address as proxies write it: alone, with a port, in brackets.
func addrOf(node string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(node, "["); ok && strings.HasSuffix(inner, "]") {
		node = strings.TrimSuffix(inner, "]")
	}
	a, err := netip.ParseAddr(node)
	if err != nil {
		ap, err := netip.ParseAddrPort(node)
		if err != nil {
			return netip.Addr{}, false
		}
		a = ap.Addr()
	}
	return a.Unmap().WithZone(""), true
}
