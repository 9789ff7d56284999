package compare_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/quackproxy/quack/compare"
)

// encode applies one content coding; "deflate-raw" is the bare stream that some servers send.
func encode(t testing.TB, coding, body string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "deflate-raw":
		w, err = flate.NewWriter(&b, 6)
	case "br":
		w = brotli.NewWriterLevel(&b, brotli.BestSpeed)
	case "zstd":
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	}
	if err == nil {
		_, err = io.WriteString(w, body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func encoded(t testing.TB, coding, body string, more ...string) *compare.Exchange {
	t.Helper()
	return answer("application/json", encode(t, coding, body), append(more, "Content-Encoding: "+strings.TrimSuffix(coding, "-raw"))...)
}

func TestContentCodings(t *testing.T) {
	for _, coding := range []string{"gzip", "deflate", "deflate-raw", "br", "zstd"} {
		t.Run(coding, func(t *testing.T) {
			checkLines(t, compare.Exchanges(encoded(t, coding, `{"price":1}`), encoded(t, coding, `{"price":2}`), nil), []string{"value $.price at $.price: 1 | 2"})
			name := strings.TrimSuffix(coding, "-raw")
			checkLines(t, compare.Exchanges(encoded(t, coding, `{"price":1}`), jsonAnswer(`{"price":1}`), nil), []string{
				fmt.Sprintf("missing header:Content-Encoding at header:Content-Encoding: %s | ", name)})
		})
	}
	t.Run("two codings, one on the other", func(t *testing.T) {
		twice := func(body string) *compare.Exchange {
			return answer("application/json", encode(t, "br", encode(t, "gzip", body)), "Content-Encoding: gzip, br")
		}
		checkLines(t, compare.Exchanges(twice(`[1]`), twice(`[2]`), nil), []string{"value $[*] at $[0]: 1 | 2"})
	})
	t.Run("what follows from another coding", func(t *testing.T) {
		l := encoded(t, "gzip", `{"a":1}`, `ETag: W/"1"`, "Vary: Origin, Accept-Encoding")
		n := jsonAnswer(`{"a":1}`)
		n.Header.Set("ETag", `"1"`)
		n.Header.Set("Vary", "Origin")
		checkLines(t, compare.Exchanges(l, n, nil), []string{
			"missing header:Content-Encoding at header:Content-Encoding: gzip | ",
			"forgiven 1 header header:ETag: validator of an equal body",
			"forgiven 1 header header:Vary: follows from the content coding",
		})
	})
	t.Run("a broken body", func(t *testing.T) {
		n := answer("application/json", "not gzip", "Content-Encoding: gzip")
		r := compare.Exchanges(encoded(t, "gzip", `{}`), n, nil)
		if r.Err == nil || !strings.HasPrefix(r.Err.Error(), "decode new's body: gzip: ") {
			t.Errorf("got %v", r.Err)
		}
		n.Status = 201
		if r := compare.Exchanges(answer("application/json", "not gzip", "Content-Encoding: gzip"), n, nil); r.Err != nil || len(r.Differences) != 1 {
			t.Errorf("broken in the same way: %q", lines(r))
		}
	})
	t.Run("as many codings as a header section holds", func(t *testing.T) {
		n := answer("application/json", "x", "Content-Encoding: "+strings.Repeat("gzip, ", 500)+"gzip")
		r := compare.Exchanges(jsonAnswer("0"), n, nil)
		if r.Err == nil || !strings.Contains(r.Err.Error(), "501 content codings on each other") {
			t.Errorf("got %v", r.Err)
		}
	})
	t.Run("an unknown coding", func(t *testing.T) {
		r := compare.Exchanges(answer("text/plain", "a", "Content-Encoding: x-own"), answer("text/plain", "b", "Content-Encoding: x-own"), nil)
		if r.Err != nil || len(r.Differences) != 1 || r.Differences[0].Kind != compare.KindBody {
			t.Errorf("got %q", lines(r))
		}
	})
	t.Run("nothing to decode in an answer to HEAD", func(t *testing.T) {
		r := compare.Exchanges(answer("", "", "Content-Encoding: gzip", "X-A: 1"), answer("", "", "Content-Encoding: gzip", "X-A: 2"), nil)
		if r.Err != nil || len(r.Differences) != 1 {
			t.Errorf("got %q", lines(r))
		}
	})
}

func TestBombs(t *testing.T) {
	zeros := strings.Repeat("0", 9<<20)
	for _, coding := range []string{"gzip", "br", "zstd", "deflate"} {
		t.Run(coding, func(t *testing.T) {
			bomb := encoded(t, coding, zeros)
			r := compare.Exchanges(bomb, jsonAnswer("0"), nil)
			if r.Err == nil {
				t.Fatalf("%d bytes from %d were decoded", len(zeros), len(bomb.Body))
			}
		})
	}
}
