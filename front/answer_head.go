package front

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// headFlags is what the header of an answer says about its framing.
type headFlags struct {
	typed     bool // has a Content-Type, be it an empty one
	encoded   bool // has a Content-Encoding
	dated     bool
	withTrail bool // has a trailer, announced or not
	hasLength bool
	coding    string // Transfer-Encoding
	options   []string
}

// interim sends an interim answer (RFC 9110 section 15.2).
func (a *answer) interim(code int) {
	out := &a.lane.out
	out.buf = appendStatus(out.buf, code)
	var space [32]string
	for _, name := range sortedNames(a.header, space[:0]) {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			out.buf = appendField(out.buf, name, a.header[name])
		}
	}
	out.buf = append(out.buf, "\r\n"...)
	_ = out.flush()
}

// startHead writes the status line and the header, all but what endHead has to
// say about the body and the connection.
func (a *answer) startHead() {
	out := &a.lane.out
	out.buf = appendStatus(out.buf, a.status)
	f := &a.flags
	// Now, for it decides what becomes of the rest of the request's body.
	if first(a.header["Connection"]) == "close" || a.lane.server.draining.Load() {
		a.close = true
	}
	var space [32]string
	for _, name := range sortedNames(a.header, space[:0]) {
		values := a.header[name]
		switch name {
		case "Content-Length":
			f.hasLength = len(values) > 0
			continue
		case "Transfer-Encoding":
			f.coding = first(values)
			continue
		case "Connection":
			f.options = values
			continue
		case "Content-Type":
			f.typed = true
			if a.status == http.StatusNotModified {
				continue
			}
		case "Content-Encoding":
			f.encoded = first(values) != ""
		case "Date":
			f.dated = true
		case "Trailer":
			f.withTrail = true
			a.announce(values)
		default:
			if strings.HasPrefix(name, http.TrailerPrefix) {
				f.withTrail = true
				continue
			}
		}
		out.buf = appendField(out.buf, name, values)
	}
	if !f.dated {
		out.buf = append(append(append(out.buf, "Date: "...), *a.lane.server.date.Load()...), "\r\n"...)
	}
}

// announce notes the names of the trailer.
func (a *answer) announce(lines []string) {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(textproto.TrimString(name))
			if name != "" && httpguts.ValidTrailerHeader(name) {
				a.trailers = append(a.trailers, name)
			}
		}
	}
}

// endHead ends the head. sample is the beginning of the body; last says that
// it is all of it.
func (a *answer) endHead(sample []byte, last bool) {
	a.headDone = true
	a.settleBody()
	out, f, allowed := &a.lane.out, &a.flags, bodyAllowed(a.status)
	if last && !f.withTrail && f.coding == "" && allowed && !f.hasLength && (!a.isHead || len(sample) > 0) {
		a.length = int64(len(sample))
		if a.isHead {
			a.length = a.written
		}
	}
	if allowed && !f.encoded && !f.typed && f.coding == "" && len(sample) > 0 {
		out.buf = append(append(append(out.buf, "Content-Type: "...), http.DetectContentType(sample)...), "\r\n"...)
	}
	a.frame(allowed)
	a.connection()
	out.buf = append(out.buf, "\r\n"...)
}

// frame says where the body ends (RFC 9112 section 6).
func (a *answer) frame(allowed bool) {
	out, f := &a.lane.out, &a.flags
	if f.coding != "" && f.coding != "identity" {
		a.length = -1
	}
	switch {
	case !allowed:
	case a.length >= 0:
		out.buf = append(strconv.AppendInt(append(out.buf, "Content-Length: "...), a.length, 10), "\r\n"...)
	case a.isHead:
		// What a GET would be is not known.
	case f.coding == "identity":
		a.close = true
	default:
		a.chunking = true
		out.buf = append(out.buf, "Transfer-Encoding: chunked\r\n"...)
	}
}

// connection says whether the connection goes on.
func (a *answer) connection() {
	out, options := &a.lane.out, a.flags.options
	if a.lane.server.draining.Load() {
		a.close = true
	}
	if a.close && !httpguts.HeaderValuesContainsToken(options, "close") {
		out.buf = append(out.buf, "Connection: close\r\n"...)
		return
	}
	if len(options) > 0 {
		out.buf = appendField(out.buf, "Connection", options)
	}
}

// endChunks ends a chunked body with its trailer.
func (a *answer) endChunks() {
	out := &a.lane.out
	out.buf = append(out.buf, "0\r\n"...)
	var space [32]string
	for _, name := range sortedNames(a.header, space[:0]) {
		if trailer, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			out.buf = appendField(out.buf, trailer, a.header[name])
		}
	}
	for _, name := range a.trailers {
		out.buf = appendField(out.buf, name, a.header[name])
	}
	out.buf = append(out.buf, "\r\n"...)
}

// sortedNames are the names in h in order, as net/http writes them.
func sortedNames(h http.Header, names []string) []string {
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// appendField writes a field's lines. As in net/http a name that is none is
// left out, and a line break in a value becomes a space.
func appendField(b []byte, name string, values []string) []byte {
	for i := range len(name) {
		if !isToken[name[i]] {
			return b
		}
	}
	if name == "" {
		return b
	}
	for _, v := range values {
		b = append(append(b, name...), ": "...)
		v = textproto.TrimString(v)
		at := len(b)
		b = append(b, v...)
		for i, c := range b[at:] {
			if c == '\n' || c == '\r' {
				b[at+i] = ' '
			}
		}
		b = append(b, "\r\n"...)
	}
	return b
}

// appendStatus writes a status line.
func appendStatus(b []byte, code int) []byte {
	if code == http.StatusOK {
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	}
	b = strconv.AppendInt(append(b, "HTTP/1.1 "...), int64(code), 10)
	text := http.StatusText(code)
	if text == "" {
		text = "status code " + strconv.Itoa(code)
	}
	return append(append(append(b, ' '), text...), "\r\n"...)
}
