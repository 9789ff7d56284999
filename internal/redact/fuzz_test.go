package redact_test

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/internal/redact"
)

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"password":"x","a":[1,2.5e3,{"pin":7}],"b":"\u0041"}`, `{"token":"x`, `{"a":"{\"pin\":\"1\"}"}`, `{'pin': 12}`, `[4111111111111111]`, "\"\\", `"token":]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		got := r.JSON(doc)
		if json.Valid([]byte(doc)) && !json.Valid([]byte(got)) {
			t.Errorf("valid JSON became invalid:\n%s\n%s", doc, got)
		}
		if again := r.JSON(got); json.Valid([]byte(doc)) && again != got {
			t.Errorf("redacting twice changes more:\n%s\n%s", got, again)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"token=x&pin=1", `"password":"x`, "Bearer abc-123456", "//a:b@c", "<pin>1</pin>", "<input name=pin value=1>", "4111 1111-1111 1111", "Cookie: a=b", `pin=\"1\"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) { // bytes in, bytes out, whatever they are
		r.Text(s)
		r.Target(s)
		r.Value("$.a", s)
		r.Value("cookie:a", s)
	})
}

func FuzzMultipart(f *testing.F) {
	f.Add("multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\n1\r\n--B--\r\n")
	f.Fuzz(func(t *testing.T, contentType, body string) { r.Body(contentType, "", []byte(body)) })
}

// TestTimeIsLinear takes minutes if a pattern is looked at anew from each place.
func TestTimeIsLinear(t *testing.T) {
	for _, part := range []string{`<`, `<pin `, `<a name=`, `eyJ`, `"[\q\"`, `[`, `{"a":`, `token`, `token=`, `token= `, `"`, `\`, `1 `, `1`, `bearer `, `://`, `:a@`, ` `, `'=`, `[redacted:`, `"pin":[`, `<pin>`} {
		s := strings.Repeat(part, 1<<16/len(part))
		r.Text(s)
		r.JSON(s)
		r.JSON(`{"a":"` + s)
		r.Target("/?a=" + s)
	}
}

// FuzzPlanted plants a secret by its name beside anything.
func FuzzPlanted(f *testing.F) {
	f.Add(`{"a":1}`, "hunter2", uint8(0))
	f.Add(`a=b&c=d`, `"}],{`, uint8(3))
	f.Add(`\`, `a&b=c;d`, uint8(7))
	f.Fuzz(func(t *testing.T, beside, secret string, which uint8) {
		secret = "S3CR3T-" + strings.ToValidUTF8(secret, "") + "-T3RC3S"
		name := secretNames[int(which)%len(secretNames)]
		quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
		doc := `{"a":` + quoted(beside) + `,` + quoted(name) + `:` + quoted(secret) + `}`
		if json.Valid([]byte(beside)) {
			doc = `[` + beside + `,` + doc + `]`
		}
		form := "a=" + url.QueryEscape(beside) + "&" + url.QueryEscape(name) + "=" + url.QueryEscape(secret)
		for what, got := range map[string]string{
			"JSON":       r.JSON(doc),
			"value":      r.Value("$.a", doc[:len(doc)-5]),
			"form":       r.Form(form),
			"target":     r.Target("/a?" + form),
			"header":     r.HeaderValue("Cookie", "a="+url.QueryEscape(beside)+"; b="+url.QueryEscape(secret)),
			"named text": r.Text(beside + "\n" + quoted(name) + ": " + quoted(secret)),
		} {
			if strings.Contains(got, "S3CR3T") || strings.Contains(got, "T3RC") {
				t.Errorf("%s: the secret survives:\n%s\n%s", what, doc, got)
			}
		}
	})
}

var secretNames = []string{"password", "Passwd", "client_secret", "accessToken", "refresh-token", "API_KEY", "card_number", "cvv", "ssn", "iban", "reset_password_token", "user[password]"}

// TestOnlySecretsChange redacts random documents and compares what is left.
func TestOnlySecretsChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clean := document(t, 3)
		names := rapid.SampledFrom(secretNames)
		planted := plant(t, clean, func() (string, any) {
			return names.Draw(t, "name"), rapid.OneOf(rapid.Just(any("S3CR3T")), rapid.Just(any([]any{"S3CR3T", map[string]any{"a": "S3CR3T"}}))).Draw(t, "secret")
		})
		b, err := json.Marshal(planted)
		if err != nil {
			t.Fatal(err)
		}
		got := r.JSON(string(b))
		if strings.Contains(got, "S3CR3T") {
			t.Fatalf("the secret survives: %s", got)
		}
		var back any
		if err := json.Unmarshal([]byte(got), &back); err != nil {
			t.Fatal(err)
		}
		if left := without(back); !reflect.DeepEqual(left, clean) {
			t.Fatalf("more than the secrets has changed:\n%v\n%v", left, clean)
		}
	})
}

func document(t *rapid.T, depth int) any {
	scalar := rapid.SampledFrom([]any{nil, true, "Daisy", "a\"b\\", "é<&>", 1.5, -3.0, ""})
	switch {
	case depth == 0 || rapid.IntRange(0, 3).Draw(t, "kind") == 0:
		return scalar.Draw(t, "scalar")
	case rapid.Bool().Draw(t, "array"):
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, document(t, depth-1))
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		object[rapid.SampledFrom([]string{"id", "name", "shipping", "date", "a:b", "é"}).Draw(t, "name")] = document(t, depth-1)
	}
	return object
}

// plant is a copy of v with a secret in every object.
func plant(t *rapid.T, v any, secret func() (string, any)) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, plant(t, e, secret))
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, e := range v {
			object[name] = plant(t, e, secret)
		}
		name, s := secret()
		object[name] = s
		return object
	}
	return v
}

// without is a copy of v without the members that plant has added.
func without(v any) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, without(e))
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, e := range v {
			planted := false
			for _, s := range secretNames {
				planted = planted || s == name
			}
			if !planted {
				object[name] = without(e)
			}
		}
		return object
	}
	return v
}

// FuzzTwice redacts bodies once more, as evidence is when it is read under a
// policy: what was kept stays as it is.
func FuzzTwice(f *testing.F) {
	policy, err := redact.NewPolicy(true, []string{"nick", "q"}, []string{`[0-9a-f]{6}`, `ACME-\d{3}`})
	if err != nil {
		f.Fatal(err)
	}
	own := r.Under(policy)
	types := []string{"application/json", "application/x-www-form-urlencoded", "text/html", "text/xml", "text/csv", "application/yaml", "text/event-stream", "text/plain", "multipart/form-data; boundary=B"}
	for i, seed := range []string{
		`{"name":"pin","value":[1,"x"]}`, "token=a%20b&q=%7B%22pin%22%3A1%7D", `<pin a="1">x</pin><input name=token value=x>`, "<key>pin</key><string>x</string>", "a,pin\n1,\"x\"\n",
		"pin: |\n  x\n", "data: {\"pin\":1}\n\n", "Key (pin)=(x) 4111 1111 1111 1111 n%3D4111%201111%201111%201111 token%3Da", "--B\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\n1\r\n--B--\r\n",
		`{"nick":"a","x":"123456 a@b.co ?q=%41CME-123&e=a%40b.co"}`, "nick=a&x=ab12cd34&y=%2561b12cd34", "<a href='/?n=%61%62123456&token=x'>a@b.co</a>",
	} {
		f.Add(uint8(i), seed)
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		contentType := types[int(which)%len(types)]
		for _, by := range []*redact.Redactor{r, own} {
			once, why := by.Body(contentType, "", []byte(body))
			if once == nil {
				return
			}
			if twice, note := by.Body(contentType, "", once); string(twice) != string(once) {
				t.Errorf("%s, %s: redacting %q twice changes more:\n%q\n%q %s", contentType, why, body, once, twice, note)
			}
		}
	})
}
