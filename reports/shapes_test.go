package reports

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
)

func queryShape(query string) string {
	s, shape, _ := shapesOf("/ducks?"+query, nil, nil, false)
	defer s.release()
	return string(shape)
}

func bodyShape(h http.Header, body []byte, bodied bool) string {
	s, _, shape := shapesOf("/ducks?b=1&a=2", h, body, bodied)
	defer s.release()
	return string(shape)
}

func TestQueryShapes(t *testing.T) {
	for _, c := range []struct{ query, want, reason string }{
		{"", "", "none"},
		{"page=2", "page", "one"},
		{"sort=asc&page=2&page=3", "page,sort", "sorted, each once"},
		{"&&a=1&", "a", "empty pairs"},
		{"a;b=1&c=%zz", "*,c", "what others would not parse"},
		{"filter%5Bname%5D=x&ids[]=1&ids[]=2&user.id=3", "filter[name],ids[],user.id", "habits of frameworks"},
		{"filter[12]=x&filter[13]=y&f[a][0]=1", "f[a][*],filter[*]", "indices are data"},
		{"a[b=1&a]b[=2&[x]=3", "*", "brackets that are none"},
		{"$top=3&$skip=2&@x=1", "$skip,$top,@x", "OData"},
		{"_=1732623423&12345", "*,_", "a name that is a number"},
		{"debug", "debug", "without a value"},
		{"x5f2b8c", "*", "more likely a value"},
		{"7f9c1e2a-55aa-4a3c-9d55-2f1de3a0b4c1=1", "*", "a UUID"},
		{"b81d7ef02c3a4d5e6f708192a3b4c5d6=1", "*", "a token"},
		{"utm_source=a&utm_medium=b", "utm_medium,utm_source", "long names"},
		{strings.Repeat("a", 65) + "=1", "*", "too long"},
		{"bob@example.com=1", "*", "an address"},
		{"größe=1&gr%C3%B6%C3%9Fe=2", "größe", "not ASCII, escaped or not"},
		{"a%E2%80%AEb=1&a%00=2&%ff=3", "*", "what does not show, and no UTF-8"},
	} {
		if got := queryShape(c.query); got != c.want {
			t.Errorf("%s: %q: got %q, want %q", c.reason, c.query, got, c.want)
		}
	}
}

func TestLongQueryShapes(t *testing.T) {
	var pairs []string
	for i := range 40 {
		pairs = append(pairs, fmt.Sprintf("a_rather_long_name_%c%c=1", 'a'+i/26, 'a'+i%26))
	}
	got := queryShape(strings.Join(pairs, "&"))
	if len(got) > shapeMax || !strings.HasSuffix(got, shapeCut) || !utf8.ValidString(got) {
		t.Errorf("40 long names: %d bytes: %q", len(got), got)
	}
	pairs = nil
	for i := range 60 {
		pairs = append(pairs, fmt.Sprintf("%c%c=1", 'a'+i/26, 'a'+i%26))
	}
	if got := queryShape(strings.Join(pairs, "&")); got != "*" {
		t.Errorf("60 names are %q, want a map", got)
	}
}

func TestBodyShapes(t *testing.T) {
	const asJSON, asForm = "application/json; charset=utf-8", "application/x-www-form-urlencoded"
	for _, c := range []struct{ contentType, body, want, reason string }{
		{asJSON, `{"name":"x","id":7,"tags":["a","b"]}`, "application/json{id,name,tags[]}", "members, sorted"},
		{"Application/Vnd.API+JSON", `{"a":1}`, "application/vnd.api+json{a}", "a suffix, any case"},
		{asJSON, ` { "a" : { "b" : { "c" : 1 } , "d" : [ 1 ] } , "e" : null } `, "application/json{a{b,d[]},e}", "two levels deep"},
		{asJSON, `[{"id":1,"at":{"x":1}},{"other":2}]`, "application/json[]{at{x},id}", "of an array the first element"},
		{asJSON, `{"items":[{"id":1,"price":{"net":1}},{"x":1}],"n":[[1]]}`, "application/json{items[]{id,price},n[]}", "an array of objects"},
		{asJSON, `{"a":1,"a":2}`, "application/json{a}", "a name twice"},
		{asJSON, `{"12":1,"13":2,"x.y":3}`, "application/json{*}", "names that are data"},
		{asJSON, `{"a\"b":1,"c":"}\\\"{"}`, "application/json{*,c}", "escapes"},
		{asJSON, `{}`, "application/json{}", "no members"},
		{asJSON, `[]`, "application/json[]", "no elements"},
		{asJSON, `"a"`, "application/json", "a value alone"},
		{asJSON, `{"a":1`, "application/json{not JSON}", "broken off"},
		{asJSON, `{"a":}`, "application/json{not JSON}", "no value"},
		{asJSON, `{"a":1} x`, "application/json{not JSON}", "more behind it"},
		{asJSON, `{a:1}`, "application/json{not JSON}", "no quotes"},
		{asJSON, `{"a" 1}`, "application/json{not JSON}", "no colon"},
		{asJSON, `{"a":1]`, "application/json{not JSON}", "closed otherwise"},
		{asJSON, strings.Repeat("[", 101) + strings.Repeat("]", 101), "application/json{not JSON}", "too deep"},
		{asJSON, `{"a":1,"b":"` + strings.Repeat("x", shapeRead) + `","c":1}`, "application/json{a,b}…", "what lies beyond the bound"},
		{asForm, "b=1&a=2&a=3&f[1]=x", "application/x-www-form-urlencoded{a,b,f[*]}", "a form"},
		{asForm, "a=" + strings.Repeat("x", shapeRead) + "&b=1", "application/x-www-form-urlencoded{…}", "a long form"},
		{"multipart/form-data; boundary=x", "--x", "multipart/form-data", "not looked into"},
		{"", "x", "(no type)", "without a type"},
		{"text/<b>", "x", "(no type)", "no type at all"},
	} {
		h := http.Header{}
		if c.contentType != "" {
			h.Set("Content-Type", c.contentType)
		}
		if got := bodyShape(h, []byte(c.body), true); got != c.want {
			t.Errorf("%s: %.60s: got %q, want %q", c.reason, c.body, got, c.want)
		}
	}
	h := http.Header{"Content-Type": {"application/json"}}
	if got := bodyShape(h, nil, true); got != "application/json" {
		t.Errorf("a body without a copy: %q", got)
	}
	if got := bodyShape(h, nil, false); got != "" {
		t.Errorf("no body: %q", got)
	}
	h.Set("Content-Encoding", "gzip")
	if got := bodyShape(h, []byte("{}"), true); got != "application/json" {
		t.Errorf("an encoded body: %q", got)
	}
}

// FuzzShapes: whatever clients send, shapes are bounded, can be shown, and the
// order of names has no part in them.
func FuzzShapes(f *testing.F) {
	f.Add("a=1&b[0]=2&%41", []byte(`{"a":{"b":[{"c":1}]},"x":"\"}"}`))
	f.Add("a[b][1", []byte(`[[[{"a":1}]]]`))
	f.Add("&&=&", []byte("{\"\xff\":1,\"a\\"))
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		shapes := []string{queryShape(query)}
		for _, media := range []string{"application/json", "application/x-www-form-urlencoded"} {
			shape := bodyShape(http.Header{"Content-Type": {media}}, body, true)
			if !strings.HasPrefix(shape, media) || mediaOf(shape) != media {
				t.Errorf("%q does not begin with %s", shape, media)
			}
			shapes = append(shapes, shape)
		}
		for _, s := range shapes {
			if len(s) > shapeMax || strings.IndexFunc(s, wording.Invisible) >= 0 {
				t.Errorf("%d bytes: %q", len(s), s)
			}
		}
		pairs := strings.Split(query, "&")
		for i, j := 0, len(pairs)-1; i < j; i, j = i+1, j-1 {
			pairs[i], pairs[j] = pairs[j], pairs[i]
		}
		if back := queryShape(strings.Join(pairs, "&")); back != shapes[0] && !strings.HasSuffix(back, shapeCut) {
			t.Errorf("%q backwards: %q, not %q", query, back, shapes[0])
		}
	})
}
