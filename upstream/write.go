package upstream

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// outgoing is a request in the form in which it is sent: its head, and behind
// that the body when the two go together.
type outgoing struct {
	bytes []byte
	names []string // for sorting
}

// outgoings are used again: they are the largest thing that a call needs.
var outgoings = sync.Pool{New: func() any { return &outgoing{bytes: make([]byte, 0, 2<<10)} }}

func (o *outgoing) release() {
	if cap(o.bytes) > maxInline+readSize {
		return
	}
	o.bytes = o.bytes[:0]
	clear(o.names)
	o.names = o.names[:0]
	outgoings.Put(o)
}

// head writes the head of req (RFC 9112 section 3): the target as it is, Host,
// what frames the body, then the header's fields as they are, sorted by name.
// last is that the connection ends with the answer.
func (o *outgoing) head(req *http.Request, last bool) error {
	if !validToken(req.Method) {
		return fmt.Errorf("malformed method %q", req.Method)
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	if containsSpaceOrControl(host) {
		return fmt.Errorf("malformed host %q", host)
	}
	b := append(o.bytes[:0], req.Method...)
	b = append(b, ' ')
	b = appendTarget(b, req)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	if last && len(req.Header["Connection"]) == 0 {
		b = append(b, "Connection: close\r\n"...)
	}
	o.bytes = b
	if err := o.frame(req); err != nil {
		return err
	}
	if err := o.fields(req.Header); err != nil {
		return err
	}
	o.bytes = append(o.bytes, "\r\n"...)
	return nil
}

func appendTarget(b []byte, req *http.Request) []byte {
	b = append(b, req.URL.Opaque...)
	if req.URL.RawQuery != "" || req.URL.ForceQuery {
		b = append(b, '?')
		b = append(b, req.URL.RawQuery...)
	}
	return b
}

// frame writes what says how long the body is and what comes behind it.
func (o *outgoing) frame(req *http.Request) error {
	b := o.bytes
	switch {
	case req.ContentLength < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case req.ContentLength > 0 || saysNone(req):
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, req.ContentLength, 10)
		b = append(b, "\r\n"...)
	}
	o.bytes = b
	if len(req.Trailer) == 0 || req.ContentLength >= 0 {
		return nil
	}
	names := make([]string, 0, len(req.Trailer))
	for name := range req.Trailer {
		switch http.CanonicalHeaderKey(name) {
		case "Transfer-Encoding", "Trailer", "Content-Length":
			return fmt.Errorf("%s as a trailer", name)
		}
		if !validToken(name) {
			return fmt.Errorf("malformed trailer name %q", name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	o.bytes = append(append(append(b, "Trailer: "...), strings.Join(names, ",")...), "\r\n"...)
	return nil
}

// saysNone reports whether a request without a body says so: where a server
// expects one (RFC 9110 section 8.6), or where it was said before.
func saysNone(req *http.Request) bool {
	switch req.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return true
	}
	given := req.Header["Content-Length"]
	return len(given) > 0 && given[0] == "0"
}

// fields writes h, sorted by name, save what head and frame have written.
func (o *outgoing) fields(h http.Header) error {
	names := o.names[:0]
	for name := range h {
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	o.names = names
	for _, name := range names {
		if !validToken(name) {
			return fmt.Errorf("malformed field name %q", name)
		}
		for _, value := range h[name] {
			if !validValue(value) {
				return fmt.Errorf("malformed value of %s", name)
			}
			b := append(o.bytes, name...)
			b = append(b, ": "...)
			b = append(b, value...)
			o.bytes = append(b, "\r\n"...)
		}
	}
	return nil
}
