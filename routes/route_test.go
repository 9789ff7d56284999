package routes

import (
	"net/http/httptest"
	"testing"
)

func TestSafetyByMethod(t *testing.T) {
	type want struct {
		safe, idempotent bool
		readonly         ReadOnly
		first            bool
	}
	for _, c := range []struct {
		settings []string
		method   string
		want     want
		reason   string
	}{
		{[]string{"match: GET /a"}, "GET", want{true, true, ReadOnlyAllow, false}, "RFC 9110 9.2.1"},
		{[]string{"match: GET /a"}, "HEAD", want{true, true, ReadOnlyAllow, false}, "HEAD of a GET route"},
		{[]string{"match: POST /a"}, "POST", want{false, false, ReadOnlyBlock, true}, "unsafe"},
		{[]string{"match: PUT /a"}, "PUT", want{false, true, ReadOnlyBlock, true}, "idempotent"},
		{[]string{"match: BREW /a"}, "BREW", want{false, false, ReadOnlyBlock, true}, "an unknown method is neither"},
		{[]string{"match: POST /a", "safe: true"}, "POST", want{true, true, ReadOnlyAllow, false}, "stated; safe is idempotent"},
		{[]string{"match: POST /a", "idempotent: true"}, "POST", want{false, true, ReadOnlyBlock, true}, "stated"},
		{[]string{"match: GET /a", "safe: false"}, "GET", want{false, true, ReadOnlyBlock, true}, "stated"},
		{[]string{"match: /a"}, "GET", want{true, true, ReadOnlyAllow, false}, "any method: by the request's"},
		{[]string{"match: /a"}, "DELETE", want{false, true, ReadOnlyBlock, true}, "any method: by the request's"},
		{[]string{"match: /a", "safe: true"}, "DELETE", want{true, true, ReadOnlyAllow, false}, "stated"},
		{[]string{"match: /a", "safe: false"}, "GET", want{false, true, ReadOnlyBlock, true}, "stated"},
		{[]string{"match: /a", "idempotent: false"}, "PUT", want{false, false, ReadOnlyBlock, true}, "stated"},
		{[]string{"match: POST /a", "readonly: skip"}, "POST", want{false, false, ReadOnlySkip, true}, "stated"},
		{[]string{"match: GET /a", "readonly: block"}, "GET", want{true, true, ReadOnlyBlock, false}, "stated"},
		{[]string{"match: /a", "readonly: allow"}, "POST", want{false, false, ReadOnlyAllow, true}, "stated for all methods"},
		{[]string{"match: GET /a", "shadow: {order: before}"}, "GET", want{true, true, ReadOnlyAllow, true}, "stated"},
	} {
		r := route(t, c.settings...)
		got := want{r.SafeFor(c.method), r.IdempotentFor(c.method), r.ReadOnlyFor(c.method), r.ShadowFirst(c.method)}
		if got != c.want {
			t.Errorf("%v %s: got %+v, want %+v: %s", c.settings, c.method, got, c.want, c.reason)
		}
	}
	d := parse(t, head[:len(head)-len("routes:\n")]).Default()
	if !d.SafeFor("GET") || d.SafeFor("POST") || d.ReadOnlyFor("GET") != ReadOnlyAllow || d.ReadOnlyFor("POST") != ReadOnlyBlock {
		t.Errorf("the default route does not go by the method")
	}
}

func TestClient(t *testing.T) {
	r := httptest.NewRequest("GET", "/t/a%2Fb?z=1;y=2&u%73er=ann+lee&user=bob&bad=%zz", nil)
	r.Host = "shop.example"
	r.Header.Set("X-User-Id", "7")
	r.Header.Set("Cookie", "other=1; session=abc")
	for _, c := range []struct {
		sticky, ip string
		want       string
		known      bool
		reason     string
	}{
		{"ip", "192.0.2.1", "192.0.2.1", true, "the address"},
		{"ip", "", "", false, "no address"},
		{"header:x-user-id", "192.0.2.1", "7", true, "names of headers are not case-sensitive"},
		{"header:Host", "192.0.2.1", "shop.example", true, "net/http keeps Host apart"},
		{"header:X-Other", "192.0.2.1", "192.0.2.1", false, "the address for the sample, and not known"},
		{"cookie:session", "192.0.2.1", "abc", true, "a cookie"},
		{"cookie:Session", "192.0.2.1", "192.0.2.1", false, "names of cookies are case-sensitive"},
		{"path:tenant", "192.0.2.1", "a%2Fb", true, "a parameter, escaped"},
		{"query:user", "192.0.2.1", "ann lee", true, "the first, unescaped"},
		{"query:z", "192.0.2.1", "1;y=2", true, "a semicolon separates nothing"},
		{"query:y", "192.0.2.1", "192.0.2.1", false, "a semicolon separates nothing"},
		{"query:bad", "192.0.2.1", "%zz", true, "what does not parse is taken as it is"},
	} {
		table := parse(t, head+"  - match: GET /t/{tenant}\n    sticky: "+c.sticky+"\n")
		route, params := table.Match("GET", "/t/a%2Fb")
		client, known := route.Client(r, params, c.ip)
		if client != c.want || known != c.known {
			t.Errorf("%s: got %q %v, want %q %v: %s", c.sticky, client, known, c.want, c.known, c.reason)
		}
	}
}

func TestTargetFor(t *testing.T) {
	table := parse(t, head+`
  - match: /shops/{shop}
    rewrite: {new: {path: "/v2/{shop}/all"}}
    routes:
      - match: GET /items/{item}
        rewrite: {new: {path: "/v2/i-{item}/of/{shop}"}, legacy: {path: "/old/{item}"}}
      - match: GET /files/*
        rewrite: {new: {path: "/f/*"}}
      - match: GET /orders
`)
	for _, c := range []struct{ path, legacy, new string }{
		{"/shops/a%2Fb/items/7;v=1", "/old/7;v=1", "/v2/i-7;v=1/of/a%2Fb"},
		{"/shops/a/files/x//y%20z", "/shops/a/files/x//y%20z", "/f/x//y%20z"},
		{"/shops/a/orders", "/shops/a/orders", "/v2/a/all"},
		{"/shops/a", "/shops/a", "/shops/a"},
	} {
		r, p := table.Match("GET", c.path)
		if l, n := r.TargetFor(Legacy, c.path, p), r.TargetFor(New, c.path, p); l != c.legacy || n != c.new {
			t.Errorf("%s: got %q and %q, want %q and %q", c.path, l, n, c.legacy, c.new)
		}
	}
}
