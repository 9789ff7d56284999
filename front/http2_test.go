package front

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// askHTTP2 sends one request's fields, with or without a body, and tells the
// status, or "reset" when the stream was.
func askHTTP2(t *testing.T, addr string, fields [][2]string, body string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	c.Write([]byte(preface))
	f := http2.NewFramer(c, c)
	f.WriteSettings()
	var block strings.Builder
	enc := hpack.NewEncoder(&block)
	for _, field := range fields {
		enc.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndHeaders: true, EndStream: body == ""})
	if body != "" {
		f.WriteData(1, true, []byte(body))
	}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			return frame.PseudoValue("status")
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return "reset"
		}
	}
}

func TestHTTP2Refused(t *testing.T) {
	s := serve(t, Config{H2C: true, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Host"]) > 0 {
			t.Error("the Host is among the fields")
		}
		w.WriteHeader(204)
	})})
	plain := [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.example"}}
	with := func(more ...[2]string) [][2]string { return append(plain[:4:4], more...) }
	for _, c := range []struct {
		reason string
		fields [][2]string
		body   string
		want   string
	}{
		{"plain", plain, "", "204"},
		{"with a length", with([2]string{"content-length", "5"}), "hello", "204"},
		{"with a Host that says the same", with([2]string{"host", "a.example"}), "", "204"},
		{"Host instead of the authority", [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "a.example"}}, "", "204"},
		{"Host of another", with([2]string{"host", "b.example"}), "", "400"},
		{"no host at all", plain[:3], "", "400"},
		{"bad authority", [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "u@a"}}, "", "400"},
		{"space in the path", [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/a b"}, {":authority", "a"}}, "", "400"},
		{"another host in the path", [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "http://b/"}, {":authority", "a"}}, "", "400"},
		{"line break in the path", [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/ HTTP/1.1\r\nx: y"}, {":authority", "a"}}, "", "400"},
		{"method that is no token", [][2]string{{":method", "GET /a"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}, "", "400"},
		{"length with a plus", with([2]string{"content-length", "+5"}), "hello", "400"},
		{"length without a body", with([2]string{"content-length", "5"}), "", "400"},
		{"two lengths", with([2]string{"content-length", "5"}, [2]string{"content-length", "5"}), "hello", "400"},
		{"length spelt otherwise", with([2]string{"content_length", "5"}), "hello", "400"},
		{"transfer coding", with([2]string{"transfer-encoding", "chunked"}), "hello", "400"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			if got := askHTTP2(t, s.addr, c.fields, c.body); got != c.want && !(c.want == "400" && got == "reset") {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
