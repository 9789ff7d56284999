package reports_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
)

// planted are secrets, each put into one place of a comparison by secretive.
var planted = []string{
	"s3cr3t-authorization", "s3cr3t-cookie", "s3cr3t-apikey", "s3cr3t-query", "4111 1111 1111 1111", "5555555555554444", "s3cr3t-body",
	"s3cr3t-deep", "s3cr3t-form", "s3cr3t-setcookie", "s3cr3t-location", "s3cr3t-trailer", "s3cr3t-legacy", "s3cr3t-new", "s3cr3t-forgiven",
	"s3cr3t-error", "s3cr3t-incomplete", "s3cr3t-url", "s3cr3t-gzip", "378282246310005", "s3cr3t-binary", "s3cr3t-echo",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "6011000990139424",
	"s3cr3t-host", "s3cr3t-effect", "s3cr3t-table", "s3cr3t-column", "s3cr3t-row", "s3cr3t-member", "s3cr3t-basic", "czNjcjN0LWJhc2lj", "s3cr3t-place", "s3cr3t-pair",
	"s3cr3t-escaped",
}

// pinDigest is found by trying all PINs.
var pinDigest = fmt.Sprintf("%x", sha256.Sum256([]byte("1234")))

func secretive(id string) reports.Comparison {
	gzipped := &bytes.Buffer{}
	z := gzip.NewWriter(gzipped)
	z.Write([]byte(`{"token":"s3cr3t-gzip","note":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"}`))
	z.Close()
	c := comparison(1)
	c.ID, c.Verdict = id, reports.Mismatch
	c.Request = reports.Request{
		Method: "POST", Target: "/cards/5555555555554444?token=s3cr3t-query&x=1", Host: "shop.example",
		Header: http.Header{
			"Authorization": {"Bearer s3cr3t-authorization"}, "Cookie": {"sid=s3cr3t-cookie"}, "X-Api-Key": {"s3cr3t-apikey"},
			"Content-Type": {"application/json"}, "X-Echo": {"is s3cr3t-echo"},
		},
		Body: []byte(`{"password":"s3cr3t-body","card":{"n":"4111 1111 1111 1111"},"credentials":{"a":["s3cr3t-deep"]},"secret":"s3cr3t-echo"}`),
	}
	c.Request.BodySize = int64(len(c.Request.Body))
	c.Legacy.URL = "http://u:s3cr3t-url@127.0.0.1:3000" + c.Request.Target
	c.Legacy.Answer = compare.Exchange{
		Status: 302,
		Header: http.Header{"Set-Cookie": {"sid=s3cr3t-setcookie; Path=/"}, "Location": {"/cb?access_token=s3cr3t-location"}, "Content-Type": {"application/x-www-form-urlencoded"}},
		Body:   []byte("a=b&pin=s3cr3t-form&echo=s3cr3t-echo"), Trailer: http.Header{"X-Auth-Token": {"s3cr3t-trailer"}},
	}
	c.Legacy.Answer.Size = int64(len(c.Legacy.Answer.Body))
	c.New.Answer = compare.Exchange{
		Status: 200, Header: http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, Body: gzipped.Bytes(), Size: int64(gzipped.Len()),
		Incomplete: `read "http://h/?token=s3cr3t-incomplete": EOF`,
	}
	c.Err = `ask new: Post "http://h/?api_key=s3cr3t-error": card 378282246310005 refused`
	c.Differences = []reports.Found{
		{Verdict: reports.Mismatch, Difference: compare.Difference{Path: "$.user.password", At: "$.user.password", Kind: compare.KindValue, Legacy: `"s3cr3t-legacy"`, New: `"s3cr3t-new"`}},
		{Verdict: reports.Mismatch, Difference: compare.Difference{Path: `$["6011000990139424"]`, At: `$["6011000990139424"]`, Kind: compare.KindMissing, Legacy: `{"echo":"s3cr3t-echo"}`}},
	}
	c.Request.Host = "shop.example?token=s3cr3t-host"
	c.Request.Header["Proxy-Authorization"] = []string{"Basic ZGFpc3k6czNjcjN0LWJhc2lj"}
	c.Request.Header["Referer"] = []string{"http://h/?next=%2Fcb%3Ftoken%3Ds3cr3t-escaped"}
	c.Request.Header["X-Said"] = []string{"it was s3cr3t-basic"}
	c.Legacy.Answer.Effects = compare.Effects{{Name: "mail:reset?token=s3cr3t-effect", Count: 1}}
	c.Legacy.Answer.Footprint = compare.Footprint{{Table: "token:s3cr3t-table", Inserted: 1}}
	c.Legacy.Answer.Writes = compare.WriteSet{{Table: "accounts", Op: compare.OpInsert, New: []compare.Column{
		{Name: "password_hash", Value: "s3cr3t-column"}, {Name: "doc", Value: `{"api_key":"s3cr3t-row"}`},
	}}}
	c.Differences = append(c.Differences,
		reports.Found{Verdict: reports.Mismatch, Difference: compare.Difference{Path: `$.sessions["s3cr3t-member"]`, At: `$.sessions["s3cr3t-member"]`, Kind: compare.KindAdded, New: `{"id":"s3cr3t-member"}`}},
		reports.Found{Verdict: reports.Mismatch, Difference: compare.Difference{Path: "effect:mail:reset?token=s3cr3t-effect", At: "effect:mail:reset?token=s3cr3t-effect", Kind: compare.KindFootprint, Legacy: "1 time"}},
		reports.Found{Verdict: reports.Mismatch, Difference: compare.Difference{Path: `table:accounts.doc["s3cr3t-echo"]`, At: `table:accounts[0].doc["s3cr3t-echo"]`, Kind: compare.KindWrites, Legacy: `"s3cr3t-echo"`, New: `"x"`}},
		reports.Found{Verdict: reports.Mismatch, Difference: compare.Difference{Path: "$.fields[*]", At: "$.fields[1]", Kind: compare.KindAdded, New: `{"name":"password","value":"s3cr3t-pair"}`}},
		reports.Found{Verdict: reports.Mismatch, Difference: compare.Difference{Path: "$.token", At: "$.token.s3cr3t-place", Kind: compare.KindValue, Legacy: `"s3cr3t-place"`, New: `"y"`}},
		reports.Found{Verdict: reports.Mismatch, Difference: compare.Difference{Path: "body", At: "body", Kind: compare.KindBody, Legacy: "4 bytes, sha256 " + pinDigest, New: "5 bytes, sha256 " + pinDigest}},
	)
	c.Legacy.Answer.Digest = sha256.Sum256([]byte("1234"))
	c.Request.Header["X-Session-Token"] = []string{"s3cr3t-member"}
	c.Forgiven = []compare.Forgiven{{Path: "$.items[*].token", At: "$.items[0].token", Kind: compare.KindValue, Reason: "rule", Legacy: `"s3cr3t-forgiven"`, New: `"x"`, Count: 1}}
	return c
}

func TestNoSecretIsStoredOrShown(t *testing.T) {
	dir := t.TempDir()
	db := openStore(t, dir)
	r := openReports(t, db, reports.Config{Key: []byte("key")})
	r.Record(secretive("a"))
	binary := secretive("b")
	binary.New.Answer.Header = http.Header{"Content-Type": {"application/x-msgpack"}}
	binary.New.Answer.Body = []byte("\x81\xa8password\xads3cr3t-binary")
	binary.New.Answer.Size = int64(len(binary.New.Answer.Body))
	r.Record(binary)
	failed := secretive("c")
	failed.Verdict = reports.Error
	r.Record(failed)
	flush(t, r)
	noSecretIn(t, "the data folder while it is open", folder(t, dir))

	report := render.Report{At: time.Now(), Routes: r.Live(), Groups: differences(t, r, reports.Filter{})}
	var shown bytes.Buffer
	for _, err := range []error{
		render.Table(&shown, report, true), render.Markdown(&shown, report), render.HTML(&shown, report), render.JSON(&shown, report),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"a", "b", "c"} {
		c, err := r.Comparison(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(b)
		if err := render.Comparison(&shown, c, render.Screen{}); err != nil {
			t.Fatal(err)
		}
	}
	noSecretIn(t, "what is shown", shown.Bytes())
	if n := bytes.Count(shown.Bytes(), []byte("[redacted:")); n < len(planted) {
		t.Errorf("%d fingerprints are shown: were the secrets stored at all?\n%s", n, shown.Bytes())
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	noSecretIn(t, "the data folder after it was closed", folder(t, dir))
}

func noSecretIn(t *testing.T, where string, b []byte) {
	t.Helper()
	for _, secret := range append(planted, pinDigest) {
		for _, form := range []string{secret, strings.ReplaceAll(secret, " ", ""), strings.ReplaceAll(secret, " ", "%20")} {
			if i := bytes.Index(b, []byte(form)); i >= 0 {
				t.Errorf("%q is in %s: …%s…", form, where, b[max(0, i-80):min(len(b), i+80)])
			}
		}
	}
}

// folder are the bytes of all files of a folder. What is packed in them is
// looked at through Comparison.
func folder(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		return err
	})
	if err != nil || len(all) < 4096 {
		t.Fatalf("read the data folder: %d bytes, %v", len(all), err)
	}
	return all
}

func TestEqualSecretsCanBeToldFromDifferent(t *testing.T) {
	r := fresh(t, reports.Config{Key: []byte("key")})
	c := differing(1, "$.token", compare.KindValue, reports.Mismatch)
	c.Differences[0].Legacy, c.Differences[0].New = `"one one"`, `"two two"`
	c.Legacy.Answer.Body, c.New.Answer.Body = []byte(`{"token":"one one"}`), []byte(`{"token":"two two"}`)
	c.Legacy.Answer.Size, c.New.Answer.Size = 19, 19
	r.Record(c)
	got, err := r.Comparison(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	d := got.Differences[0]
	if d.Legacy == d.New || string(got.Legacy.Answer.Body) != `{"token":`+d.Legacy+`}` || string(got.New.Answer.Body) != `{"token":`+d.New+`}` {
		t.Errorf("differences %s, %s; bodies %s, %s", d.Legacy, d.New, got.Legacy.Answer.Body, got.New.Answer.Body)
	}
}

func TestLongAndPartialBodies(t *testing.T) {
	r := fresh(t, reports.Config{Key: []byte("key")})
	c := differing(1, "$.a", compare.KindValue, reports.Mismatch)
	c.Legacy.Answer.Header = http.Header{"Content-Type": {"text/plain"}}
	c.Legacy.Answer.Body = []byte(strings.Repeat("é", 100_000) + " password=hunter2hunter2")
	c.Legacy.Answer.Size = int64(len(c.Legacy.Answer.Body))
	c.New.Answer.Body, c.New.Answer.Size, c.New.Answer.Digest = nil, 5<<20, [32]byte{1, 2, 3}
	r.Record(c)
	got, err := r.Comparison(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if l := got.Legacy; len(l.Answer.Body) != 131072 || l.Answer.Size != 200_024 || l.BodyNote != "cut to its first 131072 bytes of 200029" {
		t.Errorf("legacy: %d bytes kept of %d, note %q", len(l.Answer.Body), l.Answer.Size, l.BodyNote)
	}
	if n := got.New; n.Answer.Body != nil || n.Answer.Size != 5<<20 || n.BodyNote != "not kept: too large" || n.Answer.Digest == [32]byte{} || n.Answer.Digest == [32]byte{1, 2, 3} {
		t.Errorf("new: %d bytes kept, note %q, digest %x", len(n.Answer.Body), n.BodyNote, n.Answer.Digest)
	}
}
