package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/quackproxy/quack/front"
)

// overAll runs a test with a real client over each protocol that clients
// speak: HTTP/1.1 over both kinds of front, with and without TLS, and HTTP/2.
func overAll(t *testing.T, h http.Handler, test func(t *testing.T, url string, client *http.Client)) {
	for _, k := range []struct {
		name   string
		kind   front.Kind
		secure bool
		http2  bool
	}{
		{"http1 auto", front.Auto, false, false}, {"http1 std", front.Std, false, false}, {"http1 tls", front.Auto, true, false},
		{"h2 tls", front.Auto, true, true}, {"h2c", front.Auto, false, true},
	} {
		t.Run(k.name, func(t *testing.T) {
			run := startFront(t, k.kind, h, k.secure)
			client, url := run.client(t, k.http2)
			test(t, url, client)
		})
	}
}

// client is net/http's, for one protocol.
func (r *running) client(t testing.TB, http2 bool) (client *http.Client, url string) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2 && r.tls != nil)
	protocols.SetUnencryptedHTTP2(http2 && r.tls == nil)
	transport := &http.Transport{Protocols: protocols, DisableCompression: true, ExpectContinueTimeout: 10 * time.Second}
	url = "http://" + r.addr
	if r.tls != nil {
		transport.TLSClientConfig, url = r.tls.Clone(), "https://"+r.addr
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}, url
}

// A real client and a real server of WebSocket (RFC 6455), with messages of
// all sizes both ways, pings, and the code that one of them closes with.
func TestWebSocket(t *testing.T) {
	url := newBackend(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		conn.SetReadLimit(-1)
		for {
			kind, data, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			if string(data) == "close" {
				conn.Close(4321, "as asked")
				return
			}
			if err := conn.Write(r.Context(), kind, data); err != nil {
				t.Error(err)
			}
		}
	})
	for _, kind := range fronts {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, tls %t", kind, secure), func(t *testing.T) {
				p := newPath(t, url)
				run := startFront(t, kind, p, secure)
				client, at := run.client(t, false)
				client.Timeout = 0
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				defer cancel()
				conn, _, err := websocket.Dial(ctx, at+"/shadowed/ws", &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"echo"}})
				if err != nil {
					t.Fatal(err)
				}
				defer conn.CloseNow()
				conn.SetReadLimit(-1)
				if conn.Subprotocol() != "echo" {
					t.Errorf("subprotocol %q", conn.Subprotocol())
				}
				for _, size := range []int{0, 1, 125, 126, 65536, 3 << 20} {
					sent := strings.Repeat("w", size)
					if err := conn.Write(ctx, websocket.MessageBinary, []byte(sent)); err != nil {
						t.Fatal(err)
					}
					if kind, got, err := conn.Read(ctx); err != nil || kind != websocket.MessageBinary || string(got) != sent {
						t.Fatalf("%d bytes: got %d, %v", size, len(got), err)
					}
				}
				if err := conn.Write(ctx, websocket.MessageText, []byte("close")); err != nil {
					t.Fatal(err)
				}
				if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != 4321 {
					t.Errorf("closed with %v", err)
				}
				if got := p.counts.waitServed(t, 1); got[0] != http.StatusSwitchingProtocols {
					t.Errorf("counted %v", got)
				}
				if s := p.counts.skipped(); s != "shadowed: upgrade" {
					t.Errorf("skipped %q", s)
				}
			})
		}
	}
}

// Each event arrives while the backend holds the next one back.
func TestServerSentEvents(t *testing.T) {
	next := make(chan string)
	overBackends(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case event := <-next:
				fmt.Fprintf(w, "data: %s\n\n", event)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}, func(t *testing.T, p *path) { followEvents(t, p, next) })
}

func followEvents(t *testing.T, p *path, next chan<- string) {
	runs := 0
	overAll(t, p, func(t *testing.T, url string, client *http.Client) {
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		req, err := http.NewRequestWithContext(ctx, "GET", url+"/shadowed/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		events := bufio.NewReader(res.Body)
		for n := range 3 {
			next <- fmt.Sprint(n)
			if line, err := events.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", n) {
				t.Fatalf("%q, %v", line, err)
			}
			if _, err := events.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		leave() // ends the backend's call, else its server does not close
		runs++
		p.counts.waitServed(t, runs)
	})
	if s := p.counts.skipped(); strings.Count(s, "shadowed: ") != runs {
		t.Errorf("skipped %q in %d runs", s, runs)
	}
}

// 103 comes ahead of an answer that is held back, over each protocol.
func TestEarlyHints(t *testing.T) {
	release := make(chan bool)
	overBackends(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		<-release
		w.Header().Del("Link")
		io.WriteString(w, "late")
	}, func(t *testing.T, p *path) { awaitHints(t, p, release) })
}

func awaitHints(t *testing.T, p *path, release chan<- bool) {
	overAll(t, p, func(t *testing.T, url string, client *http.Client) {
		hinted := 0
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints && h.Get("Link") == "</a.css>; rel=preload" {
				hinted++
				release <- true
			}
			return nil
		}})
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); err != nil || string(b) != "late" || hinted != 1 || res.Header.Get("Link") != "" {
			t.Errorf("%q, %v, %d hints, then %v", b, err, hinted, res.Header)
		}
	})
}

// Messages stream both ways at once: the backend answers each line before the
// client sends the next.
func TestBothWaysAtOnce(t *testing.T) {
	overBackends(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Trailer", "X-Lines")
		n := 0
		for lines := bufio.NewScanner(r.Body); lines.Scan(); n++ {
			fmt.Fprintf(w, "got %s\n", lines.Text())
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set("X-Lines", fmt.Sprint(n, r.Trailer))
	}, talkBothWays)
}

func talkBothWays(t *testing.T, p *path) {
	overAll(t, p, func(t *testing.T, url string, client *http.Client) {
		body, lines := io.Pipe()
		defer lines.Close()
		req, err := http.NewRequest("POST", url, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Trailer = http.Header{"X-End": nil}
		go io.WriteString(lines, "0\n")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answers := bufio.NewReader(res.Body)
		for n := range 5 {
			if n > 0 {
				fmt.Fprintf(lines, "%d\n", n)
			}
			if line, err := answers.ReadString('\n'); err != nil || line != fmt.Sprintf("got %d\n", n) {
				t.Fatalf("%q, %v", line, err)
			}
		}
		req.Trailer.Set("X-End", "yes")
		lines.Close()
		if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 || res.Trailer.Get("X-Lines") != "5 map[X-End:[yes]]" {
			t.Errorf("then %q, %v, trailer %v", rest, err, res.Trailer)
		}
	})
}

// The address that a PROXY header tells is the client's, for the backend too.
func TestProxyHeader(t *testing.T) {
	got := make(chan string, 1)
	url := newBackend(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("X-Forwarded-For") })
	for _, k := range []struct{ reason, header, from string }{
		{"version 1", "PROXY TCP4 192.0.2.7 198.51.100.1 5555 443\r\n", "192.0.2.7"},
		{"version 1, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 5555 443\r\n", "2001:db8::7"},
		{"version 1, unknown", "PROXY UNKNOWN\r\n", "127.0.0.1"},
		{"version 2", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x08\xc6\x33\x64\x01\x15\xb3\x01\xbb", "192.0.2.8"},
		{"version 2, a health check of the load balancer's own", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", "127.0.0.1"},
	} {
		for _, kind := range fronts {
			for _, secure := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, tls %t", k.reason, kind, secure), func(t *testing.T) {
					run := startFront(t, kind, newPath(t, url), secure, func(c *front.Config) {
						c.ProxyProtocol = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
					})
					conn, err := net.Dial("tcp", run.addr)
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
					_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
					io.WriteString(conn, k.header)
					if secure {
						conn = tls.Client(conn, run.tls)
					}
					for range 2 { // the header is of the connection, not of a request
						io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
						if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 200 {
							t.Fatalf("%v, %v", res, err)
						}
						if from := receive(t, "a request", got); from != k.from {
							t.Errorf("from %q, want %q", from, k.from)
						}
					}
				})
			}
		}
	}
}
