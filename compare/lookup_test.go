package compare

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSingularFinds(t *testing.T) {
	for _, c := range []struct{ path, text, want, reason string }{
		{"$.token", `{"token":"x"}`, `"x"`, "a member"},
		{"$.token", ` { "a" : [1,{"token":2}] , "token" : 12.50 } `, `12.50`, "white space, and the name elsewhere"},
		{"$.data[1].id", `{"data":[{"id":1},{"id":2},{"id":3}]}`, `2`, "an element"},
		{"$[0]", `[{"a":1}]`, `{"a":1}`, "a root that is a list"},
		{"$['a b']", `{"a b":null}`, `null`, "a quoted name"},
		{"$.töken", `{"t\u00f6ken":"x"}`, `"x"`, "the same name written in another way"},
		{"$.a", `{"a":1,"a":2}`, `2`, "of two members the last, as most readers do"},
		{"$.a.b", `{"a":{"b":1},"a":3}`, ``, "the last one has no member"},
		{"$.a", `[1]`, ``, "a name in a list"},
		{"$[0]", `{"0":1}`, ``, "an index in an object"},
		{"$.a[2]", `{"a":[1,2]}`, ``, "behind the end"},
		{"$.a", `{}`, ``, "an empty object"},
		{"$[0]", `[]`, ``, "an empty list"},
		{"$.a", `{"a":1}x`, ``, "not JSON at the end"},
		{"$.a", `{"a":1`, ``, "cut off"},
		{"$.a", ``, ``, "nothing"},
		{"$.a", `7`, ``, "a number"},
		{"$.a", strings.Repeat(`{"a":`, 2000) + `1` + strings.Repeat(`}`, 2000), ``, "too deep"},
	} {
		p, err := ParseSingular(c.path)
		if err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		from, to, ok := p.Find([]byte(c.text))
		if got := c.text[from:to]; ok != (c.want != "") || got != c.want {
			t.Errorf("%s: %s in %.60s: found %q, %v", c.reason, c.path, c.text, got, ok)
		}
	}
}

func TestSingularRefuses(t *testing.T) {
	for path, why := range map[string]string{
		"$":         "whole body",
		"$.*":       "many values",
		"$.a[*].id": "many values",
		"$..id":     "many values",
		"token":     "not a JSONPath",
		"":          "not a JSONPath",
		"$.a[":      "bracket",
		"$.a[?@.b]": "filters",
	} {
		if _, err := ParseSingular(path); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q and a remedy", path, err, why)
		}
	}
}

// FuzzSingular: what is found is a value of the text, and no text is too bad.
func FuzzSingular(f *testing.F) {
	f.Add("$.a[0]", []byte(`{"a":[1,"x"]}`))
	f.Add("$['a'].b", []byte(`{"a":{"b":{}}}`))
	f.Fuzz(func(t *testing.T, path string, text []byte) {
		p, err := ParseSingular(path)
		if err != nil {
			return
		}
		from, to, ok := p.Find(text)
		if ok && !json.Valid(text[from:to]) && json.Valid(text) {
			t.Errorf("%q in %q: found %q", path, text, text[from:to])
		}
		if ok {
			Scalar(text[from:to])
		}
	})
}

func TestScalar(t *testing.T) {
	for value, want := range map[string]string{`"x"`: "x", `"\u00e9\n"`: "é\n", `12.50`: "12.50", `-1e3`: "-1e3", `""`: ""} {
		if got, ok := Scalar([]byte(value)); !ok || got != want {
			t.Errorf("%s: %q, %v", value, got, ok)
		}
	}
	for _, value := range []string{`null`, `true`, `{}`, `[1]`, ``} {
		if got, ok := Scalar([]byte(value)); ok {
			t.Errorf("%s is taken for %q", value, got)
		}
	}
}

// TestReasonOfARuleThatNobodyWrote: it is forgiven under its own reason, and as
// same is: presence, type and a cookie's attributes are asserted.
func TestReasonOfARuleThatNobodyWrote(t *testing.T) {
	base, errs := Compile([]Rule{{Path: "$.debug", Ignore: true}})
	if errs != nil {
		t.Fatal(errs)
	}
	rules, errs := base.With(Options{Numbers: AsWritten}).And(
		Rule{Path: "$.token", Same: "t", Reason: "learnt"}, Rule{Path: "cookie:session", Same: "c", Reason: "learnt"},
		Rule{Path: "header:X-Auth-Token", Same: "h", Reason: "learnt"})
	if errs != nil {
		t.Fatal(errs)
	}
	if rules.options.Numbers != AsWritten {
		t.Error("the options do not hold any more")
	}
	for _, c := range []struct{ reason, cookieL, cookieN, bodyL, bodyN, differs string }{
		{"both have a value", "session=a; Path=/", "session=b; Path=/", `{"token":"x"}`, `{"token":"y"}`, ""},
		{"a type", "session=a", "session=b", `{"token":"x"}`, `{"token":7}`, "$.token"},
		{"null", "session=a", "session=b", `{"token":"x"}`, `{"token":null}`, "$.token"},
		{"missing", "session=a", "session=b", `{"token":"x"}`, `{}`, "$.token"},
		{"no cookie", "session=a", "", `{"token":"x"}`, `{"token":"y"}`, "cookie:session header:X-Auth-Token"},
		{"an attribute", "session=a; HttpOnly", "session=b", `{"token":"x"}`, `{"token":"y"}`, "cookie:session"},
		{"the rules hold", "session=a", "session=b", `{"token":"x","debug":1}`, `{"token":"y","debug":2}`, ""},
	} {
		ex := func(cookie, body string) *Exchange {
			e := &Exchange{Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: []byte(body), Size: int64(len(body))}
			if cookie != "" {
				e.Header["X-Auth-Token"] = []string{"of " + cookie[len("session="):]}
				e.Header["Set-Cookie"] = []string{cookie}
			}
			return e
		}
		r := Exchanges(ex(c.cookieL, c.bodyL), ex(c.cookieN, c.bodyN), rules)
		var at []string
		for _, d := range r.Differences {
			at = append(at, d.Path)
		}
		if strings.Join(at, " ") != c.differs {
			t.Errorf("%s: differences at %v", c.reason, at)
		}
		for _, f := range r.Forgiven {
			if f.Path != "$.debug" && f.Reason != "learnt" {
				t.Errorf("%s: forgiven %+v", c.reason, f)
			}
		}
		if c.differs == "" && len(r.Forgiven) < 3 {
			t.Errorf("%s: forgiven %+v", c.reason, r.Forgiven)
		}
	}
}
