package proxy

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// newID is a request id: a ULID (https://github.com/ulid/spec), 48 bits of
// milliseconds and 80 random ones, so that ids sort by time.
func newID(at time.Time) string {
	var b [16]byte
	rand.Read(b[6:])
	ms := uint64(at.UnixMilli())
	binary.BigEndian.PutUint16(b[:2], uint16(ms>>32))
	binary.BigEndian.PutUint32(b[2:6], uint32(ms))

	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's base 32
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var s [26]byte
	for i := len(s) - 1; i >= 0; i-- {
		s[i] = alphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(s[:])
}

// traceOf is the trace id of the request's trace context (W3C Trace Context
// level 1). Where h has none that is valid, one is started: a traceparent with
// the sampled flag, so that a backend which decides by its parent goes on
// tracing as it does when it is asked directly.
func traceOf(h http.Header) string {
	if lines := h["Traceparent"]; len(lines) == 1 && validTraceparent(lines[0]) {
		return lines[0][3:35]
	}
	var b [24]byte
	rand.Read(b[:])
	s := append(make([]byte, 0, 55), "00-"...)
	s = hex.AppendEncode(s, b[:16])
	s = hex.AppendEncode(append(s, '-'), b[16:])
	started := string(append(s, "-01"...))
	h["Traceparent"] = []string{started}
	delete(h, "Tracestate") // belongs to a parent that does not count
	return started[3:35]
}

func validTraceparent(s string) bool {
	const length = len("00-") + 32 + 1 + 16 + 1 + 2
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	version, trace, parent, flags := s[:2], s[3:35], s[36:52], s[53:55]
	for _, part := range []string{version, trace, parent, flags} {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return false
		}
	}
	switch {
	case version == "ff":
		return false
	case version == "00" && len(s) != length, len(s) > length && s[length] != '-':
		return false
	}
	return strings.Trim(trace, "0") != "" && strings.Trim(parent, "0") != ""
}
