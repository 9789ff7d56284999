package redact_test

import (
	"strings"
	"testing"

	"github.com/quackproxy/quack/internal/redact"
)

// TestNothingGetsPast plants "hunter2" (or a card's number) in forms that have a
// way around the plain ones. What is shown must not have it.
func TestNothingGetsPast(t *testing.T) {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	body := func(contentType, in string) string {
		kept, note := r.Body(contentType, "", []byte(in))
		return string(kept) + note
	}
	for _, c := range []struct{ reason, got string }{
		{"a value that is escaped, in a header", r.HeaderValue("Location", "/cb?next=%2Fx%3Ftoken%3Dhunter2%26a%3D1")},
		{"the same twice", r.HeaderValue("Referer", "https://h/?next=%252Fx%253Ftoken%253Dhunter2")},
		{"JSON that is escaped, in an error", r.Text(`Get "/x?filter=%7B%22password%22%3A%22hunter2%22%7D": EOF`)},
		{"a parameter within a parameter within one", r.Target("/x?next=https%3A%2F%2Fa%2F%3Fnext%3D%252Fcb%253Ftoken%253Dhunter2")},
		{"a parameter within a segment", r.Target("/x/a%3Ftoken%3Dhunter2/b")},
		{"a matrix parameter", r.Target("/x;token=hunter2/b;c=d")},
		{"a session in a path", r.Target("/x;jsessionid=hunter2?a=b")},
		{"a token behind its name in a path", r.Target("/reset-tokens/hunter2-8f3c2b1a90d4e5f6/form")},
		{"an escaped name", r.Target("/x?pass%77ord=hunter2")},
		{"a name escaped twice", r.Target("/x?pass%2577ord=hunter2")},
		{"a signed URL", r.Target("/x?X-Amz-Credential=hunter2&X-Amz-Signature=hunter2&sig=hunter2")},
		{"a list of names and values", r.JSON(`{"fields":[{"name":"password","value":"hunter2"}]}`)},
		{"the value before its name", r.JSON(`[{"value":{"a":["hunter2"]},"key":"api_key"}]`)},
		{"a list of names and values, cut short", r.JSON(`[{"name":"password","value":"hunter2`)},
		{"a name with a number", r.JSON(`{"password1":"hunter2","password2":"hunter2","newPassword_2":"hunter2"}`)},
		{"names in the plural", r.JSON(`{"apiKeys":["hunter2"],"cookies":{"a":"hunter2"},"sessions":["hunter2"]}`)},
		{"a vendor's key", r.JSON(`{"stripeApiKey":"hunter2","acme_secret_key":"hunter2","x-auth-key":"hunter2","awsAccessKeyId":"hunter2"}`)},
		{"a document in a string in a string", r.JSON(`{"a":"{\"b\":\"{\\\"password\\\":\\\"hunter2\\\"}\"}"}`)},
		{"a form in a string", r.JSON(`{"raw":"a=b&password=hunter2"}`)},
		{"an escaped form in a string", r.JSON(`{"raw":"a%3Db%26password%3Dhunter2"}`)},
		{"a card's number as a float", r.JSON(`{"n":4111111111111111.0}`)},
		{"a card's number in groups of which spaces do not break", r.Text("4111\u00a01111\u00a01111\u00a01111")},
		{"a card's number in a form's blanks", r.Text("n=4111+1111+1111+1111")},
		{"a card's number, escaped, in an error", r.Text(`Get "/x?n=4111%201111%201111%201111": EOF`)},
		{"a folded field of a part", body("multipart/form-data; boundary=B", crlf("--B\nContent-Disposition: form-data;\n name=\"password\"\n\nhunter2\n--B--\n"))},
		{"a part of another multipart type", body("multipart/mixed; boundary=B", crlf("--B\nContent-Type: application/json\n\n{\"a\":{\"password\":[\"hunter2\"]}}\n--B--\n"))},
		{"a part in base64", body("multipart/mixed; boundary=B", crlf("--B\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\ncGFzc3dvcmQ9aHVudGVyMg==\n--B--\n"))},
		{"parts within a part", body("multipart/mixed; boundary=B", crlf("--B\nContent-Type: multipart/form-data; boundary=C\n\n--C\nContent-Disposition: form-data; name=\"password\"\n\nhunter2\n--C--\n\n--B--\n"))},
		{"an element within a secret one", body("application/xml", "<password><plain>hunter2</plain><a b='hunter2'/></password>")},
		{"an element named by its attribute", body("application/xml", "<field name=\"password\">hunter2</field>")},
		{"a text area", body("text/html", "<textarea class=x name=secret>hunter2</textarea>")},
		{"a property list", body("application/xml", "<key>password</key>\n<string>hunter2</string>")},
		{"a column", body("text/csv; charset=utf-8", "id,Password,note\r\n1,hunter2,a\r\n2,\"hunter2\"\"x\",b\r\n")},
		{"a column between tabs", body("text/tab-separated-values", "id\tpin\n1\thunter2\n")},
		{"events", body("text/event-stream", "event: a\ndata: {\"credentials\":{\"a\":[\"hunter2\"]}}\n\n")},
		{"JSON behind the letters that keep it from being run", body("application/json", ")]}',\n{\"credentials\":{\"a\":[\"hunter2\"]}}")},
		{"YAML", body("application/yaml", "a: b\npassword: hunter2\nnested:\n  token: 'hunter2'\n")},
		{"YAML over several lines", body("application/yaml", "a:\n  password: |\n    hunter2\n\n    hunter2\n  tokens:\n  - hunter2\n  - value: hunter2\n  b: 1\ncredentials:\n  x: 'hunter2'\n")},
		{"a card's number that is cut", r.Value("$.n", `"4111 1111 11…`)},
		{"a known secret that is cut", r.Knowing([]string{"hunter2-is-long"}).Value("$.n", `"it is hunter2-is…`)},
		{"an address that is cut", r.Under(policy(t, true, nil, nil)).Value("$.n", `"to hunter2@exam…`)},
		{"a cell of a line", r.Knowing([]string{"1234", "hunter2"}).BodyValue("text/csv", "7,hunter2,\"1234\"\n")},
		{"bytes of a row", r.Value("table:a", `insert {"id":7,"blob":"\\x68756e74657232"}`) + r.Column("a", "blob", `\x68756e74657232`)},
		{"a card's number with escaped dashes", r.Text("to /x?n=4111%2D1111%2D1111%2D1111&a=b")},
		{"a pattern with an escape in it", r.Under(policy(t, false, nil, []string{`hunter\d`})).Text("n=hun%74er2")},
		{"a line of a private key", knowing("-----BEGIN PRIVATE KEY-----\nabcdefgh\nhunter2-line\n-----END PRIVATE KEY-----").BodyValue("text/plain", "hunter2-line")},
		{"a hash of one", r.JSON(`{"user_password_hash":"hunter2","password_salt":"hunter2","refresh_token_hash":"hunter2","hashed_password":"hunter2"}`)},
		{"YAML with blanks in a value", body("application/yaml", "- password: not hunter2 at all\n  b: c\n")},
		{"a key that PostgreSQL has twice", r.Text(`ERROR: duplicate key value violates unique constraint "a" DETAIL: Key (tenant_id, token)=(7, hunter2, hunter2) already exists.`)},
		{"a key that MariaDB has twice", r.Text("Duplicate entry 'hunter2' for key 'sessions.token'") + r.Text("Duplicate entry '7-hunter2' for key 'api_key'")},
		{"a list of names and values in a header", r.HeaderValue("X-Fields", `[{"name":"password","value":"hunter2"}]`)},
		{"a JSON text sequence", body("application/json-seq", "\x1e{\"name\":\"password\",\"value\":\"hunter2\"}\n\x1e{\"name\":\"pin\",\"value\":\"hunter2\"}\n")},
		{"a list of names and values in events", body("text/event-stream", "event: a\ndata: {\"name\":\"password\",\ndata: \"value\":\"hunter2\"}\n\ndata:[{\"name\":\"pin\",\"value\":\"hunter2\"}]\n\n")},
		{"an attribute of a secret element", body("application/xml", `<Token Value="hunter2"/><password text='hunter2'>hunter2</password>`)},
		{"a secret in the tag of a secret", body("application/xml", `<password token="hunter2">hunter2</password>`)},
		{"a password field by its type", body("text/html", `<input type="password" name="x" value="hunter2"><input value=hunter2 type=PASSWORD>`)},
		{"a private key", r.Text("-----BEGIN RSA PRIVATE KEY-----\nhunter2hunter2\n-----END RSA PRIVATE KEY-----\n")},
		{"a private key in a string", r.JSON(`{"pem":"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"}`)},
		{"a cookie's value that ends in =", r.Value("cookie:sid", "hunter2=; Path=/")},
		{"a cookie without a name", r.HeaderValue("Cookie", "hunter2")},
		{"two cookies in one line", r.HeaderValue("Set-Cookie", "a=hunter2; Path=/, b=hunter2; Path=/")},
		{"an attribute of a cookie", r.HeaderValue("Set-Cookie", "a=b; Path=/x;token=hunter2; Comment=Bearer hunter2-abc")},
		{"credentials of a scheme with parameters", r.HeaderValue("Authorization", "Digest username=\"a\", response=\"hunter2\"")},
		{"a header by a vendor", r.HeaderValue("X-Auth-Key", "hunter2") + r.HeaderValue("X-Hub-Signature-256", "hunter2") + r.HeaderValue("Stripe-Signature", "hunter2")},
		{"an address with a password in it, in a header", r.HeaderValue("X-Origin", "https://daisy:hunter2@h/")},
		{"a password with an @ in it", r.Text("https://daisy:hunt@hunter2@h/")},
		{"a row's key in the place of a column", r.Text("password is \"x\", password=\"hunter2\"")},
	} {
		if strings.Contains(c.got, "hunter2") || strings.Contains(c.got, "4111") || strings.Contains(c.got, "aHVudGVyMg") || strings.Contains(c.got, "68756e74") {
			t.Errorf("%s: %s", c.reason, c.got)
		}
		if !strings.Contains(c.got, "redacted") && !strings.Contains(c.got, "not kept") {
			t.Errorf("%s: was it there at all? %s", c.reason, c.got)
		}
	}
}

// knowing knows the secrets of a text.
func knowing(text string) *redact.Redactor {
	var found []string
	r.Collecting(func(s string) { found = append(found, s) }).Text(text)
	return r.Knowing(found)
}

// TestEachEndingIsLookedAt holds the short cut that names take which can not be of
// secrets.
func TestEachEndingIsLookedAt(t *testing.T) {
	for _, word := range []string{"token", "secret", "password", "passwd", "passphrase", "credential", "signature", "api_key", "access_key", "access_key_id", "secret_key",
		"private_key", "signing_key", "encryption_key", "subscription_key", "session_key", "auth_key", "session_id"} {
		for _, name := range []string{"acme_" + word, "acme_" + word + "s", "acme-" + word + "2"} {
			if got := r.JSON(`{"` + name + `":"hunter2"}`); strings.Contains(got, "hunter2") {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
}
