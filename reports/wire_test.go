package reports_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/golden"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/internal/sample"
	"github.com/quackproxy/quack/reports/render"
)

func TestJSONFormOfAComparison(t *testing.T) {
	c := sample.Full()
	c.Legacy.Answer.Body = []byte("caf\xe9")
	c.Legacy.Answer.Digest = [32]byte{0xab}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "comparison.json", append(b, '\n'))
	byValue, err := json.MarshalIndent(*c, "", "  ")
	if err != nil || string(byValue) != string(b) {
		t.Errorf("a value has another form than a pointer: %v", err)
	}
	for reason, doc := range map[string]string{
		"is no digest":     `{"legacy":{"body_digest":"xyz"}}`,
		"illegal base64":   `{"new":{"body":"*","body_base64":true}}`,
		"body of the":      `{"request":{"body":"*","body_base64":true}}`,
		"cannot unmarshal": `{"request":7}`,
		"unexpected end":   `{`,
	} {
		if err := json.Unmarshal([]byte(doc), &reports.Comparison{}); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want %q", doc, err, reason)
		}
	}
}

func TestComparisonRoundTrip(t *testing.T) {
	text := rapid.StringMatching(`[ -~é]{0,12}`)
	header := rapid.Custom(func(t *rapid.T) http.Header {
		return http.Header(rapid.MapOfN(rapid.StringMatching(`[A-Z][a-z]{1,5}`), rapid.SliceOfN(text, 1, 2), 0, 3).Draw(t, "header"))
	})
	body := rapid.Custom(func(t *rapid.T) []byte {
		return rapid.SampledFrom([][]byte{nil, {}, []byte("text"), []byte("\xff\x00"), []byte(`{"a":"<&>\u2028"}`)}).Draw(t, "body")
	})
	side := rapid.Custom(func(t *rapid.T) reports.Side {
		return reports.Side{
			Backend: text.Draw(t, "backend"), URL: text.Draw(t, "url"), Latency: time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "latency")), BodyNote: text.Draw(t, "note"),
			Answer: compare.Exchange{
				Status: rapid.IntRange(0, 599).Draw(t, "status"), Header: header.Draw(t, "header"), Trailer: rapid.SampledFrom([]http.Header{nil, {"A": {"b"}}}).Draw(t, "trailer"),
				Body: body.Draw(t, "body"), Size: rapid.Int64Range(0, 1<<40).Draw(t, "size"), Incomplete: text.Draw(t, "incomplete"),
				Digest:    rapid.SampledFrom([][32]byte{{}, {1, 2}}).Draw(t, "digest"),
				Footprint: rapid.SampledFrom([]compare.Footprint{nil, {}, {{Table: "a.b", Inserted: 1, Updated: 2, Deleted: 3}}}).Draw(t, "footprint"),
				Effects:   rapid.SampledFrom([]compare.Effects{nil, {{Name: "mail:a.b", Count: 2}}}).Draw(t, "effects"),
			},
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		c := reports.Comparison{
			ID: text.Draw(t, "id"), At: time.Unix(0, rapid.Int64Range(0, 1<<61).Draw(t, "at")).UTC(), Route: text.Draw(t, "route"), Stage: "ramp", Live: "new", First: "legacy",
			Verdict: reports.Mismatch, Unsteady: rapid.Bool().Draw(t, "unsteady"), Suspect: rapid.Bool().Draw(t, "suspect"), Unverified: rapid.Bool().Draw(t, "unverified"), Rechecked: rapid.IntRange(0, 5).Draw(t, "rechecked"), Err: text.Draw(t, "err"), Writes: text.Draw(t, "writes"),
			Request: reports.Request{Method: "GET", Target: text.Draw(t, "target"), Host: "h", Header: header.Draw(t, "header"), Body: body.Draw(t, "body"), BodySize: 7, BodyNote: text.Draw(t, "note")},
			Legacy:  side.Draw(t, "legacy"), New: side.Draw(t, "new"),
		}
		if rapid.Bool().Draw(t, "differs") {
			c.Differences = []reports.Found{{Verdict: reports.Noise, Difference: compare.Difference{Path: "$.a", At: "$.a", Kind: compare.KindValue, Legacy: text.Draw(t, "l"), New: text.Draw(t, "n"), Weight: 0.25}}}
			c.Forgiven = []compare.Forgiven{{Path: "$.b", At: "$.b", Kind: compare.KindType, Reason: "rule", Rule: 3, Legacy: "1", New: "2", Count: 9}}
		}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back reports.Comparison
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, back); diff != "" {
			t.Fatalf("%s\n%s", diff, b)
		}
	})
}

func FuzzUnmarshalComparison(f *testing.F) {
	f.Add([]byte(`{"id":"a","legacy":{"body":"x","footprint":[]},"new":{"body_digest":"00"},"request":{"body":"AA==","body_base64":true}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var c reports.Comparison
		if json.Unmarshal(doc, &c) != nil {
			return
		}
		b, err := json.Marshal(c)
		if err != nil {
			if !strings.Contains(err.Error(), "year outside of range") {
				t.Fatal(err)
			}
			return
		}
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatalf("what was written does not read: %v\n%s", err, b)
		}
		if err := render.Comparison(nowhere{}, &c, render.Screen{Color: true}); err != nil {
			t.Fatal(err)
		}
	})
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
