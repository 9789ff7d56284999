package proxy

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/routes"
)

func TestOfferedExchange(t *testing.T) {
	w := newWorld(t, `
  - {name: show, match: "GET /accounts/{id}", stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Quack-Footprint", "x")
		w.Header().Set("X-A", "1")
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		w.WriteHeader(404)
		io.WriteString(w, "none")
	}, nil)
	w.ask("GET", "/accounts/a%2Fb?", "", "Host", "shop.example", "X-B", "2", "Quack-Role", "shadow", "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	o := w.shadow.oneOffer(t)
	r := o.request
	if r.Method != "GET" || r.Path != "/accounts/a%2Fb" || r.RawQuery != "" || !r.ForceQuery || r.Host != "shop.example" ||
		r.Params.Get("id") != "a%2Fb" || r.Route.Name != "show" || r.Trace != "4bf92f3577b34da6a3ce929d0e0e4736" || len(r.ID) != 26 || r.At.IsZero() || r.ReadOnly {
		t.Errorf("request %+v", r)
	}
	want := http.Header{
		"X-B": {"2"}, "Via": {"1.1 quack"}, "X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"},
		"User-Agent": {"Go-http-client/1.1"}, "Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
	}
	if d := cmp.Diff(want, r.Header); d != "" {
		t.Errorf("request header (-want +got):\n%s", d)
	}
	a := o.answer
	if o.live != routes.Legacy || a.Backend != "monolith" || !strings.HasSuffix(a.URL, "/accounts/a%2Fb?") || !strings.HasPrefix(a.URL, "http://127.0.0.1:") || a.Latency <= 0 {
		t.Errorf("answer by %s of %s at %s in %v", o.live, a.Backend, a.URL, a.Latency)
	}
	e := a.Exchange
	if e.Status != 404 || string(e.Body) != "none" || e.Size != 4 || e.Incomplete != "" || e.Footprint != nil {
		t.Errorf("exchange %+v", e)
	}
	delete(e.Header, "Date")
	if d := cmp.Diff(http.Header{"X-A": {"1"}, "Content-Length": {"4"}, "Content-Type": {"text/plain; charset=utf-8"}}, e.Header); d != "" {
		t.Errorf("answer header (-want +got):\n%s", d)
	}
}

// Which requests are handed over, when, and what is counted for the others.
func TestWhatIsCompared(t *testing.T) {
	const lines = `
  - {name: legacy, match: GET /legacy}
  - {name: get, match: GET /get, stage: shadow}
  - {name: verify, match: GET /verify, stage: verify}
  - {name: new, match: GET /new, stage: new}
  - {name: none, match: GET /none, stage: shadow, shadow: {sample: 0%}}
  - {name: first, match: GET /first, stage: shadow, shadow: {order: before}}
  - {name: search, match: POST /search, stage: shadow, safe: true, shadow: {max_body: 1KiB}}
  - {name: post, match: POST /post, stage: shadow, shadow: {max_body: 1KiB}}`
	answer := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Length", fmt.Sprint(len(body)))
		switch r.URL.RawQuery {
		case "events":
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: 1\n\n")
		case "304":
			w.WriteHeader(304)
		case "500":
			w.WriteHeader(500)
		}
	}
	big, small := strings.Repeat("x", 1025), strings.Repeat("x", 1024)
	for _, c := range []struct {
		reason          string
		method, target  string
		body            string
		header          []string
		offers, befores int
		live            routes.Side
		skipped         string
	}{
		{reason: "stage legacy", method: "GET", target: "/legacy"},
		{reason: "stage new", method: "GET", target: "/new"},
		{reason: "no route", method: "GET", target: "/nowhere"},
		{reason: "not in the sample", method: "GET", target: "/none"},
		{reason: "a read", method: "GET", target: "/get", offers: 1, live: routes.Legacy},
		{reason: "HEAD", method: "HEAD", target: "/get", offers: 1, live: routes.Legacy},
		{reason: "a read at verify", method: "GET", target: "/verify", offers: 1, live: routes.New},
		{reason: "a read whose shadow is to be first", method: "GET", target: "/first", befores: 1, live: routes.Legacy},
		{reason: "an error is an answer", method: "GET", target: "/get?500", offers: 1, live: routes.Legacy},
		{reason: "so is 304; the shadow sees to it", method: "GET", target: "/get?304", offers: 1, live: routes.Legacy},
		{reason: "a safe POST", method: "POST", target: "/search", body: small, offers: 1, live: routes.Legacy},
		{reason: "a safe POST one byte too large", method: "POST", target: "/search", body: big, skipped: "search: body-size"},
		{reason: "a write", method: "POST", target: "/post", body: small, befores: 1, live: routes.Legacy},
		{reason: "a write without a body", method: "POST", target: "/post", befores: 1, live: routes.Legacy},
		{reason: "a write one byte too large", method: "POST", target: "/post", body: big, skipped: "post: body-size"},
		{reason: "events", method: "GET", target: "/get?events", skipped: "get: stream"},
		{reason: "gRPC", method: "POST", target: "/search", body: "x", header: []string{"Content-Type", "application/grpc+proto"}, skipped: "search: unsupported"},
	} {
		for _, chunked := range []bool{false, true} {
			if chunked && c.body == "" {
				continue
			}
			t.Run(fmt.Sprint(c.reason, chunked), func(t *testing.T) {
				w := newWorld(t, lines, answer, answer)
				var res *http.Response
				if chunked {
					req, err := http.NewRequest(c.method, w.url+c.target, io.MultiReader(strings.NewReader(c.body)))
					if err != nil {
						t.Fatal(err)
					}
					for i := 0; i < len(c.header); i += 2 {
						req.Header.Set(c.header[i], c.header[i+1])
					}
					if res, err = w.client.Do(req); err != nil {
						t.Fatal(err)
					}
					res.Body.Close()
				} else {
					res, _ = w.ask(c.method, c.target, c.body, c.header...)
				}
				if got := res.Header.Get("X-Length"); got != fmt.Sprint(len(c.body)) {
					t.Errorf("%s of %d bytes reached live", got, len(c.body))
				}
				w.counts.waitServed(t, 1)
				offers, befores := w.shadow.all()
				if len(offers) != c.offers || len(befores) != c.befores {
					t.Errorf("%d offered after, %d before; want %d and %d", len(offers), len(befores), c.offers, c.befores)
				}
				for _, o := range append(offers, befores...) {
					if o.live != c.live || string(o.request.Body) != c.body {
						t.Errorf("live is %s, body of %d bytes", o.live, len(o.request.Body))
					}
				}
				if s := w.counts.skipped(); s != c.skipped {
					t.Errorf("skipped %q, want %q", s, c.skipped)
				}
			})
		}
	}
}

// The shadow runs before the live call, or after the answer has gone out whole.
func TestOrder(t *testing.T) {
	asked := make(chan string, 8)
	w := newWorld(t, `
  - {name: get, match: GET /, stage: shadow}
  - {name: post, match: POST /, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		asked <- "live"
		io.WriteString(w, "hello")
	}, nil)
	release := make(chan bool)
	w.shadow.within = func(what string) {
		asked <- what
		<-release
	}
	conn, in := dial(t, w.url)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "hello" {
		t.Errorf("while Offer has not returned the client gets %q, %v", b, err)
	}
	if a, b := <-asked, <-asked; a != "live" || b != "offer" {
		t.Errorf("%s then %s", a, b)
	}
	release <- true
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
	if a := <-asked; a != "before" {
		t.Errorf("%s first", a)
	}
	if len(asked) > 0 {
		t.Error("live was asked while the shadow ran")
	}
	release <- true
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 200 || <-asked != "live" {
		t.Errorf("%v, %v", res, err)
	}
}

// The client gone while its shadow ran: live gets the request all the same.
func TestClientGoesWhileTheShadowRuns(t *testing.T) {
	for _, none := range []bool{false, true} { // also when the shadow is skipped in the end
		got := make(chan string, 1)
		w := newWorld(t, `
  - {name: post, match: POST /, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			got <- fmt.Sprint(string(b), err)
		}, nil)
		running, release := make(chan bool), make(chan bool)
		w.shadow.none = none
		w.shadow.within = func(what string) {
			if what != "before" {
				return
			}
			running <- true
			<-release
		}
		conn, _ := dial(t, w.url)
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
		<-running
		conn.Close()
		release <- true
		select {
		case b := <-got:
			if b != "hello<nil>" {
				t.Errorf("no pending: %v: live got %q", none, b)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no pending: %v: live got nothing", none)
		}
		w.counts.waitServed(t, 1)
	}
}

// Answers over max_body are compared by their digest.
func TestLargeAnswer(t *testing.T) {
	body := strings.Repeat("0123456789", 20000)
	w := newWorld(t, `
  - {name: get, match: GET /, stage: shadow, shadow: {max_body: 1KiB}}`, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, body)
	}, nil)
	if _, got := w.ask("GET", "/", ""); got != body {
		t.Error("the client got something else")
	}
	e := w.shadow.oneOffer(t).answer.Exchange
	if e.Body != nil || e.Size != int64(len(body)) || e.Digest != sha256.Sum256([]byte(body)) {
		t.Errorf("%d bytes kept of %d, digest %x", len(e.Body), e.Size, e.Digest)
	}
}

// When there is no room for copies nothing is held up.
func TestNoRoomForCopies(t *testing.T) {
	w := newWorld(t, `
  - {name: get, match: GET /, stage: shadow}
  - {name: search, match: POST /search, stage: shadow, safe: true}
  - {name: post, match: POST /post, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
		io.WriteString(w, "!")
	}, nil, func(c *Config) { c.CopyBytes = 3 })
	for _, c := range [][3]string{{"GET", "/", ""}, {"POST", "/search", "hello"}, {"POST", "/post", "hello"}} {
		if _, got := w.ask(c[0], c[1], c[2]); got != c[2]+"!" {
			t.Errorf("%s: the client got %q", c[1], got)
		}
	}
	w.counts.waitServed(t, 3)
	if s := w.counts.skipped(); s != "search: busy, post: busy" {
		t.Errorf("skipped %q", s)
	}
	if e := w.shadow.oneOffer(t).answer.Exchange; e.Size != 1 {
		t.Errorf("%+v", e)
	}
}

// readWhole is all there is to read on a connection, without the borders of
// chunks: where they fall is up to when pieces come.
func readWhole(t *testing.T, in *bufio.Reader) string {
	head, err := readHead(in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(head, "Transfer-Encoding: chunked\r\n") {
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		return head + string(b)
	}
	body, err := io.ReadAll(httputil.NewChunkedReader(in))
	if err != nil {
		t.Fatal(err)
	}
	trailer, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return head + string(body) + string(trailer)
}

// With shadowing on and off the client gets the same bytes.
func TestSameBytesWithAndWithoutShadow(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", fmt.Sprint(len(b)+5))
		case "/empty":
			w.WriteHeader(204)
			return
		case "/304":
			w.WriteHeader(304)
			return
		case "/trailer":
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set(http.TrailerPrefix+"X-Late", "1")
		case "/large":
			w.Write(bytes.Repeat([]byte("x"), 300000))
		case "/flush":
			io.WriteString(w, "one")
			http.NewResponseController(w).Flush()
		}
		io.WriteString(w, "hello")
		w.Write(b)
		w.Header().Set("X-Sum", "7")
	}
	stage := func(stage string) string {
		return fmt.Sprintf(`
  - match: /
    stage: %s
    routes:
      - {name: get, match: "GET /*"}
      - {name: head, match: "HEAD /*"}
      - {name: post, match: "POST /*"}`, stage)
	}
	on, off := newWorld(t, stage("shadow"), answer, nil), newWorld(t, stage("legacy"), answer, nil)
	asked := 0
	for _, path := range []string{"/", "/length", "/empty", "/304", "/trailer", "/large", "/flush"} {
		for _, request := range []string{
			"GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
			"GET %s HTTP/1.0\r\nHost: h\r\n\r\n",
			"HEAD %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
			"POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
			"POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		} {
			asked++
			var got [2]string
			for i, w := range []*world{on, off} {
				conn, in := dial(t, w.url)
				fmt.Fprintf(conn, request, path)
				got[i] = readWhole(t, in)
			}
			if got[0] != got[1] {
				t.Errorf("%s: with shadow %.300q, without %.300q", fmt.Sprintf(request, path), got[0], got[1])
			}
		}
	}
	until(t, "all handed over", func() bool {
		offers, befores := on.shadow.all()
		return len(offers)+len(befores) == asked
	})
	if offers, befores := off.shadow.all(); len(offers)+len(befores) > 0 {
		t.Error("stage legacy is compared")
	}
}

// A shadow call has no trailer: what has one is passed on and not compared.
func TestTrailerIsNotCompared(t *testing.T) {
	for _, c := range []struct{ reason, method, trailer, skipped string }{
		{"with a trailer, after live", "PUT /after", "X-Sum: 7\r\n", "after: unsupported"},
		{"with a trailer, before live", "POST /before", "X-Sum: 7\r\n", "before: unsupported"},
		{"announced and not sent", "PUT /after", "", ""},
	} {
		t.Run(c.reason, func(t *testing.T) {
			got := make(chan string, 1)
			w := newWorld(t, `
  - {name: after, match: PUT /after, stage: shadow, safe: true}
  - {name: before, match: POST /before, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				got <- r.Trailer.Get("X-Sum")
			}, nil)
			conn, in := dial(t, w.url)
			fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\n%s\r\n", c.method, c.trailer)
			if _, err := http.ReadResponse(in, nil); err != nil {
				t.Fatal(err)
			}
			if sum := <-got; (sum == "7") != (c.trailer != "") {
				t.Errorf("live got %q", sum)
			}
			w.counts.waitServed(t, 1)
			if s := w.counts.skipped(); s != c.skipped {
				t.Errorf("skipped %q, want %q", s, c.skipped)
			}
			if offers, befores := w.shadow.all(); len(offers)+len(befores) != map[bool]int{true: 1}[c.skipped == ""] {
				t.Errorf("%d offered after, %d before", len(offers), len(befores))
			}
		})
	}
}
