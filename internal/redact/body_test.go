package redact_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/quackproxy/quack/internal/redact"
)

func packed(t *testing.T, open func(io.Writer) io.WriteCloser, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := open(&b)
	if _, err := io.WriteString(w, body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func toGzip(w io.Writer) io.WriteCloser    { return gzip.NewWriter(w) }
func toDeflate(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
func toBrotli(w io.Writer) io.WriteCloser  { return brotli.NewWriter(w) }
func toBare(w io.Writer) io.WriteCloser    { z, _ := flate.NewWriter(w, 6); return z }
func toZstd(w io.Writer) io.WriteCloser    { z, _ := zstd.NewWriter(w); return z }

func TestBody(t *testing.T) {
	const doc = `{"a":1,"password":"hunter2"}`
	clean := `{"a":1,"password":"` + f("hunter2") + `"}`
	form := strings.ReplaceAll(`--B
Content-Disposition: form-data; name="user"

Daisy
--B
Content-Disposition: form-data; name="user[password]"

hunter2
--B
Content-Disposition: form-data; name="scan"; filename="pass.png"
Content-Type: image/png

hunter2
--B
Content-Disposition: form-data; name="meta"
Content-Type: application/json

{"pin":12}
--B--
`, "\n", "\r\n")
	cleanForm := strings.NewReplacer("password]\"\r\n\r\nhunter2", "password]\"\r\n\r\n"+f("hunter2"), "png\r\n\r\nhunter2", "png\r\n\r\n[7 bytes of a file, not kept]", `:12}`, `:"`+f("12")+`"}`).Replace(form)
	for _, c := range []struct{ contentType, encoding, in, want, note, reason string }{
		{"application/json; charset=utf-8", "", doc, clean, "", "JSON"},
		{"", "", " " + doc, " " + clean, "", "JSON without a type"},
		{"application/vnd.api+json", "", doc, clean, "", "JSON by suffix"},
		{"application/json", "gzip", string(packed(t, toGzip, doc)), clean, "decompressed from gzip", "gzip"},
		{"application/json", "deflate", string(packed(t, toDeflate, doc)), clean, "decompressed from deflate", "zlib"},
		{"application/json", "deflate", string(packed(t, toBare, doc)), clean, "decompressed from deflate", "bare deflate"},
		{"application/json", "br", string(packed(t, toBrotli, doc)), clean, "decompressed from br", "brotli"},
		{"application/json", "identity, zstd", string(packed(t, toZstd, doc)), clean, "decompressed from identity, zstd", "zstd"},
		{"application/json", "gzip", doc, "", "not kept: decompress gzip: gzip: invalid header", "a wrong coding"},
		{"application/json", "gzip", string(packed(t, toGzip, doc)[:20]), "", "not kept: decompress gzip: unexpected EOF", "cut short"},
		{"text/plain", "gzip", string(packed(t, toGzip, strings.Repeat("a", 9<<20))), "", "not kept: decompress gzip: more than 8388608 bytes", "a bomb"},
		{"application/json", "exi", doc, "", "not kept: decompress exi: unknown content coding", "an unknown coding"},
		{"application/x-www-form-urlencoded", "", "a=b&password=hunter2", "a=b&password=" + f("hunter2"), "", "a form"},
		{"multipart/form-data; boundary=B", "", form, cleanForm, "", "a multipart form"},
		{"multipart/form-data; boundary=C", "", form, "", "not kept: a multipart body that does not begin with its boundary", "a wrong boundary"},
		{"multipart/form-data", "", form, "", "not kept: a multipart body without a boundary", "no boundary"},
		{"multipart/form-data; boundary=B", "", form[:len(form)-8], "", "not kept: a multipart body without an end", "cut short"},
		{"image/png", "", "\x89PNG\x00hunter2", "", "not kept: 12 bytes of binary content", "binary"},
		{"application/x-msgpack", "", "\x81\xa8password\xa7hunter2", "", "not kept: 18 bytes of binary content", "binary without a zero byte"},
		{"application/grpc", "", "\x00\x00\x00\x00\x09\x0a\x07hunter2", "", "not kept: 14 bytes of binary content", "a gRPC message, which is valid UTF-8"},
		{"application/grpc-web-text", "", "AAAAAAkKB2h1bnRlcjI=", "", "not kept: 20 bytes of binary content", "one in base64"},
		{"Application/Protobuf; messageType=a.B", "", "\x0a\x07hunter2", "", "not kept: 9 bytes of binary content", "a protobuf message without a zero byte"},
		{"application/vnd.shop+protobuf", "", "\x0a\x07hunter2", "", "not kept: 9 bytes of binary content", "protobuf by suffix"},
		{"application/connect+proto", "", "\x01\x0a\x07hunter2", "", "not kept: 10 bytes of binary content", "of the Connect protocol"},
		{"text/plain; charset=iso-8859-1", "", "caf\xe9 token=abc", "caf\xe9 token=" + f("abc"), "", "an old charset"},
		{"text/html", "", "<password>x</password>", "<password>" + f("x") + "</password>", "", "markup"},
		{"text/plain", "", "", "", "", "nothing"},
		{"text/event-stream", "", "id: 1\r\ndata:{\"a\":1}\r\n\r\ndata: b", "id: 1\r\ndata:{\"a\":1}\r\n\r\ndata: b", "", "events without a secret"},
		{"text/csv", "", "a;b\r\n1;\"x;y\"\r\n;;\r\n\r\n2", "a;b\r\n1;\"x;y\"\r\n;;\r\n\r\n2", "", "a table without a secret"},
		{"text/csv", "", "a;pin\r\n\"x\ny\";12\r\n;\r\n", "a;pin\r\n\"x\ny\";" + f("12") + "\r\n;\r\n", "", "a table with a line break in a cell, and an empty cell"},
		{"application/yaml", "", "a: [1, 2]\n# password\nb: |\n  text\ntoken: null\npassword:\n  - x\nc: 1", "a: [1, 2]\n# password\nb: |\n  text\ntoken: null\npassword:\n  - " + f("x") + "\nc: 1", "", "YAML"},
	} {
		got, note := r.Body(c.contentType, c.encoding, []byte(c.in))
		if string(got) != c.want || note != c.note {
			t.Errorf("%s: got %q, note %q\nwant %q, note %q", c.reason, got, note, c.want, c.note)
		}
	}
}

func TestBodyValue(t *testing.T) {
	digest := "14 bytes, sha256 " + strings.Repeat("ab", 32)
	mac := r.Digest([]byte(strings.Repeat("ab", 32)))
	keyed := "14 bytes, keyed sha256 " + hex.EncodeToString(mac[:])
	for _, c := range []struct{ contentType, in, want, reason string }{
		{"application/grpc+proto", "\x00\x00\x00\x00\x09\x0a\x07hunter2", "[binary content, not kept]", "a body that only one side has"},
		{"application/protobuf", "\x0a\x07hunter2", "[binary content, not kept]", "text by chance"},
		{"application/grpc", digest, keyed, "the digest of a PIN is soon found by trying PINs"},
		{"application/grpc", keyed, keyed, "redacted before"},
		{"application/grpc", digest + " hunter2", "[binary content, not kept]", "what only begins like them"},
		{"application/octet-stream", "a\x00hunter2", "[binary content, not kept]", "binary whatever it is called"},
		{"application/grpc", "", "", "the side that has none"},
		{"text/plain", "password: hunter2", "password: " + f("hunter2"), "text"},
	} {
		if got := r.BodyValue(c.contentType, c.in); got != c.want {
			t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
		}
	}
}

func TestUnknownProtobufFields(t *testing.T) {
	if got := r.Value("$.a['?99']", `"aHVudGVyMg=="`); strings.Contains(got, "aHVu") {
		t.Errorf("a field that the type does not have is shown as %s", got)
	}
	if got := r.Value("$.a", `{"id":"7","?2":["aHVudGVyMg=="]}`); strings.Contains(got, "aHVu") || !strings.Contains(got, `"id":"7"`) {
		t.Errorf("a message with one is shown as %s", got)
	}
	if got := r.HeaderValue("Grpc-Status-Details-Bin", "aHVudGVyMg"); strings.Contains(got, "aHVu") {
		t.Errorf("binary metadata is shown as %s", got)
	}
}

func BenchmarkJSON(b *testing.B) {
	doc := `[` + strings.Repeat(`{"id":12345,"name":"Daisy Duck","created_at":"2026-11-01T12:00:00.123Z","token":"abc","tags":["a","b"]},`, 1000) + `1]`
	r := redact.New([]byte("k"))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		r.JSON(doc)
	}
}
