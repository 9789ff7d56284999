package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/upstream"
)

// nowhere is a URL where nobody listens.
func nowhere(t *testing.T) string {
	srv := httptest.NewServer(nil)
	srv.Close()
	return srv.URL
}

func TestBackendFails(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // so that the server sees the connection close
		<-r.Context().Done()
	}
	garbage := rawBackend(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := readHead(r); err == nil {
			io.WriteString(c, "nonsense\r\n\r\n")
		}
	})
	odd := rawBackend(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := readHead(r); err == nil {
			io.WriteString(c, "HTTP/1.1 042 Odd\r\nContent-Length: 0\r\n\r\n")
		}
	})
	switching := rawBackend(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := readHead(r); err == nil {
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		}
	})
	for _, c := range []struct {
		reason  string
		backend any
		change  func(*Config)
		status  int
		kind    string
	}{
		{"nobody listens", nowhere(t), nil, 502, "backend-unreachable"},
		{"no answer in time", hang, nil, 504, "backend-timeout"},
		{"an answer that is none", garbage, nil, 502, "backend-unreachable"},
		{"a status that is none", odd, nil, 502, "backend-answer"},
		{"a protocol nobody asked for", switching, nil, 502, "backend-answer"},
		{"no instance", nowhere(t), func(c *Config) {
			c.Backend = func(*routes.Backend) *upstream.Backend { return upstream.New("x", nil, upstream.Options{}) }
		}, 503, "no-backend"},
		{"no backend", nowhere(t), func(c *Config) {
			c.Backend = func(*routes.Backend) *upstream.Backend { return nil }
		}, 503, "no-backend"},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(c.reason+" "+method, func(t *testing.T) {
				change := c.change
				if change == nil {
					change = func(*Config) {}
				}
				timeout := "20s"
				if c.status == http.StatusGatewayTimeout {
					timeout = "50ms"
				}
				w := newWorld(t, `
  - {name: all, match: "/*", stage: shadow, timeout: `+timeout+`, safe: true, expose: true}`, c.backend, nil, change)
				body := ""
				if method == "POST" {
					body = "hello"
				}
				res, got := w.ask(method, "/", body)
				if res.StatusCode != c.status {
					t.Errorf("status %d, want %d", res.StatusCode, c.status)
				}
				var p map[string]any
				if err := json.Unmarshal([]byte(got), &p); err != nil {
					t.Fatalf("%q: %v", got, err)
				}
				if p["type"] != "https://quackproxy.github.io/problems/"+c.kind || p["request_id"] != res.Header.Get("Quack-Request-Id") {
					t.Errorf("got %v", p)
				}
				if url, ok := c.backend.(string); ok && strings.Contains(got, strings.TrimPrefix(url, "http://")) {
					t.Errorf("the client learns the backend's address: %s", got)
				}
				if d := cmp.Diff([]served{{"all", "shadow", "legacy", c.status}}, w.counts.waitServed(t, 1), cmp.AllowUnexported(served{})); d != "" {
					t.Errorf("counted (-want +got):\n%s", d)
				}
				if s := w.counts.skipped(); s != "all: aborted" {
					t.Errorf("skipped %q", s)
				}
				if o, _ := w.shadow.all(); len(o) > 0 {
					t.Errorf("offered %v", o)
				}
			})
		}
	}
}

// A backend that dies in mid-body: the client sees its answer break off, and
// the exchange is never offered.
func TestBackendDiesInMidBody(t *testing.T) {
	w := newWorld(t, `
  - {name: all, match: "/*", stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, nil)
	res, err := w.client.Get(w.url + "/reset?token=s3cret")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
	if got := w.counts.waitServed(t, 1); got[0].status != 200 {
		t.Errorf("counted %v", got)
	}
	if s := w.counts.skipped(); s != "all: aborted" {
		t.Errorf("skipped %q", s)
	}
	if o, _ := w.shadow.all(); len(o) > 0 {
		t.Errorf("offered %v", o)
	}
	if log := w.log.String(); !strings.Contains(log, "live answer broke off") || strings.Contains(log, "s3cret") {
		t.Errorf("logged %s", log)
	}
}

func TestClientGoes(t *testing.T) {
	for _, c := range []struct {
		reason string
		path   string
		status int
	}{
		{"before the answer", "/wait", statusClientGone},
		{"in mid-answer", "/stream", 200},
	} {
		t.Run(c.reason, func(t *testing.T) {
			arrived, ended := make(chan bool, 1), make(chan bool, 1)
			w := newWorld(t, `
  - {name: all, match: "/*", stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/stream" {
					io.WriteString(w, "hello")
					http.NewResponseController(w).Flush()
				}
				arrived <- true
				<-r.Context().Done()
				ended <- true
			}, nil)
			conn, in := dial(t, w.url)
			io.WriteString(conn, "GET "+c.path+" HTTP/1.1\r\nHost: h\r\n\r\n")
			<-arrived
			if c.status == 200 {
				if _, err := http.ReadResponse(in, nil); err != nil {
					t.Fatal(err)
				}
			}
			conn.Close()
			<-ended // the live call ends with its client
			if got := w.counts.waitServed(t, 1); got[0].status != c.status {
				t.Errorf("counted %v", got)
			}
			if s := w.counts.skipped(); s != "all: aborted" {
				t.Errorf("skipped %q", s)
			}
			if strings.Contains(w.log.String(), "live ") {
				t.Errorf("a client that goes is nobody's fault, yet logged: %s", w.log)
			}
		})
	}
}

// An upload may take longer than the timeout as long as it moves; when it does
// not, the client is told, though it does not listen.
func TestTimeoutOfUploads(t *testing.T) {
	w := newWorld(t, `
  - {name: all, match: "/*", timeout: 400ms}`, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			w.Write(b)
		}
	}, nil)
	conn, in := dial(t, w.url)
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\n")
	for range 8 {
		time.Sleep(80 * time.Millisecond) // what is tested is time: 640 ms in all
		io.WriteString(conn, "x")
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("an upload that moves: %v, %v", res, err)
	}
	for _, framing := range []string{"Content-Length: 8", "Transfer-Encoding: chunked"} {
		conn, in = dial(t, w.url)
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\n"+framing+"\r\n\r\n")
		res, err = http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != 504 || !res.Close {
			t.Errorf("%s: an upload that does not: %v, %v", framing, res, err)
		}
	}
}

func TestUploadBreaksOff(t *testing.T) {
	read := make(chan error, 1)
	w := newWorld(t, `
  - {name: after, match: POST /after}
  - {name: before, match: POST /before, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	}, nil)
	for _, path := range []string{"/after", "/before"} {
		conn, in := dial(t, w.url)
		io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n\r\n")
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != 400 || !res.Close {
			t.Errorf("%s: %v, %v", path, res, err)
		}
		if path == "/after" && <-read == nil {
			t.Errorf("%s: the backend took half a body for a whole one", path)
		}
	}
	if _, befores := w.shadow.all(); len(befores) > 0 || len(read) > 0 {
		t.Error("half a body that was read ahead was sent to someone")
	}
}

// panicking panics where it is told to.
type panicking struct {
	*shadowNotes
	*countNotes
	plainProtocol
	where string
}

func (p panicking) Offer(req shadow.Request, live routes.Side, a shadow.Answer) {
	p.shadowNotes.Offer(req, live, a)
	panic("in Offer")
}

func (p panicking) Before(context.Context, shadow.Request, routes.Side) *shadow.Pending {
	panic("in Before")
}

func (p panicking) MarkContext(h http.Header, id, role string, at time.Time, readOnly bool) {
	if p.where == "MarkContext" {
		panic("in MarkContext")
	}
	p.plainProtocol.MarkContext(h, id, role, at, readOnly)
}

func TestPanics(t *testing.T) {
	for _, c := range []struct {
		where, method string
		status        int
		logged        string
	}{
		{"Offer", "GET", 200, "panic in the shadow"},
		{"Before", "POST", 200, "panic in the shadow"},
		{"MarkContext", "GET", 500, "panic on the live path"},
	} {
		w := newWorld(t, `
  - {name: get, match: GET /, stage: shadow}
  - {name: post, match: POST /, stage: shadow}`, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, r.Body)
		}, nil, func(cfg *Config) {
			p := panicking{where: c.where, shadowNotes: &shadowNotes{}}
			cfg.Shadow, cfg.Protocol = p, p
		})
		body := ""
		if c.method == "POST" {
			body = "hello"
		}
		res, got := w.ask(c.method, "/", body)
		if res.StatusCode != c.status || c.status == 200 && got != body {
			t.Errorf("%s: %d %q", c.where, res.StatusCode, got)
		}
		if strings.Contains(got, "panic") || strings.Contains(got, ".go") {
			t.Errorf("%s: the client is told %q", c.where, got)
		}
		if s := w.counts.waitServed(t, 1); s[0].status != c.status {
			t.Errorf("%s: counted %v", c.where, s)
		}
		if !strings.Contains(w.log.String(), c.logged) {
			t.Errorf("%s: logged %s", c.where, w.log)
		}
	}
}
