package compare_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// header makes a header section of lines such as "Name: value".
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		h.Add(name, value)
	}
	return h
}

// answer is one with a body of any type.
func answer(contentType, body string, more ...string) *compare.Exchange {
	h := header(more...)
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	return &compare.Exchange{Status: 200, Header: h, Body: []byte(body), Size: int64(len(body))}
}

func TestHeaders(t *testing.T) {
	type H = []string
	tests := []struct {
		reason      string
		rules       []compare.Rule
		legacy, new H
		want        []string
	}{
		{"the same", nil, H{"A: 1", "B: 2"}, H{"B: 2", "A: 1"}, nil},
		{"another value", nil, H{"X-A: 1"}, H{"X-A: 2"}, H{"header header:X-A at header:X-A: 1 | 2"}},
		{"only legacy has it", nil, H{"X-A: 1"}, H{}, H{"missing header:X-A at header:X-A: 1 | "}},
		{"only new has it", nil, H{}, H{"X-A: 1"}, H{"added header:X-A at header:X-A:  | 1"}},
		{"by name", nil, H{"C: 1", "A: 1"}, H{"B: 1", "A: 2"}, H{"header header:A at header:A: 1 | 2", "added header:B at header:B:  | 1", "missing header:C at header:C: 1 | "}},
		{"several lines are one", nil, H{"X-A: 1", "X-A: 2"}, H{"X-A: 1, 2"}, nil},
		{"the order of values counts", nil, H{"X-A: 1", "X-A: 2"}, H{"X-A: 2", "X-A: 1"}, H{"header header:X-A at header:X-A: 1, 2 | 2, 1"}},
		{"volatile values are free", nil, H{"Date: Mon, 02 Mar 2026 00:00:00 GMT", "X-Request-Id: a", "Traceparent: 00-1"}, H{"Date: Fri, 06 Mar 2026 00:00:00 GMT", "X-Request-Id: b", "Traceparent: 00-2"}, H{
			"forgiven 1 header header:Date: volatile header", "forgiven 1 header header:Traceparent: volatile header", "forgiven 1 header header:X-Request-Id: volatile header"}},
		{"their presence is not", nil, H{"X-Request-Id: a"}, H{}, H{"missing header:X-Request-Id at header:X-Request-Id: a | "}},
		{"names match whole", nil, H{"X-Candidate-Id: a"}, H{"X-Candidate-Id: b"}, H{"header header:X-Candidate-Id at header:X-Candidate-Id: a | b"}},
		{"Quack's own are left out", nil, H{"Quack-Shadow-Result: a"}, H{"Quack-Footprint: b"}, nil},
		{"usual spellings", nil, H{"WWW-Authenticate: a"}, H{"WWW-Authenticate: b"}, H{"header header:WWW-Authenticate at header:WWW-Authenticate: a | b"}},
		{"media types by meaning", nil, H{"Content-Type: text/plain; charset=utf-8"}, H{"Content-Type: Text/plain;charset=UTF-8"}, nil},
		{"another charset", nil, H{"Content-Type: text/plain; charset=utf-8"}, H{"Content-Type: text/plain"}, H{"header header:Content-Type at header:Content-Type: text/plain; charset=utf-8 | text/plain"}},
		{"dates of one format, close", nil, H{"Expires: Mon, 02 Mar 2026 00:00:00 GMT"}, H{"Expires: Mon, 02 Mar 2026 00:00:01 GMT"}, H{"forgiven 1 header header:Expires: timestamp"}},
		{"dates far apart", nil, H{"Expires: Mon, 02 Mar 2026 00:00:00 GMT"}, H{"Expires: Mon, 02 Mar 2026 01:00:00 GMT"}, H{"header header:Expires at header:Expires: Mon, 02 Mar 2026 00:00:00 GMT | Mon, 02 Mar 2026 01:00:00 GMT"}},
		{"dates far apart, under a rule", []compare.Rule{{Path: "header:expires", Within: "2h"}}, H{"Expires: Mon, 02 Mar 2026 00:00:00 GMT"}, H{"Expires: Mon, 02 Mar 2026 01:00:00 GMT"}, H{"forgiven 1 header header:Expires: rule header:expires within 2h"}},
		{"a date against none", nil, H{"Retry-After: Mon, 02 Mar 2026 00:00:00 GMT"}, H{"Retry-After: 120"}, H{"header header:Retry-After at header:Retry-After: Mon, 02 Mar 2026 00:00:00 GMT | 120"}},
		{"a date in another form", nil, H{"Expires: Mon, 02 Mar 2026 00:00:00 GMT"}, H{"Expires: Mon Mar  2 00:00:00 2026"}, H{"format header:Expires at header:Expires: Mon, 02 Mar 2026 00:00:00 GMT | Mon Mar  2 00:00:00 2026"}},
		{"an epoch by name", nil, H{"X-Ratelimit-Reset: 1772600767"}, H{"X-Ratelimit-Reset: 1772600768"}, H{"forgiven 1 header header:X-Ratelimit-Reset: timestamp"}},
		{"ignore", []compare.Rule{{Path: "header:x-cache", Ignore: true}}, H{"X-Cache: hit"}, H{}, H{"forgiven 1 missing header:X-Cache: rule header:x-cache ignore"}},
		{"same", []compare.Rule{{Path: "header:Location", Same: "account"}}, H{"Location: /a/1"}, H{"Location: /a/2"}, H{"forgiven 1 header header:Location: rule header:Location same account"}},
		{"same is not for what one side lacks", []compare.Rule{{Path: "header:Location", Same: "account"}}, H{"Location: /a/1"}, H{}, H{"missing header:Location at header:Location: /a/1 | "}},

		{"ETag of equal bodies", nil, H{`ETag: "1"`, "Last-Modified: Mon, 02 Mar 2026 00:00:00 GMT"}, H{`ETag: "2"`, "Last-Modified: Mon, 02 Feb 2026 00:00:00 GMT"}, H{
			"forgiven 1 header header:ETag: validator of an equal body", "forgiven 1 header header:Last-Modified: validator of an equal body"}},
		{"an ETag turned weak", nil, H{`ETag: "1"`}, H{`ETag: W/"1"`}, H{`header header:ETag at header:ETag: "1" | W/"1"`}},
		{"no ETag", nil, H{`ETag: "1"`}, H{}, H{`missing header:ETag at header:ETag: "1" | `}},
		{"a length that is not this body's", nil, H{"Content-Length: 10"}, H{"Content-Length: 11"}, H{"header header:Content-Length at header:Content-Length: 10 | 11"}},
		{"one side without a length", nil, H{"Content-Length: 0"}, H{}, H{"forgiven 1 missing header:Content-Length: length of an equal body"}},

		{"cookies by name, attributes in any order", nil, H{"Set-Cookie: a=1; Path=/; HttpOnly", "Set-Cookie: b=2"}, H{"Set-Cookie: b=2", "Set-Cookie: a=1; httponly; path=/"}, nil},
		{"another value of a cookie", nil, H{"Set-Cookie: a=1; Path=/"}, H{"Set-Cookie: a=2; Path=/"}, H{"header cookie:a at cookie:a: a=1; Path=/ | a=2; Path=/"}},
		{"an attribute lost", nil, H{"Set-Cookie: a=1; Secure"}, H{"Set-Cookie: a=1"}, H{"header cookie:a at cookie:a: a=1; Secure | a=1"}},
		{"a cookie lost, another won", nil, H{"Set-Cookie: a=1"}, H{"Set-Cookie: b=1"}, H{"missing cookie:a at cookie:a: a=1 | ", "added cookie:b at cookie:b:  | b=1"}},
		{"Expires of a cookie", nil, H{"Set-Cookie: a=1; Expires=Mon, 02 Mar 2026 00:00:00 GMT"}, H{"Set-Cookie: a=1; Expires=Mon, 02 Mar 2026 00:00:01 GMT"}, H{"forgiven 1 header cookie:a: timestamp"}},
		{"Expires of a cookie, far off", nil, H{"Set-Cookie: a=1; Expires=Mon, 02 Mar 2026 00:00:00 GMT"}, H{"Set-Cookie: a=1; Expires=Tue, 03 Mar 2026 00:00:00 GMT"}, H{
			"header cookie:a at cookie:a: a=1; Expires=Mon, 02 Mar 2026 00:00:00 GMT | a=1; Expires=Tue, 03 Mar 2026 00:00:00 GMT"}},
		{"a session", []compare.Rule{{Path: "cookie:s", Same: "session"}}, H{"Set-Cookie: s=x; Path=/"}, H{"Set-Cookie: s=y; path=/"}, H{"forgiven 1 header cookie:s: rule cookie:s same session"}},
		{"a session that lost an attribute", []compare.Rule{{Path: "cookie:s", Same: "session"}}, H{"Set-Cookie: s=x; Secure"}, H{"Set-Cookie: s=y"}, H{"header cookie:s at cookie:s: s=x; Secure | s=y"}},
		{"an ignored cookie", []compare.Rule{{Path: "cookie:s", Ignore: true}}, H{"Set-Cookie: s=x"}, H{}, H{"forgiven 1 missing cookie:s: rule cookie:s ignore"}},
		{"the same name twice", nil, H{"Set-Cookie: a=1; Path=/", "Set-Cookie: a=2; Path=/x"}, H{"Set-Cookie: a=1; Path=/", "Set-Cookie: a=3; Path=/x"}, H{"header cookie:a at cookie:a: a=2; Path=/x | a=3; Path=/x"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			l, n := answer("", "", tt.legacy...), answer("", "", tt.new...)
			checkLines(t, compare.Exchanges(l, n, mustCompile(t, tt.rules...)), tt.want)
		})
	}
}

// TestCookieNamesAreShown holds that a name which is no token makes a path that
// can be stored and shown.
func TestCookieNamesAreShown(t *testing.T) {
	for name, want := range map[string]string{"a\xff": `cookie:a\xff`, strings.Repeat("n", 2000): "cookie:" + strings.Repeat("n", 1021) + "…"} {
		for _, other := range []string{"other=1", name + "=2"} {
			r := compare.Exchanges(answer("", "", "Set-Cookie: "+name+"=1"), answer("", "", "Set-Cookie: "+other), nil)
			if len(r.Differences) == 0 || r.Differences[0].Path != want {
				t.Errorf("got %q, want %s", lines(r), want)
			}
		}
	}
}

func TestHeaderWeight(t *testing.T) {
	r := compare.Exchanges(answer("", "", "A: 1", "B: 1", `ETag: "1"`, "Date: x"), answer("", "", "A: 2", "B: 1", `ETag: "2"`, "Date: y"), nil)
	if len(r.Differences) != 1 || r.Differences[0].Weight != 0.25 {
		t.Errorf("got %+v", r.Differences)
	}
}

func TestVolatileHeadersAreListed(t *testing.T) {
	names := compare.VolatileHeaders()
	for _, name := range []string{"Date", "Age", "Server-Timing", "X-Request-Id", "X-Runtime", "X-Response-Time", "Request-Id", "X-Correlation-Id", "Traceparent", "Tracestate", "X-Amzn-Trace-Id", "Cf-Ray"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not in the list", name)
		}
	}
	for _, name := range names {
		if http.CanonicalHeaderKey(name) != name {
			t.Errorf("%s is not canonical", name)
		}
	}
	if !slices.IsSorted(names) {
		t.Error("the list is not sorted")
	}
	names[0] = "X"
	if compare.VolatileHeaders()[0] == "X" {
		t.Error("callers can change the list")
	}
}

func TestStatusTrailerFootprint(t *testing.T) {
	l, n := answer("", ""), answer("", "")
	l.Status, n.Status = 400, 422
	l.Trailer, n.Trailer = header("Grpc-Status: 0", "Server-Timing: a"), header("Grpc-Status: 5", "Server-Timing: b")
	l.Footprint = compare.Footprint{{"accounts", 1, 0, 0}, {"audit", 1, 0, 0}, {"log", 1, 0, 0}}
	n.Footprint = compare.Footprint{{"accounts", 1, 0, 0}, {"log", 2, 0, 0}, {"tags", 0, 2, 1}}
	r := compare.Exchanges(l, n, mustCompile(t, compare.Rule{Path: "table:log", Ignore: true}))
	checkLines(t, r, []string{
		"status status at status: 400 | 422",
		"header trailer:Grpc-Status at trailer:Grpc-Status: 0 | 5",
		"footprint table:audit at table:audit: inserted 1, updated 0, deleted 0 | inserted 0, updated 0, deleted 0",
		"footprint table:tags at table:tags: inserted 0, updated 0, deleted 0 | inserted 0, updated 2, deleted 1",
		"forgiven 1 header trailer:Server-Timing: volatile header",
		"forgiven 1 footprint table:log: rule table:log ignore",
	})
	for i, want := range []float64{1, 0.5, 0.5, 0.5} {
		if r.Differences[i].Weight != want {
			t.Errorf("%s weighs %v, want %v", r.Differences[i].Path, r.Differences[i].Weight, want)
		}
	}
	n.Footprint = nil
	for _, d := range compare.Exchanges(l, n, nil).Differences {
		if d.Kind == compare.KindFootprint {
			t.Errorf("an unknown footprint was compared: %+v", d)
		}
	}
	n.Footprint = compare.Footprint{}
	if got := len(compare.Exchanges(l, n, nil).Differences); got != 5 {
		t.Errorf("a known, empty footprint: %d differences, want 5", got)
	}
	if s := l.Footprint[0].String(); s != "accounts: inserted 1, updated 0, deleted 0" {
		t.Errorf("got %q", s)
	}
}

func TestEffects(t *testing.T) {
	l, n := answer("", ""), answer("", "")
	l.Footprint, n.Footprint = compare.Footprint{}, compare.Footprint{}
	l.Effects = compare.Effects{{"callback", 1}, {"job:Charge", 2}, {"mail:order.placed", 1}}
	n.Effects = compare.Effects{{"http:POST api.example.com", 3}, {"job:Charge", 1}}
	r := compare.Exchanges(l, n, mustCompile(t, compare.Rule{Path: "effect:callback", Ignore: true}, compare.Rule{Path: "effect:http:POST api.example.com", Ignore: true, Kind: "footprint"}))
	checkLines(t, r, []string{
		"footprint effect:job:Charge at effect:job:Charge: 2 times | once",
		"footprint effect:mail:order.placed at effect:mail:order.placed: once | 0 times",
		"forgiven 1 footprint effect:callback: rule effect:callback ignore",
		"forgiven 1 footprint effect:http:POST api.example.com: rule effect:http:POST api.example.com ignore kind footprint",
	})
	n.Effects = l.Effects
	if r := compare.Exchanges(l, n, nil); len(r.Differences) != 0 {
		t.Errorf("equal effects differ: %v", r.Differences)
	}
	n.Footprint, n.Effects = nil, nil
	if r := compare.Exchanges(l, n, nil); len(r.Differences) != 0 {
		t.Errorf("unknown effects were compared: %v", r.Differences)
	}
}

func TestBodies(t *testing.T) {
	const digestA, digestB = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
	tests := []struct {
		reason      string
		legacy, new *compare.Exchange
		want        []string
	}{
		{"bytes", answer("image/png", "a"), answer("image/png", "b"), []string{"body body at body: 1 bytes, sha256 " + digestA + " | 1 bytes, sha256 " + digestB}},
		{"no type, not JSON", answer("", "a"), answer("", "b"), []string{"body body at body: 1 bytes, sha256 " + digestA + " | 1 bytes, sha256 " + digestB}},
		{"no type, JSON", answer("", `{"a":1}`), answer("", `{"a":2}`), []string{"value $.a at $.a: 1 | 2"}},
		{"one type is missing, both are JSON", answer("application/json", `{"a":1}`), answer("", `{"a":1.0}`), []string{"missing header:Content-Type at header:Content-Type: application/json | "}},
		{"problem+json against json", answer("application/problem+json", `{"a":1}`), answer("application/json", `{"a":2}`), []string{
			"header header:Content-Type at header:Content-Type: application/problem+json | application/json", "value $.a at $.a: 1 | 2"}},
		{"JSON under a type that is not", answer("text/plain", "1"), answer("application/json", "1.0"), []string{
			"header header:Content-Type at header:Content-Type: text/plain | application/json",
			"body body at body: 1 bytes, sha256 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b | 3 bytes, sha256 d0ff5974b6aa52cf562bea5921840c032a860a91a3512f7fe8f768f6bbe005f6"}},
		{"empty against null", answer("application/json", ""), answer("application/json", "null"), []string{"added body at body:  | null"}},
		{"text against empty", answer("text/plain", "x"), answer("text/plain", ""), []string{"missing body at body: x | "}},
		{"JSON with something behind it", answer("application/json", `{"a":1}`), answer("application/json", `{"a":1} x`), []string{`body body at body: {"a":1} | {"a":1} x`}},
		{"an error page that says it is JSON", answer("application/json", `{"a":1}`), answer("application/json", "<html>"), []string{`body body at body: {"a":1} | <html>`}},
		{"both broken in the same way", answer("application/json", "NaN", "X-A: 1"), answer("application/json", "NaN", "X-A: 2"), []string{"header header:X-A at header:X-A: 1 | 2"}},
		{"both broken, by line", answer("application/json", "{\"a\":1}\n{\"a\":2}"), answer("application/json", "{\"a\":1}\n{\"a\":3}"), []string{`value body at body:2: {"a":2} | {"a":3}`}},
		{"broken behind a difference", answer("application/json", `{"a":1,"b":}`), answer("application/json", `{"a":2,"b":}`), []string{`value body at body:1: {"a":1,"b":} | {"a":2,"b":}`}},
		{"a byte order mark on both sides", answer("application/json", "\ufeff[1]"), answer("application/json", "\ufeff[1.0]"), nil},
		{"a byte order mark on one side", answer("application/json", "\ufeff[1]"), answer("application/json", "[1]"), []string{"body body at body: \ufeff[1] | [1]"}},
		{"text by line", answer("text/plain; charset=utf-8", "a\nb\nc\nd"), answer("text/plain; charset=utf-8", "a\nX\nc\nd"), []string{"value body at body:2: b | X"}},
		{"a line more", answer("text/csv", "a\nb\nc"), answer("text/csv", "a\nnew\nb\nc"), []string{"added body at body:2:  | new"}},
		{"a line less", answer("text/csv", "a\nb\nc"), answer("text/csv", "a\nc"), []string{"missing body at body:2: b | "}},
		{"a line that is a timestamp", answer("text/plain", "up since\n2026-03-04 05:06:07\n"), answer("text/plain", "up since\n2026-03-04 05:06:09\n"), []string{"forgiven 1 value body: timestamp"}},
		{"text that is not UTF-8", answer("text/plain", "\xff"), answer("text/plain", "\xfe"), []string{
			"body body at body: 1 bytes, sha256 a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89 | 1 bytes, sha256 aa687b58b0e73e2e383f8c500d75b591e188efe0168b3ffbcd3771caaa6dd4c7"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(tt.legacy, tt.new, nil), tt.want)
		})
	}
}

func TestTextWeight(t *testing.T) {
	r := compare.Exchanges(answer("text/plain", "a\nb\nc\nd"), answer("text/plain", "a\nX\nc\nd"), nil)
	if r.Differences[0].Weight != 0.25 {
		t.Errorf("one line of four weighs %v", r.Differences[0].Weight)
	}
}

func TestWhatFollowsFromTheBody(t *testing.T) {
	t.Run("one price is one difference", func(t *testing.T) {
		l := answer("application/json", `{"price":9.99}`, "Content-Length: 14", `ETag: "a"`, "Content-Digest: sha-256=:1:")
		n := answer("application/json", `{"price":10.99}`, "Content-Length: 15", `ETag: "b"`, "Content-Digest: sha-256=:2:")
		checkLines(t, compare.Exchanges(l, n, nil), []string{
			"value $.price at $.price: 9.99 | 10.99",
			"forgiven 1 header header:Content-Digest: follows from the body",
			"forgiven 1 header header:Content-Length: follows from the body",
			"forgiven 1 header header:ETag: follows from the body",
		})
	})
	t.Run("a match under rules", func(t *testing.T) {
		l := answer("application/json", `{"trace":"a"}`, "Content-Length: 13", `ETag: "a"`)
		n := answer("application/json", `{"trace":"bb"}`, "Content-Length: 14", `ETag: "b"`)
		r := compare.Exchanges(l, n, mustCompile(t, compare.Rule{Path: "$.trace", Same: "trace"}))
		checkLines(t, r, []string{
			"forgiven 1 header header:Content-Length: length of an equal body",
			"forgiven 1 header header:ETag: validator of an equal body",
			"forgiven 1 value $.trace: rule $.trace same trace",
		})
	})
	t.Run("another digest of the same bytes", func(t *testing.T) {
		r := compare.Exchanges(answer("", "x", "Content-Digest: sha-256=:1:"), answer("", "x", "Content-Digest: sha-256=:2:"), nil)
		checkLines(t, r, []string{"header header:Content-Digest at header:Content-Digest: sha-256=:1: | sha-256=:2:"})
	})
}

func TestNotWhole(t *testing.T) {
	part := func(size int64, content string, more ...string) *compare.Exchange {
		e := answer("application/json", "", more...)
		e.Body, e.Size, e.Digest = nil, size, sha256.Sum256([]byte(content))
		return e
	}
	if r := compare.Exchanges(part(5, "x"), part(5, "x"), nil); !r.Match() {
		t.Errorf("equal: %q", lines(r))
	}
	digest := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	checkLines(t, compare.Exchanges(part(5, "x"), part(5, "y"), nil), []string{
		"body body at body: 5 bytes, sha256 " + digest("x") + " | 5 bytes, sha256 " + digest("y")})
	checkLines(t, compare.Exchanges(part(5, "x"), answer("application/json", "[1]"), nil), []string{
		"body body at body: 5 bytes, sha256 " + digest("x") + " | 3 bytes, sha256 " + digest("[1]")})
	if r := compare.Exchanges(part(3, "[1]"), answer("application/json", "[1]"), nil); !r.Match() {
		t.Errorf("one side not kept, the same content: %q", lines(r))
	}
	if r := compare.Exchanges(part(5, "x", "Content-Encoding: gzip"), part(5, "y", "Content-Encoding: gzip"), nil); r.Err == nil {
		t.Errorf("two encodings of what may be one content: %q", lines(r))
	}
}

func TestIncompleteIsNeverAMatch(t *testing.T) {
	l, n := jsonAnswer(`{}`), jsonAnswer(`{}`)
	n.Incomplete = "unexpected EOF"
	checkLines(t, compare.Exchanges(l, n, nil), []string{"error: new's answer broke off: unexpected EOF"})
	l.Incomplete = "timeout"
	checkLines(t, compare.Exchanges(l, n, nil), []string{"error: legacy's answer broke off: timeout\nnew's answer broke off: unexpected EOF"})
	if compare.Exchanges(l, n, nil).Match() || compare.Exchanges(nil, n, nil).Match() {
		t.Error("a match")
	}
}

func TestMappingsSpanTheWholeAnswer(t *testing.T) {
	rules := mustCompile(t,
		compare.Rule{Path: "header:X-Account", Same: "account"}, compare.Rule{Path: "$.id", Same: "account"}, compare.Rule{Path: "trailer:X-Account", Same: "account"})
	one := func(head, body, tail string) *compare.Exchange {
		e := answer("application/json", body, "X-Account: "+head)
		e.Trailer = header("X-Account: " + tail)
		return e
	}
	tests := []struct {
		reason      string
		legacy, new *compare.Exchange
		want        []string
	}{
		{"one account throughout", one("a1", `{"id":"a1"}`, "a1"), one("b1", `{"id":"b1"}`, "b1"), []string{
			"forgiven 1 header header:X-Account: rule header:X-Account same account",
			"forgiven 1 value $.id: rule $.id same account",
			"forgiven 1 header trailer:X-Account: rule trailer:X-Account same account"}},
		{"another account in the trailer", one("a1", `{"id":"a1"}`, "a1"), one("b1", `{"id":"b1"}`, "b2"), []string{
			"header trailer:X-Account at trailer:X-Account: a1 | b2",
			"forgiven 1 header header:X-Account: rule header:X-Account same account",
			"forgiven 1 value $.id: rule $.id same account"}},
		{"the bodies are equal, so the header can not be", one("a1", `{"id":"a1"}`, "a1"), one("b1", `{"id":"a1"}`, "a1"), []string{
			"header header:X-Account at header:X-Account: a1 | b1"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(tt.legacy, tt.new, rules), tt.want)
		})
	}
}

func TestOneSetOfRulesForManyAtOnce(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$..id", Same: "x"}, compare.Rule{Path: "$.orders[*].trace", Ignore: true})
	want := compare.Exchanges(jsonAnswer(orders(20_000, 1)), jsonAnswer(orders(20_000, 2)), rules)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				got := compare.Exchanges(jsonAnswer(orders(20_000, 1)), jsonAnswer(orders(20_000, 2)), rules)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got %q", lines(got))
				}
			}
		})
	}
	wg.Wait()
}
