package redact_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/internal/redact"
)

var r = redact.New([]byte("key"))

// f is the fingerprint of a secret.
func f(secret string) string { return r.Fingerprint(secret) }

const (
	visa = "4111111111111111"
	jwt  = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"
)

func TestFingerprint(t *testing.T) {
	if got := f("hunter2"); len(got) != len("[redacted:ab12cd34]") || !redact.IsRedacted("x"+got) {
		t.Errorf("fingerprint %q", got)
	}
	if f("a") == f("b") || f("a") == redact.New([]byte("other")).Fingerprint("a") {
		t.Error("other secrets, or other keys, have the same fingerprint")
	}
	if redact.IsRedacted("[redacted:AB12cd34]") || redact.IsRedacted("[redacted:]") {
		t.Error("what is no fingerprint is taken for one")
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want, reason string }{
		{"all is well: 12 ducks", "all is well: 12 ducks", "nothing in it"},
		{"paid with " + visa + ".", "paid with " + f(visa) + ".", "a card number"},
		{"4111 1111 1111 1111 and 4111-1111-1111-1111", f(visa) + " and " + f(visa), "separators do not change the fingerprint"},
		{"order 7 4111 1111 1111 1111 5", "order 7 " + f(visa) + " 5", "a card number among other groups"},
		{"x378282246310005x 30569309025904 6011000990139424", "x" + f("378282246310005") + "x " + f("30569309025904") + " " + f("6011000990139424"), "other schemes"},
		{"4111111111111112", "4111111111111112", "wrong check digit"},
		{"1700000000008 at 1700000000000002", "1700000000008 at 1700000000000002", "clocks, with a right check digit"},
		{visa + "99999", visa + "99999", "part of a longer number"},
		{"Authorization: Bearer abc.def-1", "Authorization: " + f("Bearer abc.def-1"), "a header line"},
		{"sent Bearer s3cr3t-1 to it", "sent Bearer " + f("s3cr3t-1") + " to it", "a bearer credential"},
		{"bearer of news, basic information", "bearer of news, basic information", "prose"},
		{"got " + jwt + ", sorry", "got " + f(jwt) + ", sorry", "a web token"},
		{`Get "http://h/x?token=abc&a=1": EOF`, `Get "http://h/x?token=` + f("abc") + `&a=1": EOF`, "an error of net/http"},
		{"postgres://quack:hunter2@db/shop", "postgres://quack:" + f("hunter2") + "@db/shop", "a password in a URL"},
		{"http://h:80/a:b@c", "http://h:80/a:b@c", "a port is no password"},
		{"password: p)ss]w}rd next", "password: " + f("p)ss]w}rd") + " next", "brackets within a password"},
		{`{"user":"a","password":"x`, `{"user":"a","password":"` + f("x"), "JSON cut short"},
		{`said {\"password\":\"x y\"}`, `said {\"password\":\"` + f("x y") + `\"}`, "JSON within a string"},
		{"{'pin' => '12 34', :token=>nil}", "{'pin' => '" + f("12 34") + "', :token=>nil}", "a Ruby hash; nil tells nothing"},
		{"map[Cookie:[a=b; c=d] Accept:[*/*]]", "map[Cookie:" + f("[a=b; c=d]") + " Accept:[*/*]]", "a header map as Go prints it"},
		{"user%5Bpassword%5D=x", "user%5Bpassword%5D=" + f("x"), "an escaped name"},
		{"<a><cvv>123</cvv><password><![CDATA[<x>]]></password></a>", "<a><cvv>" + f("123") + "</cvv><password><![CDATA[" + f("<x>") + "]]></password></a>", "XML"},
		{`<input type=hidden name="authenticity_token" value="a b"><p>`, `<input type=hidden name="authenticity_token" value="` + f("a b") + `"><p>`, "a form field"},
		{"<meta content='abc'\n name='csrf-token'>", "<meta content='" + f("abc") + "'\n name='csrf-token'>", "a meta tag, the name last"},
		{"shipping: x, pinned=1, candidate: y, tokenizer=z", "shipping: x, pinned=1, candidate: y, tokenizer=z", "names that only contain one of a secret"},
		{"password=" + f("x"), "password=" + f("x"), "redacted before"},
		{"İİİ<İnput name=token value=x>", "İİİ<İnput name=token value=" + f("x") + ">", "letters whose lower case has another length"},
	} {
		if got := r.Text(c.in); got != c.want {
			t.Errorf("%s:\n in   %s\n got  %s\n want %s", c.reason, c.in, got, c.want)
		}
		if got := r.Text(c.want); got != c.want {
			t.Errorf("%s: redacting twice gives %s", c.reason, got)
		}
	}
}

func TestJSON(t *testing.T) {
	for _, c := range []struct{ in, want, reason string }{
		{`{ "a" : 1.0, "b":[true,null], "a":"é\u00e9\/" }`, `{ "a" : 1.0, "b":[true,null], "a":"é\u00e9\/" }`, "nothing in it: the same bytes"},
		{`{"password":"a\"b","n":1}`, `{"password":"` + f(`a"b`) + `","n":1}`, "a string with an escape"},
		{`{"pass\u0077ord":"x"}`, `{"pass\u0077ord":"` + f("x") + `"}`, "an escape in the name"},
		{`{"accessToken" : {"value":"x","n":5,"ok":true,"none":null,"empty":""},"a":"x"}`, `{"accessToken" : {"value":"` + f("x") + `","n":"` + f("5") + `","ok":true,"none":null,"empty":""},"a":"x"}`, "all within"},
		{`{"tokens":["x","y"],"z":["x"]}`, `{"tokens":["` + f("x") + `","` + f("y") + `"],"z":["x"]}`, "each element"},
		{`{"pin":1234,"cvv":"007"}`, `{"pin":"` + f("1234") + `","cvv":"` + f("007") + `"}`, "a number becomes a string"},
		{`{"n":4111111111111111,"m":1700000000008,"o":4111111111111111.5}`, `{"n":"` + f(visa) + `","m":1700000000008,"o":4111111111111111.5}`, "a card number as a number"},
		{`["` + visa + `",{"` + visa + `":1}]`, `["` + f(visa) + `",{"` + f(visa) + `":1}]`, "as a value and as a name"},
		{`{"doc":"{\"password\":\"x\"}"}`, `{"doc":"{\"password\":\"` + f("x") + `\"}"}`, "a document in a string"},
		{`{"a":"<&>` + visa + `"}`, `{"a":"<&>` + f(visa) + `"}`, "no escapes for HTML are added"},
		{"{\"token\":\"x\"}\n{\"token\":\"y\"}\n", "{\"token\":\"" + f("x") + "\"}\n{\"token\":\"" + f("y") + "\"}\n", "one document a line"},
		{`{"token":"x`, `{"token":"` + f("x"), "cut in a value"},
		{`{password: hunter2, 'pin': 12}`, `{password: "` + f("hunter2") + `", 'pin': "` + f("12") + `"}`, "not quite JSON"},
		{`]]}}{"token":"x"}`, `]]}}{"token":"` + f("x") + `"}`, "stray brackets"},
		{`"a` + jwt + `"`, `"a` + f(jwt) + `"`, "a web token after a letter"},
	} {
		if got := r.JSON(c.in); got != c.want {
			t.Errorf("%s:\n in   %s\n got  %s\n want %s", c.reason, c.in, got, c.want)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct{ in, want, reason string }{
		{"/a%2Fb//c;d?x=%zz&y;z=1&&", "/a%2Fb//c;d?x=%zz&y;z=1&&", "nothing in it: the same bytes"},
		{"/x?a=1&token=a%20b;api_key=c&user%5Bpassword%5D=d", "/x?a=1&token=" + f("a b") + ";api_key=" + f("c") + "&user%5Bpassword%5D=" + f("d"), "by name"},
		{"/cards/" + visa + "/4111%201111%201111%201111", "/cards/" + f(visa) + "/" + "%5Bredacted:" + f(visa)[10:18] + "%5D", "card numbers in the path"},
		{"/x?next=http%3A%2F%2Fh%2F%3Ftoken%3Dabc", "/x?next=" + "http%3A%2F%2Fh%2F%3Ftoken%3D%5Bredacted%3A" + f("abc")[10:18] + "%5D", "a URL in a parameter"},
		{"/x?filter=%7B%22pin%22%3A12%7D", "/x?filter=%7B%22pin%22%3A%22%5Bredacted%3A" + f("12")[10:18] + "%5D%22%7D", "JSON in a parameter"},
		{"http://u:pw1@h/cb#access_token=x&a=b", "http://u:" + f("pw1") + "@h/cb#access_token=" + f("x") + "&a=b", "user information and fragment"},
		{"/mail/a@example.org?email=a@example.org", "/mail/a@example.org?email=a@example.org", "an address is no secret"},
	} {
		if got := r.Target(c.in); got != c.want {
			t.Errorf("%s:\n in   %s\n got  %s\n want %s", c.reason, c.in, got, c.want)
		}
	}
}

func TestHeader(t *testing.T) {
	in := http.Header{
		"Authorization":       {"Bearer abc", "hunter2", "Custom Thing 1"},
		"Proxy-Authorization": {"Basic dXNlcjpw"},
		"Cookie":              {"sid=abc; theme=dark;lone"},
		"Set-Cookie":          {"sid=abc; Path=/; HttpOnly", "flag"},
		"X-Api-Key":           {"k1"}, "X-Auth-Token": {"t1"}, "X-Csrf-Token": {"t2"}, "Vault-Secret": {"s1"}, "Acme-Api-Key": {"k2"},
		"Quack-Shadow": {"v1;id=1;sig=abc"}, "Quack-Shadow-Result": {"v1;sig=abc"}, "Quack-Context": {"v1;sig=abc"}, "Baggage": {"quack.shadow=1.abc"},
		"Location": {"/cb?token=abc"}, "Etag": {`"abc"`}, "X-Candidate-Id": {"7"}, "Date": {"today"},
	}
	want := http.Header{
		"Authorization":       {"Bearer " + f("abc"), f("hunter2"), f("Custom Thing 1")},
		"Proxy-Authorization": {"Basic " + f("dXNlcjpw")},
		"Cookie":              {"sid=" + f("abc") + "; theme=" + f("dark") + ";" + f("lone")},
		"Set-Cookie":          {"sid=" + f("abc") + "; Path=/; HttpOnly", f("flag")},
		"X-Api-Key":           {f("k1")}, "X-Auth-Token": {f("t1")}, "X-Csrf-Token": {f("t2")}, "Vault-Secret": {f("s1")}, "Acme-Api-Key": {f("k2")},
		"Quack-Shadow": {f("v1;id=1;sig=abc")}, "Quack-Shadow-Result": {f("v1;sig=abc")}, "Quack-Context": {f("v1;sig=abc")}, "Baggage": {f("quack.shadow=1.abc")},
		"Location": {"/cb?token=" + f("abc")}, "Etag": {`"abc"`}, "X-Candidate-Id": {"7"}, "Date": {"today"},
	}
	if diff := cmp.Diff(want, r.Header(in)); diff != "" {
		t.Error(diff)
	}
	if in.Get("X-Api-Key") != "k1" {
		t.Error("the header section given was changed")
	}
	if r.Header(nil) != nil {
		t.Error("nil does not stay nil")
	}
}

func TestValue(t *testing.T) {
	for _, c := range []struct{ path, in, want, reason string }{
		{"$.user.password", `"x"`, `"` + f("x") + `"`, "by the last name"},
		{"$.tokens[*]", `"x"`, `"` + f("x") + `"`, "an element"},
		{"$.credentials.a.b", `{"c":"x"`, `{"c":"` + f("x") + `"`, "by a name above, cut short"},
		{"$['client-secret']", `7`, `"` + f("7") + `"`, "a quoted name"},
		{"$.pin", `null`, `null`, "null tells nothing"},
		{"$.note", `"card ` + visa + `"`, `"card ` + f(visa) + `"`, "by looks"},
		{"$.user", `{"name":"a","password":"hunt`, `{"name":"a","password":"` + f("hunt"), "within, cut short"},
		{"$.price", `12.50`, `12.50`, "no secret"},
		{"$.user.password", "hunter2", `"` + f("hunter2") + `"`, "the text of an element, which is not in quotes"},
		{"$.html.body.form.input['@value']", `<input name="password" type="hidden" value="hunter2">`, `<input name="password" type="hidden" value="` + f("hunter2") + `">`, "an attribute that another one names"},
		{"header:X-Api-Key", "k1", f("k1"), "a header"},
		{"header:Location", "/x?token=abc", "/x?token=" + f("abc"), "a header that holds a URL"},
		{"cookie:theme", "dark", f("dark"), "every cookie"},
		{"cookie:sid", "sid=abc; Path=/", "sid=" + f("abc") + "; Path=/", "a whole cookie"},
		{"cookie:sid", "abc; Path=/", f("abc") + "; Path=/", "a cookie without its name"},
		{"body", "pin=1234&a=b", "pin=" + f("1234") + "&a=b", "a body"},
		{"status", "200", "200", "a status"},
		{"$.password", "", "", "absent"},
	} {
		if got := r.Value(c.path, c.in); got != c.want {
			t.Errorf("%s: Value(%q, %q) = %q, want %q", c.reason, c.path, c.in, got, c.want)
		}
	}
}

func TestKnownSecretsAreFoundElsewhere(t *testing.T) {
	var found []string
	r.Collecting(func(s string) { found = append(found, s) }).JSON(`{"password":"correct horse","pin":"12","token":"correct"}`)
	if diff := cmp.Diff([]string{"correct horse", "12", "correct"}, found); diff != "" {
		t.Error(diff)
	}
	knowing := r.Knowing(found)
	want := `{"echo":"you said ` + f("correct horse") + `, 12","n":12,"c":"` + f("correct") + `"}`
	if got := knowing.JSON(`{"echo":"you said correct horse, 12","n":12,"c":"correct"}`); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAttr(t *testing.T) {
	var b strings.Builder
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: r.Attr}))
	log.Info("token=abc", "password", "hunter2", "err", errors.New(`Get "/x?pin=1234"`), "n", 7)
	got := b.String()
	for _, secret := range []string{"abc", "hunter2", "1234"} {
		if strings.Contains(got, secret+`"`) || strings.Contains(got, "="+secret) {
			t.Errorf("%q is in the log:\n%s", secret, got)
		}
	}
	if !strings.Contains(got, f("hunter2")) || !strings.Contains(got, "n=7") {
		t.Errorf("log line: %s", got)
	}
}
