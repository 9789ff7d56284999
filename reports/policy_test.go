package reports_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/redact"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/export"
	"github.com/quackproxy/quack/reports/render"
)

// ownSecrets are secrets by a policy alone.
var ownSecrets = []string{"bob77-the-nick", "ACME-123456", "daisy@example.org", "ACME-654321"}

// ownSecretive has them in every channel.
func ownSecretive(id string) reports.Comparison {
	c := comparison(1)
	c.ID, c.Verdict = id, reports.Mismatch
	c.Request = reports.Request{
		Method: "POST", Target: "/u/bob77-the-nick?nick=bob77-the-nick&ref=ACME%2D123456&to=daisy%40example.org&ACME-123456=1", Host: "acme-123456.example",
		Header: http.Header{"Nick": {"bob77-the-nick"}, "X-Ref": {"ACME-123456"}, "Content-Type": {"application/x-www-form-urlencoded"}, "From": {"daisy@example.org"}},
		Body:   []byte("nick=bob77-the-nick&ref=ACME-123456&to=daisy%40example.org"),
	}
	c.Request.BodySize = int64(len(c.Request.Body))
	c.Legacy.URL, c.New.URL = "http://127.0.0.1:3000"+c.Request.Target, "http://127.0.0.1:4000/v2"+c.Request.Target
	body := `{"nick":"bob77-the-nick","note":"by bob77-the-nick, ACME-123456, daisy@example.org","ACME-123456":{"a":1}}`
	c.Legacy.Answer.Body, c.Legacy.Answer.Size = []byte(body), int64(len(body))
	c.Legacy.Answer.Writes = compare.WriteSet{{Table: "people", Op: compare.OpInsert, New: []compare.Column{
		{Name: "nick", Value: "bob77-the-nick"}, {Name: "ref", Value: "ACME-123456"}, {Name: "mail", Value: "daisy@example.org"},
	}}}
	c.Legacy.Answer.Effects = compare.Effects{{Name: "mail:to daisy@example.org", Count: 1}}
	c.Err = "post for ACME-123456: nick=bob77-the-nick, daisy@example.org"
	c.Differences = []reports.Found{
		{Verdict: reports.Mismatch, Difference: compare.Difference{Path: "$.nick", At: "$.nick", Kind: compare.KindValue, Legacy: `"bob77-the-nick"`, New: `"ACME-654321"`}},
		{Verdict: reports.Mismatch, Difference: compare.Difference{Path: `$["ACME-123456"].a`, At: `$["ACME-123456"].a`, Kind: compare.KindValue, Legacy: `"to daisy@example.org"`, New: `1`}},
		{Verdict: reports.Mismatch, Difference: compare.Difference{Path: "table:people", At: "table:people[0]", Kind: compare.KindWrites, Legacy: `insert {"nick":"bob77-the-nick","ref":"ACME-123456"}`}},
	}
	return c
}

// underAPolicy are reports whose route has the policy that is stored in p.
func underAPolicy(p *atomic.Pointer[redact.Policy]) reports.Config {
	return reports.Config{Key: []byte("key"), Redaction: func(string) *redact.Policy { return p.Load() }}
}

func ownPolicy(t *testing.T) *redact.Policy {
	t.Helper()
	p, err := redact.NewPolicy(true, []string{"nick"}, []string{`(?i)ACME-\d{6}`})
	if err != nil {
		t.Fatal(err)
	}
	return p.AtPaths("/u/{nick}", "/v2/u/{nick}")
}

// everything is all that readers get of the evidence.
func everything(t *testing.T, r *reports.Reports, id string) []byte {
	t.Helper()
	var shown bytes.Buffer
	groups := differences(t, r, reports.Filter{})
	report := render.Report{At: noon, Routes: r.Live(), Groups: groups}
	c, err := r.Comparison(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := r.Comparisons(t.Context(), reports.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range append(list, *c) {
		b, err := append(list, *c)[i].MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(b)
	}
	for _, err := range []error{
		render.Table(&shown, report, true), render.Markdown(&shown, report), render.HTML(&shown, report), render.JSON(&shown, report),
		render.Comparison(&shown, c, render.Screen{}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	shown.Write(whatIsMissing(t, r))
	shown.WriteString(export.Curl(c, &c.Legacy) + export.Curl(c, &c.New))
	return shown.Bytes()
}

// whatIsMissing are the readers that say what to do next: facets of requests,
// differences that nobody knows, and what has changed since the mark "start-of-it".
func whatIsMissing(t *testing.T, r *reports.Reports) []byte {
	t.Helper()
	facets := r.Coverage("")
	if len(facets) == 0 {
		t.Fatalf("coverage: %+v", facets)
	}
	unknown, err := r.Unknown(t.Context(), reports.Filter{})
	if err != nil || len(unknown) == 0 {
		t.Fatalf("unknown differences: %+v, %v", unknown, err)
	}
	changes, err := r.Compare(t.Context(), reports.Span{}, reports.Span{From: "start-of-it"})
	if err != nil || len(changes.Regressions) == 0 {
		t.Fatalf("runs: %+v, %v", changes, err)
	}
	b, err := json.Marshal([]any{facets, unknown, changes})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func markStart(t *testing.T, r *reports.Reports) {
	t.Helper()
	if _, err := r.Mark(t.Context(), reports.Mark{Name: "start-of-it", By: "test"}); err != nil {
		t.Fatal(err)
	}
}

func wantNone(t *testing.T, where string, b []byte) {
	t.Helper()
	for _, secret := range ownSecrets {
		if i := bytes.Index(bytes.ToLower(b), []byte(strings.ToLower(secret))); i >= 0 {
			t.Errorf("%q is in %s: …%s…", secret, where, b[max(0, i-80):min(len(b), i+80)])
		}
	}
}

func TestEvidenceUnderAPolicy(t *testing.T) {
	var p atomic.Pointer[redact.Policy]
	p.Store(ownPolicy(t))
	dir := t.TempDir()
	r := openReports(t, openStore(t, dir), underAPolicy(&p))
	markStart(t, r)
	r.Record(ownSecretive("a"))
	flush(t, r)
	wantNone(t, "the data folder", folder(t, dir))
	shown := everything(t, r, "a")
	wantNone(t, "what is shown", shown)
	if n := bytes.Count(shown, []byte("[redacted:")); n < 40 {
		t.Errorf("%d fingerprints are shown: were the secrets there at all?\n%s", n, shown)
	}
}

// TestStoredEvidenceIsReadUnderThePolicyInForce: what was stored before there was
// a policy is not shown under it, and can still be found by its path.
func TestStoredEvidenceIsReadUnderThePolicyInForce(t *testing.T) {
	var p atomic.Pointer[redact.Policy]
	r := openReports(t, openStore(t, t.TempDir()), underAPolicy(&p))
	markStart(t, r)
	r.Record(ownSecretive("a"))
	calibrating := r.Calibrating(reports.Calibration{Route: "show"})
	calibrated := ownSecretive("b")
	calibrated.Differences = nil
	calibrating.Compared(calibrated, compare.Result{Differences: []compare.Difference{ownSecretive("b").Differences[1].Difference}})
	if err := r.KeepCalibration(t.Context(), calibrating.Now()); err != nil {
		t.Fatal(err)
	}
	flush(t, r)
	if before := everything(t, r, "a"); !bytes.Contains(before, []byte("ACME-123456")) || !bytes.Contains(before, []byte("daisy@example.org")) {
		t.Fatalf("nothing was planted: %s", before)
	}
	p.Store(ownPolicy(t))
	shown := everything(t, r, "a")
	for _, c := range []func() (reports.Calibration, error){
		func() (reports.Calibration, error) { return r.Calibration(t.Context(), "show") },
		func() (reports.Calibration, error) { return calibrating.Now(), nil },
	} {
		got, err := c()
		if err != nil || len(got.Places) != 1 || len(got.Places[0].Samples) != 1 {
			t.Fatalf("calibration %+v, %v", got, err)
		}
		s := got.Places[0].Samples[0]
		shown = append(shown, got.Places[0].Path+s.Place+s.Legacy+s.New...)
	}
	wantNone(t, "what is shown under the policy", shown)
	for _, g := range differences(t, r, reports.Filter{}) {
		found := differences(t, r, reports.Filter{Path: g.Path})
		list, _, err := r.Comparisons(t.Context(), reports.Filter{Path: g.Path})
		if len(found) != 1 || found[0].Path != g.Path || len(found[0].Samples) != 1 || err != nil || len(list) != 1 {
			t.Errorf("by its path %q are found %+v and %d comparisons, %v", g.Path, found, len(list), err)
		}
	}
	again := ownSecretive("later") // stored under the policy, beside what is not
	r.Record(again)
	shownAs := ownPolicyPath(t, r)
	if found := differences(t, r, reports.Filter{Path: shownAs}); len(found) != 2 || found[0].Path != shownAs || found[1].Path != shownAs {
		t.Errorf("by %q are found %+v", shownAs, found)
	}
	if list, _, err := r.Comparisons(t.Context(), reports.Filter{Path: shownAs, Kind: string(compare.KindValue)}); err != nil || len(list) != 2 {
		t.Errorf("by %q are found %d comparisons, %v", shownAs, len(list), err)
	}
	got, err := r.Comparison(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if got.Legacy.Answer.Body == nil || got.Legacy.BodyNote != "" || got.Request.Body == nil || got.Legacy.Answer.Writes == nil {
		t.Errorf("reading has taken away more than the secrets: %+v", got)
	}
	p.Store(nil)
	if back := everything(t, r, "a"); !bytes.Contains(back, []byte("ACME-123456")) {
		t.Error("what is stored has changed")
	}
}

// ownPolicyPath is a path that has a secret in it, as it is shown.
func ownPolicyPath(t *testing.T, r *reports.Reports) string {
	t.Helper()
	for _, g := range differences(t, r, reports.Filter{}) {
		if redact.IsRedacted(g.Path) {
			return g.Path
		}
	}
	t.Fatal("no path is redacted")
	return ""
}

// TestStoredBodiesUnderAPolicy: bodies that were packed, cut or left out are read
// as what they have become.
func TestStoredBodiesUnderAPolicy(t *testing.T) {
	var p atomic.Pointer[redact.Policy]
	r := openReports(t, openStore(t, t.TempDir()), underAPolicy(&p))
	c := secretive("a")
	c.Legacy.Answer.Header = http.Header{"Content-Type": {"multipart/form-data; boundary=B"}}
	c.Legacy.Answer.Body = []byte("--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nACME-123456 " + strings.Repeat("x", 200_000) + "\r\n--B--\r\n")
	c.Legacy.Answer.Size = int64(len(c.Legacy.Answer.Body))
	r.Record(c)
	before, err := r.Comparison(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	p.Store(ownPolicy(t))
	got, err := r.Comparison(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if string(got.New.Answer.Body) != string(before.New.Answer.Body) || got.New.BodyNote != "decompressed from gzip" || got.Legacy.Answer.Digest != before.Legacy.Answer.Digest {
		t.Errorf("new: %s, note %q, digests %x and %x", got.New.Answer.Body, got.New.BodyNote, got.Legacy.Answer.Digest, before.Legacy.Answer.Digest)
	}
	if l := got.Legacy; len(l.Answer.Body) < 100_000 || l.BodyNote != before.Legacy.BodyNote || bytes.Contains(l.Answer.Body, []byte("ACME-1")) {
		t.Errorf("legacy: %d bytes, note %q: %.100s", len(l.Answer.Body), l.BodyNote, l.Answer.Body)
	}
}
