package shadow

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/quackproxy/quack/routes"
)

// TestWording: what is put in, and that all else stays byte by byte.
func TestWording(t *testing.T) {
	for _, c := range []struct {
		into, route      string
		target, name     string
		value, body      string
		wantTarget, want string // of the field, or the body
		reason           string
	}{
		{into: "cookie:s", name: "Cookie", value: `a=1; s=old;b="x y"; ss=old`, want: `a=1; s=new/1;b="x y"; ss=old`, reason: "one cookie of many"},
		{into: "cookie:s", name: "Cookie", value: `s=other`, want: `s=other`, reason: "a value that was not learnt"},
		{into: "cookie:s", name: "Cookie", value: `s`, want: `s`, reason: "a cookie without a value"},
		{into: "header:Authorization", name: "Authorization", value: `Bearer old`, want: `Bearer new/1`, reason: "the scheme stays"},
		{into: "header:Authorization", name: "Authorization", value: `old`, want: `new/1`, reason: "no scheme"},
		{into: "header:Authorization", name: "Authorization", value: `Bearer older`, want: `Bearer older`, reason: "a token that begins alike"},
		{into: "header:X-Auth", name: "X-Auth", value: `old`, want: `new/1`, reason: "another field"},
		{into: "header:X-Auth", name: "X-Auth", value: `Bearer old`, want: `Bearer old`, reason: "the scheme is a part of another field's value"},
		{into: "query:t", target: "/accounts/7?a=%20&t=old&;b&t=%6fld&tt=old", wantTarget: "/accounts/7?a=%20&t=new%2F1&;b&t=new%2F1&tt=old", reason: "a query"},
		{into: "path:id", target: "/accounts/old?x", wantTarget: "/accounts/new%2F1?x", reason: "a path"},
		{into: "path:id", target: "/accounts/o%6cd", wantTarget: "/accounts/new%2F1", reason: "a path that is escaped"},
		{into: "path:id", route: "moved", target: "/old/old", wantTarget: "/v2/accounts/new%2F1", reason: "a path that is rewritten"},
		{into: "$.id", body: "{ \"id\" : \"old\" ,\n\"n\":1.0}", want: "{ \"id\" : \"new/1\" ,\n\"n\":1.0}", reason: "a member"},
		{into: "$.a[1].id", body: `{"a":[{"id":"old"},{"id":"ol\u0064"}]}`, want: `{"a":[{"id":"old"},{"id":"new/1"}]}`, reason: "a member deep down, escaped"},
		{into: "$.id", body: `{"id":["old"]}`, want: `{"id":["old"]}`, reason: "no scalar"},
		{into: "$.id", body: `{"id":"old"`, want: `{"id":"old"`, reason: "no JSON"},
		{into: "$.id", body: `{"id":"old"}`, name: "Content-Digest", value: "sha-256=:x:", want: "sha-256=:x:", reason: "a digest covers the body"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{rollback: "header", more: fmt.Sprintf(`  - {name: login, match: "POST /login", safe: true, learn: [{from: $.t, into: [%q]}]}
  - {name: moved, match: "GET /old/{id}", rewrite: {new: {path: "/v2/accounts/{id}"}}}
  - {name: put, match: "POST /put", safe: true}
`, c.into)}).proved(t)
			ask := func() request {
				route, method, target := "show", "GET", c.target
				if c.route != "" {
					route = c.route
				}
				if target == "" {
					target = "/accounts/7"
				}
				if c.body != "" {
					route, method, target = "put", "POST", "/put"
				}
				req := r.ask(route, method, target, c.body)
				if c.name != "" {
					req.Header.Set(c.name, c.value)
				}
				req.Client = "ada"
				before := req.Header.Clone()
				r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
				if e := r.ledger.compared(t); e.Request.Target != "" && strings.Contains(e.New.URL, "new") {
					t.Errorf("evidence has %s", e.New.URL)
				}
				if fmt.Sprint(before) != fmt.Sprint(req.Header) {
					t.Errorf("the client's header was changed to %v", req.Header)
				}
				all := r.new.requests()
				return all[len(all)-1]
			}
			plain := ask()
			r.new.change(func(s *server) { s.app = answer(200, `{"t":"new/1"}`) })
			r.Offer(by(r.ask("login", "POST", "/login", `{}`), "ada"), routes.Legacy, r.live(routes.Legacy, 200, `{"t":"old"}`))
			r.ledger.compared(t)
			r.new.change(func(s *server) { s.app = answer(200, `{"id":1}`) })
			sent := ask()
			if sent.Mode != ModeReadOnly {
				t.Errorf("mode %q: the signature must cover what is sent", sent.Mode)
			}
			got := sent.Header.Get(c.name)
			if c.name == "" && c.body != "" {
				got = sent.Body
			}
			if got != c.want {
				t.Errorf("sent %q, want %q", got, c.want)
			}
			if c.wantTarget == "" {
				c.wantTarget = plain.Target
			}
			if sent.Target != c.wantTarget {
				t.Errorf("sent to %q, want %q", sent.Target, c.wantTarget)
			}
			for _, s := range []*request{&plain, &sent} {
				for _, name := range []string{c.name, "Quack-Request-Id", "Quack-Context", "Quack-Time", "Quack-Shadow", "Traceparent", "Baggage", "Content-Length"} {
					delete(s.Header, http.CanonicalHeaderKey(name))
				}
			}
			if fmt.Sprint(plain.Header) != fmt.Sprint(sent.Header) {
				t.Errorf("also sent %v, want %v", sent.Header, plain.Header)
			}
		})
	}
}

func TestValueAsJSON(t *testing.T) {
	for _, c := range []struct {
		value  string
		number bool
		want   string
	}{
		{"7", true, `7`}, {"7", false, `"7"`}, {"a", true, `"a"`}, {`a"<é`, false, `"a\"<é"`}, {"1e5", true, `1e5`}, {"01", true, `"01"`},
	} {
		if got := string(inJSON(c.value, c.number)); got != c.want {
			t.Errorf("%q, number %v: %s, want %s", c.value, c.number, got, c.want)
		}
	}
}
