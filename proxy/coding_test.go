package proxy

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/quackproxy/quack/routes"
)

func TestAcceptedCoding(t *testing.T) {
	for _, c := range []struct {
		reason string
		accept []string
		want   routes.Compression
	}{
		{"nothing said", nil, ""},
		{"nothing accepted", []string{""}, ""},
		{"what browsers send", []string{"gzip, deflate, br, zstd"}, "zstd"},
		{"gzip alone", []string{"gzip"}, "gzip"},
		{"its old name, in capitals", []string{"X-GZIP"}, "gzip"},
		{"by weight", []string{"zstd;q=0.5, gzip;q=0.8"}, "gzip"},
		{"of equals zstd", []string{"gzip;q=0.8, zstd;q=0.8"}, "zstd"},
		{"refused", []string{"gzip;q=0, zstd;q=0.0"}, ""},
		{"one refused", []string{"zstd;q=0, gzip;q=0.1"}, "gzip"},
		{"anything", []string{"*"}, "zstd"},
		{"anything but", []string{"zstd;q=0, *"}, "gzip"},
		{"anything refused", []string{"*;q=0"}, ""},
		{"plain is liked better", []string{"identity, gzip;q=0.5"}, ""},
		{"plain is liked as much", []string{"identity;q=0.5, gzip;q=0.5"}, "gzip"},
		{"plain is refused", []string{"identity;q=0, gzip;q=0.1"}, "gzip"},
		{"others", []string{"br, deflate"}, ""},
		{"over two lines", []string{"br", "gzip"}, "gzip"},
		{"a weight that is none", []string{"gzip;q=much"}, ""},
		{"a weight beyond 1", []string{"gzip;q=2"}, ""},
	} {
		if got := acceptedCoding(c.accept); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}

func TestCompressible(t *testing.T) {
	for media, want := range map[string]bool{
		"text/html; charset=utf-8": true, "TEXT/PLAIN": true, "text/event-stream": true, "application/json": true,
		"application/problem+json": true, "image/svg+xml": true, "application/xml": true, "application/javascript": true,
		"application/x-www-form-urlencoded": true, "application/wasm": true,
		"": false, "image/png": false, "application/octet-stream": false, "application/gzip": false, "application/pdf": false,
		"multipart/form-data; boundary=x": false, "application/grpc": false, "video/mp4": false,
	} {
		if got := compressible(media); got != want {
			t.Errorf("%q: %v", media, got)
		}
	}
}

// decoded is a body without its coding.
func decoded(t *testing.T, coding string, body io.Reader) string {
	t.Helper()
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		body = z
	case "zstd":
		// What a browser takes (RFC 9659).
		z, err := zstd.NewReader(body, zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		body = z
	}
	got, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// An encoder that has been used, also for half a body, begins anew.
func TestEncodersAreUsedAgain(t *testing.T) {
	for _, coding := range []routes.Compression{routes.CompressGzip, routes.CompressZstd} {
		for n := range 3 {
			var half, whole bytes.Buffer
			e := encoderTo(coding, &half)
			io.WriteString(e, strings.Repeat("half", 1000))
			release(e)
			e = encoderTo(coding, &whole)
			io.WriteString(e, "whole")
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			release(e)
			if got := decoded(t, string(coding), &whole); got != "whole" {
				t.Errorf("%s, time %d: %q", coding, n, got)
			}
		}
	}
}

func TestFixedBodies(t *testing.T) {
	for _, c := range []struct {
		reason  string
		header  http.Header
		trailer http.Header
		want    bool
	}{
		{"plain", http.Header{"Content-Type": {"text/plain"}, "Authorization": {"Bearer x"}}, nil, false},
		{"coded", http.Header{"Content-Encoding": {"br"}}, nil, true},
		{"a part", http.Header{"Content-Range": {"bytes 0-1/2"}}, nil, true},
		{"not to be touched", http.Header{"Cache-Control": {"public, no-transform"}}, nil, true},
		{"a digest", http.Header{"Content-Digest": {"sha-256=:x:"}}, nil, true},
		{"an old digest", http.Header{"Digest": {"sha-256=x"}}, nil, true},
		{"MD5", http.Header{"Content-Md5": {"x"}}, nil, true},
		{"a digest to come", nil, http.Header{"Repr-Digest": nil}, true},
		{"a signed message", http.Header{"Signature-Input": {"x"}}, nil, true},
		{"a webhook's signature", http.Header{"Stripe-Signature": {"x"}}, nil, true},
		{"signed for S3", http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=x"}}, nil, true},
	} {
		if got := fixed(c.header, c.trailer); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
	}
}

// reader reads a body without its coding as it comes.
func reader(t *testing.T, coding string, body io.Reader) io.Reader {
	t.Helper()
	if coding == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(z.Close)
	return z
}
