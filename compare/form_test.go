package compare_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

func TestForms(t *testing.T) {
	runBodyTests(t, "application/x-www-form-urlencoded", []bodyTest{
		{"names in another order, other escapes", "a=1&b=x%20y", "b=x+y&a=%31", nil, nil},
		{"one value", "a=1&b=2", "a=1&b=3", []string{"value $.b at $.b: 2 | 3"}, nil},
		{"a name lost, one won", "a=1&b=2", "a=1&c=2", []string{"missing $.b at $.b: 2 | ", "added $.c at $.c:  | 2"}, nil},
		{"one of several", "a=1&a=2", "a=1&a=3", []string{"value $.a at $.a[1]: 2 | 3"}, nil},
		{"one more", "a=1&a=2", "a=0&a=1&a=2", []string{"added $.a at $.a[0]:  | 0"}, nil},
		{"another order within a name", "a=1&a=2", "a=2&a=1", []string{"order $.a at $.a: 1, 2 | 2, 1"}, nil},
		{"which may be free", "a=1&a=2", "a=2&a=1", []string{"forgiven 1 order $: rule $.a unordered"}, []compare.Rule{{Path: "$.a", Unordered: true}}},
		{"a rule", "access_token=1&t=2", "access_token=2&t=2", []string{"forgiven 1 value $.access_token: rule $.access_token ignore"}, []compare.Rule{{Path: "$.access_token", Ignore: true}}},
		{"a timestamp by name", "expires_at=1772600767", "expires_at=1772600768", []string{"forgiven 1 value $.expires_at: timestamp"}, nil},
		{"an odd name", "a[b]=1", "a[b]=2", []string{"value $['a[b]'] at $['a[b]']: 1 | 2"}, nil},
		{"broken on one side", "a=1", "a=%zz", []string{"body body at body: a=1 | a=%zz"}, nil},
	})
}

// multi is a multipart body; each part is its header lines, an empty line, and what is in it.
func multi(boundary string, parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n" + strings.ReplaceAll(strings.ReplaceAll(p, "\r\n", "\n"), "\n", "\r\n") + "\r\n")
	}
	return b.String() + "--" + boundary + "--\r\n"
}

func TestMultipart(t *testing.T) {
	named := func(name, more, body string) string {
		return "Content-Disposition: form-data; name=\"" + name + "\"" + more + "\n\n" + body
	}
	form := func(boundary string, parts ...string) *compare.Exchange {
		return answer("multipart/form-data; boundary="+boundary, multi(boundary, parts...))
	}
	mixed := func(boundary string, parts ...string) *compare.Exchange {
		return answer("multipart/mixed; boundary="+boundary, multi(boundary, parts...))
	}
	const json = "\nContent-Type: application/json"
	const free = "forgiven 1 header header:Content-Type: boundary between parts"
	tests := []struct {
		reason      string
		legacy, new *compare.Exchange
		want        []string
		rules       []compare.Rule
	}{
		{"the boundary is free", form("x", named("a", "", "1")), form("y", named("a", "", "1")), []string{free}, nil},
		{"another value", form("x", named("a", "", "1"), named("b", "", "2")), form("y", named("b", "", "3"), named("a", "", "1")), []string{"value $.b at $.b: 2 | 3", free}, nil},
		{"a part by its own type", form("x", named("a", json, `{"k":1,"l":[1,2]}`)), form("x", named("a", json, `{"l":[1,3],"k":1.0}`)), []string{"value $.a.l[*] at $.a.l[1]: 2 | 3"}, nil},
		{"rules within it", form("x", named("a", json, `{"k":1}`)), form("x", named("a", json, `{"k":2}`)), []string{"forgiven 1 value $.a.k: rule $.a.k ignore"}, []compare.Rule{{Path: "$.a.k", Ignore: true}}},
		{"a rule for a value", form("x", named("a", "", "1")), form("x", named("a", "", "2")), []string{"forgiven 1 value $.a: rule $.a same id"}, []compare.Rule{{Path: "$.a", Same: "id"}}},
		{"a rule for a part", form("x", named("a", json, `{"k":1}`)), form("x", named("a", "", "2")), []string{"forgiven 1 body $.a: rule $.a ignore"}, []compare.Rule{{Path: "$.a", Ignore: true}}},
		{"a part lost", form("x", named("a", "", "1"), named("b", "", "2")), form("x", named("a", "", "1")), []string{"missing $.b at $.b: 2 | "}, nil},
		{"header fields", form("x", named("a", "; filename=\"p.png\"\nContent-Type: image/png", "1")), form("x", named("a", "; filename=\"q.png\"\nContent-Type: image/jpeg", "1")), []string{
			`value $.a['@Content-Disposition'] at $.a['@Content-Disposition']: form-data; name="a"; filename="p.png" | form-data; name="a"; filename="q.png"`,
			"value $.a['@Content-Type'] at $.a['@Content-Type']: image/png | image/jpeg"}, nil},
		{"several of one name", form("x", named("a", "", "1"), named("a", "", "2")), form("x", named("a", "", "1"), named("a", "", "3")), []string{"value $.a at $.a[1]: 2 | 3"}, nil},
		{"text by line", form("x", named("a", "", "1\n2")), form("x", named("a", "", "1\n3")), []string{"value $.a at $.a:2: 2 | 3"}, nil},
		{"by position", mixed("x", "Content-Type: application/json\n\n[1]", "Content-Type: text/plain\n\na"), mixed("y", "Content-Type: application/json\n\n[2]", "Content-Type: text/plain\n\na"), []string{"value $[*][*] at $[0][0]: 1 | 2", free}, nil},
		{"one more in front is one difference", mixed("x", "\nb"), mixed("x", "\na", "\nb"), []string{"added $[*] at $[0]:  | a"}, nil},
		{"parts in parts", mixed("x", "Content-Type: multipart/mixed; boundary=i\n\n"+multi("i", "\n1")), mixed("x", "Content-Type: multipart/mixed; boundary=j\n\n"+multi("j", "\n2")), []string{"value $[*][*] at $[0][0]: 1 | 2"}, nil},
		{"broken on one side", form("x", named("a", "", "1")), answer("multipart/form-data; boundary=x", "--x\r\n"), []string{"body body at body: " + multi("x", named("a", "", "1")) + " | --x\r\n"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			checkLines(t, compare.Exchanges(tt.legacy, tt.new, mustCompile(t, tt.rules...)), tt.want)
		})
	}
}
