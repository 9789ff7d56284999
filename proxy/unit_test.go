package proxy

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"testing"
	"testing/iotest"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"pgregory.net/rapid"
)

func TestParseTarget(t *testing.T) {
	for _, c := range []struct {
		method, uri string
		want        target
		ok          bool
	}{
		{"GET", "/", target{path: "/"}, true},
		{"GET", "/a?b?c", target{path: "/a", rawQuery: "b?c"}, true},
		{"GET", "/a?", target{path: "/a", forceQuery: true}, true},
		{"GET", "//a://b", target{path: "//a://b"}, true},
		{"GET", "/?", target{path: "/", forceQuery: true}, true},
		{"GET", "http://h", target{path: "/"}, true},
		{"GET", "HTTP://h/a?b", target{path: "/a", rawQuery: "b"}, true},
		{"GET", "http://u@h:1?b/c", target{path: "/", rawQuery: "b/c"}, true},
		{"OPTIONS", "*", target{path: "*"}, true},
		{"OPTIONS", "http://h:8001", target{path: "*"}, true},
		{"OPTIONS", "http://h/", target{path: "/"}, true},
		{"GET", "*", target{}, false},
		{"GET", "h:1", target{}, false},
		{"GET", "", target{}, false},
	} {
		got, ok := parseTarget(c.method, c.uri)
		if got != c.want || ok != c.ok {
			t.Errorf("%s %q: %+v %t, want %+v %t", c.method, c.uri, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"/a?b", "//x", "http://h/?", "*", "a:b", "/?#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTarget("GET", s)
		if !ok {
			return
		}
		if got.path == "" || got.path[0] != '/' {
			t.Errorf("%q: path %q", s, got.path)
		}
		if s[0] == '/' && got.String() != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}

func TestKeeper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 0, 20).Draw(t, "pieces")
		max := rapid.Int64Range(0, 400).Draw(t, "max")
		room := rapid.Int64Range(0, 600).Draw(t, "room")
		copies := newBudget(room)
		k := keeper{copies: copies, on: true, max: max}
		var all []byte
		for _, p := range pieces {
			k.add(p)
			all = append(all, p...)
		}
		var e compare.Exchange
		k.put(&e)
		if e.Size != int64(len(all)) {
			t.Fatalf("size %d of %d", e.Size, len(all))
		}
		if int64(len(all)) <= min(max, room) {
			if !bytes.Equal(e.Body, all) {
				t.Fatalf("kept %q of %q", e.Body, all)
			}
		} else if len(e.Body) != 0 || e.Digest != sha256.Sum256(all) {
			t.Fatalf("%d bytes over %d or %d: kept %d, digest %x", len(all), max, room, len(e.Body), e.Digest)
		}
		k.end()
		if left := copies.left.Load(); left != room {
			t.Fatalf("%d of %d bytes were given back", left, room)
		}
	})
}

// Whatever is copied or read ahead, the same body goes on.
func TestUploadPassesAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body")
		max := rapid.Int64Range(0, 300).Draw(t, "max")
		room := rapid.Int64Range(0, 400).Draw(t, "room")
		length := int64(len(body))
		if rapid.Bool().Draw(t, "chunked") {
			length = -1
		}
		var src io.Reader = bytes.NewReader(body)
		if rapid.Bool().Draw(t, "slow") {
			src = iotest.OneByteReader(src)
		}
		copies := newBudget(room)
		u := newUpload(&http.Request{Body: io.NopCloser(src), ContentLength: length}, copies)
		keep := rapid.Bool().Draw(t, "keep")
		if keep {
			u.keep(max)
			if rapid.Bool().Draw(t, "ahead") {
				u.readAhead()
			}
		}
		got, err := io.ReadAll(u)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("passed on %q of %q: %v", got, body, err)
		}
		if !u.whole() || u.failed() != nil {
			t.Fatal("the end was not seen")
		}
		kept, refuse := u.copy()
		switch {
		case !keep:
			if refuse == "" {
				t.Fatal("a copy was kept unasked")
			}
		case int64(len(body)) > max:
			if refuse != skipBodySize && refuse != skipBusy {
				t.Fatalf("%d bytes, at most %d: refused as %q", len(body), max, refuse)
			}
		case int64(len(body)) > room:
			if refuse != skipBusy {
				t.Fatalf("%d bytes, room for %d: refused as %q", len(body), room, refuse)
			}
		case refuse != "" || !bytes.Equal(kept, body):
			t.Fatalf("kept %q of %q, refused as %q", kept, body, refuse)
		}
		u.end()
		if left := copies.left.Load(); left != room {
			t.Fatalf("%d of %d bytes were given back", left, room)
		}
		if _, err := u.Read(make([]byte, 1)); err == nil {
			t.Fatal("read on after the end")
		}
	})
}

// The live path may not import the package that keeps the counts; the names
// have to be the same all the same.
func TestSkipNames(t *testing.T) {
	for ours, theirs := range map[string]string{
		skipAborted: reports.SkipAborted, skipBodySize: reports.SkipBodySize, skipBusy: reports.SkipBusy,
		skipFallback: reports.SkipFallback, skipNested: reports.SkipNested, skipReadOnly: reports.SkipReadOnly, skipStream: reports.SkipStream,
		skipUnsupported: reports.SkipUnsupported, skipUpgrade: reports.SkipUpgrade,
	} {
		if ours != theirs {
			t.Errorf("%q is %q in the reports", ours, theirs)
		}
	}
}
