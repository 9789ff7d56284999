package cache

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStorable(t *testing.T) {
	now := time.Now().UTC()
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	bearer := http.Header{"Authorization": {"Bearer x"}}
	for _, c := range []struct {
		reason string
		asked  http.Header
		status int
		answer http.Header
		fresh  time.Duration // 0: not stored; the TTL is 10s
	}{
		{"nothing said: the route's TTL", nil, 200, http.Header{}, 10 * time.Second},
		{"203", nil, 203, http.Header{}, 10 * time.Second},
		{"204", nil, 204, http.Header{}, 10 * time.Second},
		{"300", nil, 300, http.Header{}, 10 * time.Second},
		{"301", nil, 301, http.Header{}, 10 * time.Second},
		{"308", nil, 308, http.Header{}, 10 * time.Second},
		{"404", nil, 404, http.Header{}, 10 * time.Second},
		{"405", nil, 405, http.Header{}, 10 * time.Second},
		{"410", nil, 410, http.Header{}, 10 * time.Second},
		{"a part is not the whole", nil, 206, http.Header{}, 0},
		{"302 is temporary", nil, 302, http.Header{}, 0},
		{"304 has no body of its own", nil, 304, http.Header{}, 0},
		{"an error may pass", nil, 500, http.Header{}, 0},
		{"503 too", nil, 503, http.Header{"Cache-Control": {"max-age=60"}}, 0},
		{"no-store", nil, 200, http.Header{"Cache-Control": {"no-store"}}, 0},
		{"in capitals, behind another, on a second line", nil, 200, http.Header{"Cache-Control": {"public", "max-age=5, NO-STORE"}}, 0},
		{"private", nil, 200, http.Header{"Cache-Control": {"private"}}, 0},
		{"private for one field is private here", nil, 200, http.Header{"Cache-Control": {`private="x-a, x-b", max-age=9`}}, 0},
		{"no-cache: would have to ask each time", nil, 200, http.Header{"Cache-Control": {"no-cache"}}, 0},
		{"max-age shorter than the TTL", nil, 200, http.Header{"Cache-Control": {"max-age=3"}}, 3 * time.Second},
		{"max-age longer than the TTL", nil, 200, http.Header{"Cache-Control": {"max-age=300"}}, 10 * time.Second},
		{"max-age=0", nil, 200, http.Header{"Cache-Control": {"max-age=0"}}, 0},
		{"max-age twice: the smaller", nil, 200, http.Header{"Cache-Control": {"max-age=7, max-age=4", "max-age=9"}}, 4 * time.Second},
		{"max-age that is no number", nil, 200, http.Header{"Cache-Control": {"max-age=soon"}}, 0},
		{"max-age below zero", nil, 200, http.Header{"Cache-Control": {"max-age=-1"}}, 0},
		{"max-age quoted", nil, 200, http.Header{"Cache-Control": {`max-age="3"`}}, 3 * time.Second},
		{"max-age with too many digits", nil, 200, http.Header{"Cache-Control": {"max-age=99999999999999999999999"}}, 10 * time.Second},
		{"s-maxage stands before max-age", nil, 200, http.Header{"Cache-Control": {"max-age=9, s-maxage=2"}}, 2 * time.Second},
		{"s-maxage longer than max-age", nil, 200, http.Header{"Cache-Control": {"s-maxage=9, max-age=0"}}, 9 * time.Second},
		{"Expires", nil, 200, http.Header{"Date": {date(0)}, "Expires": {date(4 * time.Second)}}, 4 * time.Second},
		{"Expires past", nil, 200, http.Header{"Date": {date(0)}, "Expires": {date(-time.Second)}}, 0},
		{"Expires that is no date", nil, 200, http.Header{"Expires": {"0"}}, 0},
		{"max-age stands before Expires", nil, 200, http.Header{"Expires": {"0"}, "Cache-Control": {"max-age=3"}}, 3 * time.Second},
		{"age counts", nil, 200, http.Header{"Age": {"4"}, "Cache-Control": {"max-age=6"}}, 2 * time.Second},
		{"older than it may be", nil, 200, http.Header{"Age": {"7"}, "Cache-Control": {"max-age=6"}}, 0},
		{"a cookie is set", nil, 200, http.Header{"Set-Cookie": {"a=b"}, "Cache-Control": {"public, max-age=5"}}, 0},
		{"Vary: *", nil, 200, http.Header{"Vary": {"Accept", "Accept-Language, *"}}, 0},
		{"an event stream may have no end", nil, 200, http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}}, 0},
		{"trailers are not kept", nil, 200, http.Header{"Trailer": {"X-Sum"}}, 0},
		{"Authorization", bearer, 200, http.Header{}, 0},
		{"Authorization, max-age is no leave", bearer, 200, http.Header{"Cache-Control": {"max-age=5"}}, 0},
		{"Authorization, public", bearer, 200, http.Header{"Cache-Control": {"public"}}, 10 * time.Second},
		{"Authorization, s-maxage", bearer, 200, http.Header{"Cache-Control": {"s-maxage=5"}}, 5 * time.Second},
		{"Authorization, must-revalidate", bearer, 200, http.Header{"Cache-Control": {"must-revalidate, max-age=5"}}, 5 * time.Second},
	} {
		fresh, _, ok := storable(Request{Header: c.asked}, c.status, c.answer, 10*time.Second)
		if ok != (c.fresh > 0) || ok && fresh != c.fresh {
			t.Errorf("%s: stored=%t for %v, want %v", c.reason, ok, fresh, c.fresh)
		}
	}
}

func TestAskable(t *testing.T) {
	for _, c := range []struct {
		method string
		header string
		want   bool
	}{
		{"GET", "Accept", true}, {"HEAD", "Cookie", true},
		{"POST", "", false}, {"OPTIONS", "", false},
		{"GET", "Range", false}, {"GET", "If-None-Match", false}, {"GET", "If-Modified-Since", false},
	} {
		got := askable(Request{Method: c.method, Header: http.Header{c.header: {"x"}}})
		if got != c.want {
			t.Errorf("%s with %s: %t, want %t", c.method, c.header, got, c.want)
		}
	}
}

func TestParseDirectives(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  directives
	}{
		{nil, nil},
		{[]string{"", " , ,"}, nil},
		{[]string{"Max-Age=5 , PUBLIC"}, directives{"max-age": "5", "public": ""}},
		{[]string{`a="x, no-store", b = c`}, directives{"a": "x, no-store", "b": "c"}},
		{[]string{`max-age="5, no-store`}, directives{"max-age": `"5`, "no-store": ""}},
		{[]string{"max-age=", "no-store"}, directives{"max-age": "", "no-store": ""}},
	} {
		if d := cmp.Diff(c.want, parseDirectives(c.lines)); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.lines, d)
		}
	}
}

func FuzzParseDirectives(f *testing.F) {
	for _, s := range []string{"", "max-age=5, public", `private="a, b"`, `max-age="5`, "=,=", "a==b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parseDirectives([]string{s})
		if strings.Contains(s, `"`) {
			return // what follows may stand in quotes
		}
		if !parseDirectives([]string{s + ",no-store"}).has("no-store") {
			t.Errorf("no-store is missed after %q", s)
		}
		if !parseDirectives([]string{"no-store," + s}).has("no-store") {
			t.Errorf("no-store is missed before %q", s)
		}
	})
}

func TestKeysDiffer(t *testing.T) {
	base := Request{Route: "r", Side: "legacy", Method: "GET", Host: "h", Target: "/a"}
	seen := map[key]string{base.resource(): "the base"}
	for _, c := range []struct {
		what   string
		change func(*Request)
	}{
		{"route", func(r *Request) { r.Route = "q" }},
		{"side", func(r *Request) { r.Side = "new" }},
		{"method", func(r *Request) { r.Method = "HEAD" }},
		{"host", func(r *Request) { r.Host = "i" }},
		{"target", func(r *Request) { r.Target = "/a?" }},
		{"the border between two", func(r *Request) { r.Host, r.Target = "h/", "a" }},
	} {
		r := base
		c.change(&r)
		k := r.resource()
		if other, taken := seen[k]; taken {
			t.Errorf("%s has the key of %s", c.what, other)
		}
		seen[k] = c.what
	}
	upper := base
	upper.Host = "H"
	if upper.resource() != base.resource() {
		t.Error("the host's case tells keys apart")
	}
	one, two := base, base
	one.Header = http.Header{"A": {"x"}, "B": {}}
	two.Header = http.Header{"A": {}, "B": {"x"}}
	if one.variant(key{}, []string{"A", "B"}) == two.variant(key{}, []string{"A", "B"}) {
		t.Error("a value counts for another field")
	}
}
