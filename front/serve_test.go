package front

import (
	"io"
	"net/http"
	"testing"
)

func TestFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		s := serve(t, Config{Front: kind, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			io.WriteString(w, r.Method+" "+r.RequestURI+" "+string(body))
		})})
		c := dial(t, s.addr)
		for range 3 {
			c.send("GET /a?b HTTP/1.1\r\nHost: x\r\n\r\nPOST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcPOST /d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
			for _, want := range []string{"GET /a?b ", "POST /c abc", "POST /d abc"} {
				if _, got := c.answer("GET"); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		}
	})
}
