package redact_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/internal/redact"
)

func policy(t *testing.T, email bool, names, patterns []string) *redact.Policy {
	t.Helper()
	p, err := redact.NewPolicy(email, names, patterns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicyIsRefused(t *testing.T) {
	for _, c := range []struct {
		names, patterns []string
		want            string
	}{
		{[]string{" "}, nil, "a name is empty"},
		{[]string{"--"}, nil, "a name is empty"},
		{[]string{"user.nick"}, nil, `name "user.nick" has one of [](){}.:;,/$@#&=|'"\ in it: name the last part alone`},
		{[]string{strings.Repeat("n", 81)}, nil, "name \"nnnnnnnnnnnnnnnnnnnn\"… is longer than 80 bytes"},
		{nil, []string{"(a"}, "pattern \"(a\": error parsing regexp: missing closing ): `(a`"},
		{nil, []string{"a*"}, `pattern "a*" matches the empty string, which is everywhere`},
		{nil, []string{""}, `pattern "" matches the empty string, which is everywhere`},
		{nil, []string{`\b`}, `pattern "\\b" matches the empty string, which is everywhere`},
		{nil, []string{`^`}, `pattern "^" matches the empty string, which is everywhere`},
		{nil, []string{`a|(b?)`}, `pattern "a|(b?)" matches the empty string, which is everywhere`},
		{nil, []string{`(ab){0,3}`}, `pattern "(ab){0,3}" matches the empty string, which is everywhere`},
		{nil, []string{strings.Repeat("a", 501)}, "pattern \"aaaaaaaaaaaaaaaaaaaa\"… is longer than 500 bytes"},
	} {
		if _, err := redact.NewPolicy(false, c.names, c.patterns); err == nil || err.Error() != c.want {
			t.Errorf("%q %q: %v, want %s", c.names, c.patterns, err, c.want)
		}
	}
	many := make([]string, redact.PatternsMax+1)
	for i := range many {
		many[i] = strings.Repeat("a", i+1)
	}
	if _, err := redact.NewPolicy(false, nil, many); err == nil || err.Error() != "51 patterns are more than 50" {
		t.Error(err)
	}
	for _, fine := range []string{`ACME-\d{6}`, `a+`, `x?y`, `\bN\b`, `(a|b)c?`, `[^ ]`, `.`} {
		policy(t, false, nil, []string{fine})
	}
}

// TestPolicy plants what a policy alone makes a secret.
func TestPolicy(t *testing.T) {
	own := r.Under(policy(t, false, []string{"nick", "X-Tenant", "q"}, []string{`ACME-\d{6}`, `\b\d{3}-\d{2}-\d{4}\b`}).AtPaths("/u/{nick}/of/{id}", "/reset/{token:[a-z/]+}"))
	body := func(contentType, in string) string { b, _ := own.Body(contentType, "", []byte(in)); return string(b) }
	for _, c := range []struct{ reason, got, want string }{
		{"a member", own.JSON(`{"Nick":"bob77","nickname":"x"}`), `{"Nick":"` + f("bob77") + `","nickname":"x"}`},
		{"a short name", own.JSON(`{"q":"x","Q":1}`), `{"q":"` + f("x") + `","Q":"` + f("1") + `"}`},
		{"a pattern in a string", own.JSON(`{"a":"is ACME-123456, ACME-12345"}`), `{"a":"is ` + f("ACME-123456") + `, ACME-12345"}`},
		{"a pattern in a member's name", own.JSON(`{"ACME-123456":1}`), `{"` + f("ACME-123456") + `":1}`},
		{"a pattern behind an escape", own.JSON(`{"a":"\u0041CME-123456"}`), `{"a":"` + f("ACME-123456") + `"}`},
		{"a parameter", own.Target("/x?nick=bob77&b=ACME%2D123456"), "/x?nick=" + f("bob77") + "&b=%5Bredacted%3A" + f("ACME-123456")[10:18] + "%5D"},
		{"a segment by its parameter", own.Target("/u/bob77/of/7?a=b"), "/u/" + f("bob77") + "/of/7?a=b"},
		{"the same of a URL", own.Target("http://h:80/u/b%20b/of/7"), "http://h:80/u/" + f("b b") + "/of/7"},
		{"another path", own.Target("/v/bob77/of/7"), "/v/bob77/of/7"},
		{"an expression with slashes", own.Target("/reset/ab/cd"), "/reset/" + f("ab/cd")},
		{"a form", own.Form("nick=bob77&x=1"), "nick=" + f("bob77") + "&x=1"},
		{"a part", body("multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"nick\"\r\n\r\nbob77\r\n--B--\r\n"), "--B\r\nContent-Disposition: form-data; name=\"nick\"\r\n\r\n" + f("bob77") + "\r\n--B--\r\n"},
		{"a header", own.HeaderValue("X-TENANT", "t1"), f("t1")},
		{"a pattern in a header", own.HeaderValue("X-Ref", "ACME-123456"), f("ACME-123456")},
		{"a line", own.Text("nick: bob77, ssn 123-45-6789"), "nick: " + f("bob77") + ", ssn " + f("123-45-6789")},
		{"a column", own.Column("people", "nick", "bob77"), f("bob77")},
		{"a row", own.Value("table:people", `insert {"nick":"bob77","ref":"ACME-123456"}`), `insert {"nick":"` + f("bob77") + `","ref":"` + f("ACME-123456") + `"}`},
		{"a place", own.Value("$.people[*].nick", `"bob77"`), `"` + f("bob77") + `"`},
		{"an element", own.Text("<nick>bob77</nick>"), "<nick>" + f("bob77") + "</nick>"},
		{"a column of a table", body("text/csv", "id,nick\n1,bob77\n"), "id,nick\n1," + f("bob77") + "\n"},
		{"what others do not have", r.Text("nick: bob77, ACME-123456"), "nick: bob77, ACME-123456"},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got  %s\n want %s", c.reason, c.got, c.want)
		}
		if again := own.Text(c.got); again != c.got && c.reason != "what others do not have" {
			t.Errorf("%s: redacting twice gives %s", c.reason, again)
		}
	}
	digits := r.Under(policy(t, false, nil, []string{`redacted`, `[0-9a-f]{4,}`}))
	if got := digits.Text("at 12345: " + f("x") + " redacted"); got != "at "+f("12345")+": "+f("x")+" "+f("redacted") || digits.Text(got) != got {
		t.Errorf("a pattern finds something in a fingerprint: %s", got)
	}
	if got := digits.JSON(`{"n":12345,"m":1.5,"t":true}`); got != `{"n":"`+f("12345")+`","m":1.5,"t":true}` {
		t.Errorf("a number: %s", got)
	}
}

func TestEmail(t *testing.T) {
	asked := r.Under(policy(t, true, nil, nil))
	for _, c := range []struct{ in, want, reason string }{
		{"to daisy.duck+shop@mail.example.org, now", "to " + f("daisy.duck+shop@mail.example.org") + ", now", "in a sentence"},
		{"<a@b.co> (c_d@e-f.museum). <mailto:g@h.io>", "<" + f("a@b.co") + "> (" + f("c_d@e-f.museum") + "). <mailto:" + f("g@h.io") + ">", "in brackets"},
		{"ends with a@example.org.", "ends with " + f("a@example.org") + ".", "before a full stop"},
		{`Get "/x?to=a%40example.org&b=%20c%40example.org": EOF`, `Get "/x?to=` + f("a@example.org") + `&b=%20` + f("c@example.org") + `": EOF`, "escaped"},
		{"to=daisy%2Bshop%40example.org", "to=" + f("daisy+shop@example.org"), "an escape in it"},
		{"größe@bücher.example", f("größe@bücher.example"), "letters beyond ASCII"},
		{"a@b, @c, @example.org, 5 @ 3.50, v@1.2.3, x@2x.png1", "a@b, @c, @example.org, 5 @ 3.50, v@1.2.3, " + f("x@2x.png1"), "no addresses, but for what looks like one"},
		{"password=x@example.org", "password=" + f("x@example.org"), "a secret already"},
		{f("x") + "@example.org", f("x") + "@example.org", "redacted before"},
	} {
		if got := asked.Text(c.in); got != c.want {
			t.Errorf("%s:\n got  %s\n want %s", c.reason, got, c.want)
		}
		if got := asked.Text(c.want); got != c.want {
			t.Errorf("%s: redacting twice gives %s", c.reason, got)
		}
	}
	if got := asked.JSON(`{"E-Mail":"none","to":["a@b.co"],"n":1}`); got != `{"E-Mail":"`+f("none")+`","to":["`+f("a@b.co")+`"],"n":1}` {
		t.Errorf("a document: %s", got)
	}
	if got := asked.Target("/mail/a@example.org/x?e=b%40example.org"); strings.Contains(got, "example") {
		t.Errorf("a target: %s", got)
	}
	if got := r.Text("to a@example.org"); got != "to a@example.org" {
		t.Errorf("nobody has asked: %s", got)
	}
}

func TestPoliciesAdd(t *testing.T) {
	a, b := policy(t, false, []string{"nick"}, []string{"A-[0-9]+"}), policy(t, true, []string{"Nick", "x"}, []string{"A-[0-9]+", "B-[0-9]+"})
	both := a.And(b)
	if diff := cmp.Diff([]string{"nick", "x"}, both.Names()); diff != "" || !both.Email() {
		t.Error(diff, both.Email())
	}
	if diff := cmp.Diff([]string{"A-[0-9]+", "B-[0-9]+"}, both.Patterns()); diff != "" {
		t.Error(diff)
	}
	var none *redact.Policy
	if none.And(a) != a || a.And(none) != a || none.And(nil) != nil || none.Email() || none.Names() != nil || none.AtPaths("/a/{id}") != nil {
		t.Error("a policy that adds nothing is none")
	}
	if p := none.AtPaths("/a/{token}"); r.Under(p).Target("/a/b") != "/a/"+f("b") {
		t.Error("a parameter with a secret's name")
	}
}

// TestKnownFormsOfASecret: an echo may have it escaped in some way.
func TestKnownFormsOfASecret(t *testing.T) {
	const secret = `p&ss "wörd"/<x>`
	knowing := r.Knowing([]string{secret})
	for _, form := range []string{
		secret, "p%26ss+%22w%C3%B6rd%22%2F%3Cx%3E", "p%26ss+%22w%c3%b6rd%22%2f%3cx%3e", "p&ss%20%22w%C3%B6rd%22%2F%3Cx%3E",
		"p&amp;ss &#34;wörd&#34;/&lt;x&gt;", `p&ss \"wörd\"/<x>`, "cCZzcyAid8O2cmQiLzx4Pg==",
	} {
		if got := knowing.Text("it is " + form + "!"); strings.Contains(got, "rd") || !strings.Contains(got, f(secret)) {
			t.Errorf("%s: %s", form, got)
		}
	}
	var found []string
	r.Collecting(func(s string) { found = append(found, s) }).HeaderValue("Authorization", "Basic ZGFpc3k6aHVudGVyMg==")
	if diff := cmp.Diff([]string{"hunter2", "ZGFpc3k6aHVudGVyMg=="}, found); diff != "" {
		t.Error(diff)
	}
}
