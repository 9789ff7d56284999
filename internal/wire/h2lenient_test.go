package wire

import (
	"testing"

	"golang.org/x/net/http2/hpack"
)

// What net/http's server lets through although it is malformed: the path
// refuses it, since HTTP/1.1 behind it would make something else of it.
func TestH2WrongThatNetHTTPLetsThrough(t *testing.T) {
	line := func(method, path, authority string, more ...hpack.HeaderField) func(*h2) {
		return head(true, append([]hpack.HeaderField{field(":method", method), field(":scheme", "https"), field(":path", path), field(":authority", authority)}, more...)...)
	}
	tryWrong(t, []wrong{
		{"a space in :path", line("GET", "/wrong x HTTP/1.1", "h.example"), "200", false, "400"},
		{"a fragment in :path", line("GET", "/wrong#a", "h.example"), "200", false, "400"},
		{"a space in :method", line("GET /x HTTP/1.1", wrongPath, "h.example"), "200", false, "400"},
		{"a control byte in :method", line("GE\x01T", wrongPath, "h.example"), "stream 1 PROTOCOL_ERROR", false, ""},
		{"a separator in :method", line("GE(T", wrongPath, "h.example"), "200", false, "400"},
		{"a space in :authority", line("GET", wrongPath, "h x"), "200", false, "400"},
		{"a path in :authority", line("GET", wrongPath, "h/x"), "200", false, "400"},
		{"a comma in :authority", line("GET", wrongPath, "h,x"), "200", false, "400"},
		{"a port that is no number in :authority", line("GET", wrongPath, "h:x"), "200", false, "400"},
		{"no :authority and no Host", head(true, field(":method", "GET"), field(":scheme", "https"), field(":path", wrongPath)), "200", false, "400"},
		{"two content-lengths, RFC 9113 section 8.1.1", line("POST", wrongPath, "h.example", field("content-length", "5"), field("content-length", "6")), "200", false, "400"},
		{"a content-length, and no data at all", line("POST", wrongPath, "h.example", field("content-length", "5")), "200", false, "400"},
		{"a content-length that is no number", line("POST", wrongPath, "h.example", field("content-length", "5x")), "200", false, "400"},
		{"a content-length with a sign", line("POST", wrongPath, "h.example", field("content-length", "+5")), "200", false, "400"},
		{"a content-length with a comma", line("POST", wrongPath, "h.example", field("content-length", "5, 5")), "200", false, "400"},
		{"a negative content-length", line("POST", wrongPath, "h.example", field("content-length", "-5")), "200", false, "400"},
		{"a name that a CGI application takes for another's", line("GET", wrongPath, "h.example", field("content_length", "5")), "200", false, "400"},
	})
}
