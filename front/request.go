package front

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// request makes the request whose head was read, as net/http would. All its
// strings are parts of one, which is never used for anything else: a handler
// may keep them. It is nil when net/url does not read the target.
func (l *lane) request() *exchange {
	h := &l.head
	raw := string(l.buf[l.r : l.r+h.at])
	x := new(exchange)
	method := methodName(l.buf[l.r+h.start : l.r+h.methodEnd])
	if method == "" {
		method = raw[h.start:h.methodEnd]
	}
	target := raw[h.target:h.targetEnd]
	if !parseTarget(&x.url, target) {
		return nil
	}
	host := h.fields[h.host]
	x.ctx.base, x.ctx.server, x.ctx.local = l.origin.ctx, l.server.std, l.LocalAddr()
	x.request = (&http.Request{
		Method:     method,
		URL:        &x.url,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     h.header(raw),
		Body:       http.NoBody,
		Host:       raw[host.value:host.valueEnd],
		Close:      h.opts.close,
		RequestURI: target,
		RemoteAddr: l.remoteText,
		TLS:        l.tls,
	}).WithContext(&x.ctx)
	l.r += h.at
	l.startBody(x)
	return x
}

// startBody gives the request its body. The connection's bytes belong to it
// until endBody.
func (l *lane) startBody(x *exchange) {
	h := &l.head
	switch {
	case h.chunked:
		x.request.ContentLength = -1
		x.request.TransferEncoding = []string{"chunked"}
		x.body.chunked = true
		if h.trailer {
			x.request.Trailer = announced(x.request.Header)
		}
	case h.length > 0:
		x.request.ContentLength, x.body.left = h.length, h.length
	default:
		l.whole.Store(true)
		return
	}
	l.whole.Store(false)
	x.body.lane, x.body.request = l, x.request
	x.request.Body = &x.body
}

// parseTarget reads a target in origin form. The plain ones are read here;
// url.ParseRequestURI, which would come to the same, reads the others.
func parseTarget(u *url.URL, target string) bool {
	path, query, asked := strings.Cut(target, "?")
	for i := range len(path) {
		if !isPath[path[i]] {
			full, err := url.ParseRequestURI(target)
			if err != nil {
				return false
			}
			*u = *full
			return true
		}
	}
	u.Path, u.RawQuery, u.ForceQuery = path, query, asked && query == ""
	return true
}

// roomForMore is how many fields a handler can add to a request's header before
// the map has to grow: a proxy adds some, and may use the map as its own.
const roomForMore = 8

// header makes the header: a map, and one slice for all values. The Host is
// not in it, and neither is what frames a chunked body, as with net/http.
func (h *head) header(raw string) http.Header {
	header := make(http.Header, len(h.fields)+roomForMore)
	values := make([]string, 0, len(h.fields))
	for i, f := range h.fields {
		if i == h.host || f.known != nil && f.known.means == meansCoding {
			continue
		}
		name := f.canonicalName(raw)
		value := raw[f.value:f.valueEnd]
		if old, again := header[name]; again {
			header[name] = append(old, value)
			continue
		}
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if h.pragma {
		fixPragma(header)
	}
	return header
}

func (f field) canonicalName(raw string) string {
	switch {
	case f.known != nil:
		return f.known.name
	case f.canonical:
		return raw[f.name:f.nameEnd]
	default:
		return textproto.CanonicalMIMEHeaderKey(raw[f.name:f.nameEnd])
	}
}

// fixPragma is what net/http does (RFC 9111 section 5.4).
func fixPragma(h http.Header) {
	if pragma := h["Pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" {
		if _, has := h["Cache-Control"]; !has {
			h["Cache-Control"] = []string{"no-cache"}
		}
	}
}

// announced takes the Trailer field out of the header and makes a map of the
// names in it (RFC 9110 section 6.6.2).
func announced(h http.Header) http.Header {
	trailer := make(http.Header)
	for _, line := range h["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				trailer[http.CanonicalHeaderKey(name)] = nil
			}
		}
	}
	delete(h, "Trailer")
	if len(trailer) == 0 {
		return nil
	}
	return trailer
}
