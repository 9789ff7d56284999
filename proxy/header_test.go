package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const named = `
  - {name: all, match: "/*"}`

// echoHead hands over each request's header.
func echoHead(got chan<- *http.Request) func(http.ResponseWriter, *http.Request) {
	return func(_ http.ResponseWriter, r *http.Request) { got <- r }
}

func TestClientsCanNotSpeakForQuack(t *testing.T) {
	got := make(chan *http.Request, 1)
	w := newWorld(t, named, echoHead(got), nil)
	w.ask("GET", "/", "",
		"Quack-Read-Only", "1", "Quack-Shadow", "v1", "QUACK-anything", "x",
		"Quack_Read_Only", "1", "quack_shadow", "v1", "Quacker", "stays",
		"Quack-Request-Id", "mine", "Quack-Role", "shadow")
	r := <-got
	for name := range r.Header {
		if hasFoldedPrefix(name, "quack-") && name != "Quack-Request-Id" && name != "Quack-Role" && name != "Quack-Time" {
			t.Errorf("%s arrived", name)
		}
	}
	if r.Header.Get("Quacker") != "stays" {
		t.Error("a field that only begins alike was dropped")
	}
	if id := r.Header.Get("Quack-Request-Id"); !regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`).MatchString(id) {
		t.Errorf("request id %q", id)
	}
	if r.Header.Get("Quack-Role") != "live" {
		t.Errorf("role %q", r.Header.Get("Quack-Role"))
	}
}

func TestDefaultRouteIsLeftAlone(t *testing.T) {
	got := make(chan *http.Request, 1)
	w := newWorld(t, "  - {name: other, match: /other}", echoHead(got), nil)
	w.ask("GET", "/", "", "Traceparent", "nonsense", "User-Agent", "x")
	r := <-got
	want := http.Header{
		"Traceparent": {"nonsense"}, "User-Agent": {"x"},
		"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {r.Host}, "X-Forwarded-Proto": {"http"},
		"Via": {"1.1 quack"}, "Quack-Request-Id": r.Header["Quack-Request-Id"],
	}
	if d := cmp.Diff(want, r.Header); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
	if len(r.Header["Quack-Request-Id"]) != 1 {
		t.Error("no request id")
	}
}

func TestForwarded(t *testing.T) {
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, c := range []struct {
		reason  string
		trusted []netip.Prefix
		header  []string
		want    http.Header // of the fields that Forwarded is about
		client  string      // that a route sticks to
	}{
		{"nothing before us", nil, nil, http.Header{
			"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"}}, "127.0.0.1"},
		{"a peer that is not trusted says nothing", nil,
			[]string{"X-Forwarded-For", "1.2.3.4", "X-Forwarded-Host", "evil", "X-Forwarded-Proto", "https", "X-Forwarded-Port", "1", "X_Forwarded_For", "1.2.3.4", "Forwarded", "for=1.2.3.4"},
			http.Header{"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"}}, "127.0.0.1"},
		{"a trusted one does, and is added", local,
			[]string{"X-Forwarded-For", "1.2.3.4", "X-Forwarded-Host", "front", "X-Forwarded-Proto", "https", "X-Forwarded-Port", "443", "Forwarded", "for=1.2.3.4"},
			http.Header{"X-Forwarded-For": {"1.2.3.4, 127.0.0.1"}, "X-Forwarded-Host": {"front"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Port": {"443"}, "Forwarded": {"for=1.2.3.4, for=127.0.0.1;host=shop.example;proto=http"}}, "1.2.3.4"},
		{"lines are joined; the client is the last one not trusted", local,
			[]string{"X-Forwarded-For", "9.9.9.9, 1.2.3.4", "X-Forwarded-For", "10.0.0.7"},
			http.Header{"X-Forwarded-For": {"9.9.9.9, 1.2.3.4, 10.0.0.7, 127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"}}, "1.2.3.4"},
		{"all are trusted: the first", local, []string{"X-Forwarded-For", "10.0.0.9,10.0.0.7"},
			http.Header{"X-Forwarded-For": {"10.0.0.9,10.0.0.7, 127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"}}, "10.0.0.9"},
		{"what is no address ends the chain", local, []string{"X-Forwarded-For", "1.2.3.4, unknown, 10.0.0.7"},
			http.Header{"X-Forwarded-For": {"1.2.3.4, unknown, 10.0.0.7, 127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"}}, "10.0.0.7"},
		{"addresses with ports, as some load balancers write them", local, []string{"X-Forwarded-For", "[2001:db9::1]:5, [2001:db8::1], 10.0.0.7:443"},
			http.Header{"X-Forwarded-For": {"[2001:db9::1]:5, [2001:db8::1], 10.0.0.7:443, 127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"}}, "2001:db9::1"},
		{"what only looks like a trusted proxy's is its client's", local, []string{"X-Forwarded-For", "1.2.3.4", "X_Forwarded_For", "6.6.6.6", "X-Forwarded_Host", "evil"},
			http.Header{"X-Forwarded-For": {"1.2.3.4, 127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"}}, "1.2.3.4"},
		{"IPv6", local, []string{"X-Forwarded-For", "2001:db9::1, 2001:db8::1, ::ffff:10.0.0.1"},
			http.Header{"X-Forwarded-For": {"2001:db9::1, 2001:db8::1, ::ffff:10.0.0.1, 127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"}}, "2001:db9::1"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			got := make(chan *http.Request, 1)
			w := newWorld(t, named, echoHead(got), nil, func(cfg *Config) { cfg.Trusted = c.trusted })
			w.ask("GET", "/", "", append([]string{"Host", "shop.example"}, c.header...)...)
			r := <-got
			have := http.Header{}
			for name, values := range r.Header {
				if hasFoldedPrefix(name, "x-forwarded-") || name == "Forwarded" {
					have[name] = values
				}
			}
			if d := cmp.Diff(c.want, have); d != "" {
				t.Errorf("header (-want +got):\n%s", d)
			}
			if r.Host != "shop.example" {
				t.Errorf("Host %q", r.Host)
			}
			l := &life{proxy: &proxy{Config: Config{Trusted: c.trusted}}, r: &http.Request{Header: http.Header{}, RemoteAddr: "127.0.0.1:5"}}
			for i := 0; i < len(c.header); i += 2 {
				l.r.Header.Add(c.header[i], c.header[i+1])
			}
			l.peer = peerOf(l.r)
			l.trusted = within(l.peer, c.trusted)
			if ip := l.clientOf(); ip != c.client {
				t.Errorf("client %q, want %q", ip, c.client)
			}
		})
	}
}

func TestForwardedIsExtended(t *testing.T) {
	for _, c := range []struct {
		reason, peer, host string
		before             []string
		want               []string
	}{
		{"none came: none is begun", "10.0.0.1:5", "shop.example", nil, nil},
		{"one line", "10.0.0.1:5", "shop.example", []string{"for=1.2.3.4"}, []string{"for=1.2.3.4, for=10.0.0.1;host=shop.example;proto=https"}},
		{"lines are joined", "10.0.0.1:5", "shop.example", []string{"for=a", "for=b"}, []string{"for=a, for=b, for=10.0.0.1;host=shop.example;proto=https"}},
		{"IPv6 and a port are quoted", "[2001:db8::1]:5", "shop.example:8443", []string{"for=a"}, []string{`for=a, for="[2001:db8::1]";host="shop.example:8443";proto=https`}},
		{"a quote in the host", "10.0.0.1:5", `a"b\c`, []string{"for=a"}, []string{`for=a, for=10.0.0.1;host="a\"b\\c";proto=https`}},
		{"a peer without an address, no host", "@", "", []string{"for=a"}, []string{"for=a, for=unknown;proto=https"}},
	} {
		l := &life{r: &http.Request{RemoteAddr: c.peer, Host: c.host}}
		l.peer = peerOf(l.r)
		h := http.Header{}
		if c.before != nil {
			h["Forwarded"] = c.before
		}
		l.extendForwarded(h, "https")
		if d := cmp.Diff(c.want, h["Forwarded"]); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, d)
		}
	}
}

func TestVia(t *testing.T) {
	got := make(chan *http.Request, 1)
	w := newWorld(t, named, echoHead(got), nil)
	w.ask("GET", "/", "", "Via", "1.0 front")
	if v := strings.Join((<-got).Header["Via"], ", "); v != "1.0 front, 1.1 quack" {
		t.Errorf("Via %q", v)
	}
	conn, in := dial(t, w.url)
	io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
	if v := (<-got).Header.Get("Via"); v != "1.0 quack" {
		t.Errorf("Via %q for HTTP/1.0", v)
	}
	if res, err := http.ReadResponse(in, nil); err != nil || len(res.Header["Via"]) > 0 {
		t.Errorf("the answer has %v, %v", res, err)
	}
	w = newWorld(t, named, echoHead(got), nil, func(c *Config) { c.Via = "-" })
	w.ask("GET", "/", "")
	if v, ok := (<-got).Header["Via"]; ok {
		t.Errorf("Via %q", v)
	}
}

func TestTraceparent(t *testing.T) {
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for _, c := range []struct {
		reason, have string
		kept         bool
	}{
		{"valid", "00-" + trace + "-" + parent + "-01", true},
		{"not sampled", "00-" + trace + "-" + parent + "-00", true},
		{"a later version with more to say", "cc-" + trace + "-" + parent + "-01-what", true},
		{"none", "", false},
		{"upper case", "00-" + strings.ToUpper(trace) + "-" + parent + "-01", false},
		{"version ff", "ff-" + trace + "-" + parent + "-01", false},
		{"version 00 with more to say", "00-" + trace + "-" + parent + "-01-what", false},
		{"a later version run on", "cc-" + trace + "-" + parent + "-01what", false},
		{"no trace", "00-" + strings.Repeat("0", 32) + "-" + parent + "-01", false},
		{"no parent", "00-" + trace + "-" + strings.Repeat("0", 16) + "-01", false},
		{"short", "00-" + trace + "-" + parent, false},
	} {
		h := http.Header{"Tracestate": {"a=b"}}
		if c.have != "" {
			h["Traceparent"] = []string{c.have}
		}
		id := traceOf(h)
		now := h["Traceparent"]
		if len(now) != 1 || !validTraceparent(now[0]) || now[0][3:35] != id {
			t.Errorf("%s: sent %q for trace %q", c.reason, now, id)
		}
		if kept := now[0] == c.have; kept != c.kept {
			t.Errorf("%s: %q became %q", c.reason, c.have, now[0])
		}
		if state := h.Get("Tracestate") == "a=b"; state != c.kept {
			t.Errorf("%s: tracestate kept: %t", c.reason, state)
		}
	}
	got := make(chan *http.Request, 1)
	w := newWorld(t, named, echoHead(got), nil)
	w.ask("GET", "/", "")
	if s := (<-got).Header.Get("Traceparent"); !validTraceparent(s) {
		t.Errorf("the backend got %q", s)
	}
}

func TestExpose(t *testing.T) {
	backend := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Id", r.Header.Get("Quack-Request-Id"))
	}
	w := newWorld(t, `
  - {name: shown, match: /shown, stage: new, expose: true}
  - {name: hidden, match: /hidden}`, backend, backend)
	res, _ := w.ask("GET", "/shown", "")
	if res.Header.Get("Quack-Served-By") != "new" || res.Header.Get("Quack-Request-Id") != res.Header.Get("X-Id") || res.Header.Get("X-Id") == "" {
		t.Errorf("got %v", res.Header)
	}
	res, _ = w.ask("GET", "/hidden", "")
	for name := range res.Header {
		if strings.HasPrefix(name, "Quack-") {
			t.Errorf("%s is shown", name)
		}
	}
}

func TestRewrittenForOneSide(t *testing.T) {
	got := make(chan *http.Request, 1)
	w := newWorld(t, `
  - {name: show, match: "GET /accounts/{id}", stage: new, rewrite: {new: {path: "/v2/accounts/{id}/full"}}}`, nil, echoHead(got))
	w.ask("GET", "/accounts/a%2Fb?x=%zz", "")
	if uri := (<-got).RequestURI; uri != "/v2/accounts/a%2Fb/full?x=%zz" {
		t.Errorf("the new side was asked %q", uri)
	}
}

func TestIDsSortByTime(t *testing.T) {
	w := newWorld(t, named, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Quack-Request-Id"))
	}, nil)
	_, first := w.ask("GET", "/", "")
	seen := map[string]bool{first: true}
	for range 50 {
		_, id := w.ask("GET", "/", "")
		if seen[id] {
			t.Fatalf("id %s came twice", id)
		}
		if id[:10] < first[:10] {
			t.Errorf("%s sorts before %s", id, first)
		}
		seen[id] = true
	}
}

// A field that Connection names is hop-by-hop; that must not take away what
// Quack sets.
func TestConnectionCanNotRemoveMarks(t *testing.T) {
	heads := make(chan string, 1)
	url := rawBackend(t, func(c net.Conn, r *bufio.Reader) {
		head, err := readHead(r)
		if err == nil {
			heads <- head
			io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		}
	})
	w := newWorld(t, named, url, nil)
	conn, _ := dial(t, w.url)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Forwarded-For, Quack-Request-Id, Quack-Role, Via\r\n\r\n")
	head := <-heads
	for _, name := range []string{"X-Forwarded-For", "Quack-Request-Id", "Quack-Role", "Via"} {
		if !strings.Contains(head, "\r\n"+name+": ") {
			t.Errorf("%s was removed:\n%s", name, head)
		}
	}
}
