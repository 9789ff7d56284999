package front

import (
	"bytes"
	"net/http"
	"net/netip"
	"strings"
)

// checkTarget holds the request target against its four forms (RFC 9112
// section 3.2) and against the Host field.
func (h *head) checkTarget(b []byte) *refusal {
	method, target := b[h.start:h.methodEnd], b[h.target:h.targetEnd]
	var host []byte
	if h.host >= 0 {
		f := h.fields[h.host]
		host = b[f.value:f.valueEnd]
	}
	switch {
	case string(method) == http.MethodConnect:
		if !validHost(target) || bytes.IndexByte(target, ':') < 0 {
			return badTarget
		}
		return mayBe(host, target)
	case target[0] == '/':
	case len(target) == 1 && target[0] == '*' && string(method) == http.MethodOptions:
		if len(host) == 0 {
			return nil // the server as a whole: RFC 9110 section 7.1
		}
	default:
		authority, ok := authorityOf(target)
		if !ok {
			return badTarget
		}
		if !validHost(authority) {
			return badHost
		}
		return mayBe(host, authority)
	}
	if h.host >= 0 && !validHost(host) {
		return badHost
	}
	return nil
}

// mayBe refuses a Host field that says another host than the target. RFC 9112
// section 3.2.2 has the target win; whoever stands in front may think
// otherwise.
func mayBe(host, authority []byte) *refusal {
	switch {
	case len(host) == 0: // HTTP/1.0, or a client without an opinion
		return nil
	case !validHost(host):
		return badHost
	case !strings.EqualFold(string(host), string(authority)):
		return badHostDiffers
	}
	return nil
}

// authorityOf is what stands between the scheme and the path of an absolute
// form.
func authorityOf(target []byte) ([]byte, bool) {
	scheme, rest, ok := bytes.Cut(target, []byte("://"))
	if !ok || !foldEqual(scheme, "http") && !foldEqual(scheme, "https") {
		return nil, false
	}
	if i := bytes.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	return rest, true
}

// validHost holds a host with an optional port against RFC 3986 section
// 3.2.2. It may not be empty (RFC 9110 section 4.2.1), and a comma has no
// place in it: behind some servers it is a list.
func validHost(v []byte) bool {
	if len(v) == 0 || len(v) > 1024 {
		return false
	}
	if v[0] == '[' {
		end := bytes.IndexByte(v, ']')
		if end < 0 {
			return false
		}
		addr, err := netip.ParseAddr(string(v[1:end]))
		return err == nil && addr.Is6() && addr.Zone() == "" && validPort(v[end+1:])
	}
	name := v
	if i := bytes.IndexByte(v, ':'); i >= 0 {
		if !validPort(v[i:]) {
			return false
		}
		name = v[:i]
	}
	return validName(name)
}

func validName(name []byte) bool {
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case isHost[c]:
		case c == '%' && i+2 < len(name) && isHex(name[i+1]) && isHex(name[i+2]):
			i += 2
		default:
			return false
		}
	}
	return len(name) > 0
}

// validPort is nothing, or a colon and up to five digits.
func validPort(v []byte) bool {
	if len(v) == 0 {
		return true
	}
	if v[0] != ':' || len(v) > 6 {
		return false
	}
	port := 0
	for _, c := range v[1:] {
		if !isDigit(c) {
			return false
		}
		port = port*10 + int(c-'0')
	}
	return port <= 65535
}
