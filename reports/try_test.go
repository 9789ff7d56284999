package reports_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// jsonAnswer is an answer as it came over the wire.
func jsonAnswer(body string) compare.Exchange {
	return compare.Exchange{
		Status: 200, Body: []byte(body), Size: int64(len(body)),
		Header: http.Header{"Content-Type": {"application/json"}, "Content-Length": {fmt.Sprint(len(body))}},
	}
}

// gzipped is the same answer, content-encoded.
func gzipped(body string) compare.Exchange {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(body))
	w.Close()
	e := jsonAnswer(body)
	e.Body, e.Size = b.Bytes(), int64(b.Len())
	e.Header.Set("Content-Encoding", "gzip")
	e.Header.Set("Content-Length", fmt.Sprint(b.Len()))
	return e
}

// judged records a comparison as the shadow does, with what compare found.
func judged(t *testing.T, r *reports.Reports, id string, legacy, new compare.Exchange, rules *compare.Rules) {
	t.Helper()
	request := &compare.Request{Method: "GET", Target: "/accounts/7"}
	legacy.Request, new.Request = request, request
	result := compare.Exchanges(&legacy, &new, rules)
	c := reports.Comparison{
		ID: id, At: time.Now(), Route: "show", Stage: "shadow", Live: "legacy", First: "legacy", Verdict: reports.Match,
		Request:  reports.Request{Method: "GET", Target: "/accounts/7", Header: http.Header{}},
		Legacy:   reports.Side{Backend: "monolith", URL: "http://127.0.0.1/accounts/7", Answer: legacy},
		New:      reports.Side{Backend: "accounts", URL: "http://127.0.0.1/accounts/7", Answer: new},
		Forgiven: result.Forgiven,
	}
	for _, d := range result.Differences {
		c.Verdict = reports.Mismatch
		c.Differences = append(c.Differences, reports.Found{Difference: d, Verdict: reports.Mismatch})
	}
	if result.Err != nil {
		c.Verdict, c.Err = reports.Error, result.Err.Error()
	}
	r.Record(c)
}

func rulesOf(t *testing.T, rules ...compare.Rule) *compare.Rules {
	t.Helper()
	compiled, errs := compare.Compile(rules)
	if errs != nil {
		t.Fatal(errs)
	}
	return compiled
}

func try(t *testing.T, r *reports.Reports, inForce *compare.Rules, rule compare.Rule) reports.Tried {
	t.Helper()
	with, errs := inForce.And(rule)
	if errs != nil {
		t.Fatal(errs)
	}
	got, err := r.Try(t.Context(), "", map[string]*compare.Rules{"show": inForce}, []map[string]*compare.Rules{{"show": with}})
	if err != nil || len(got) != 1 {
		t.Fatalf("Try: %v, %v", got, err)
	}
	return got[0]
}

// summary is a Tried in a few words.
func summary(t reports.Tried) string {
	var parts []string
	for _, v := range t.Verdicts {
		part := fmt.Sprintf("%s %d:", v.Verdict, v.Stored)
		for _, n := range []struct {
			of   int
			what string
		}{{v.Match, "match"}, {v.Change, "change"}, {v.Stay, "stay"}, {v.Worse, "worse"}, {v.Already, "already"}, {v.CanNotSay, "can not say"}} {
			if n.of > 0 {
				part += fmt.Sprintf(" %d %s", n.of, n.what)
			}
		}
		parts = append(parts, part)
	}
	for _, p := range t.Places {
		parts = append(parts, fmt.Sprintf("%s %s -%d +%d left %d in %d", p.Path, p.Kind, p.Forgiven, p.Added, p.Left, p.Comparisons))
	}
	for _, why := range slices.Sorted(maps.Keys(t.CanNotSay)) {
		parts = append(parts, fmt.Sprintf("%q %d", why, t.CanNotSay[why]))
	}
	return strings.Join(parts, "; ")
}

// scored is an answer of a request that wrote n rows.
func scored(n int, score string) compare.Exchange {
	e := jsonAnswer(`{}`)
	e.Writes = compare.WriteSet{}
	for i := range n {
		e.Writes = append(e.Writes, compare.Change{Table: "a", Op: compare.OpUpdate, New: []compare.Column{
			{Name: "nr", Type: "integer", Value: fmt.Sprint(i), Key: true}, {Name: "score", Type: "numeric", Value: score},
		}})
	}
	return e
}

func TestTry(t *testing.T) {
	type pair struct{ legacy, new compare.Exchange }
	js := func(legacy, new string) pair { return pair{jsonAnswer(legacy), jsonAnswer(new)} }
	score := compare.Rule{Path: "$.score", Tolerance: "0.01"}
	tests := []struct {
		reason  string
		then    *compare.Rules // when they were compared
		inForce *compare.Rules
		rule    compare.Rule
		pairs   []pair
		want    string
	}{
		{"settles one, and not the other", nil, nil, score,
			[]pair{js(`{"score":1.001}`, `{"score":1.002}`), js(`{"score":1.0,"a":1}`, `{"score":2.0,"a":1}`), js(`{"score":1}`, `{"score":1}`)},
			"mismatch 2: 1 match 1 stay; match 1: 1 stay; $.score value -1 +0 left 1 in 1"},
		{"settles one of two places", nil, nil, score,
			[]pair{js(`{"score":1.001,"b":1}`, `{"score":1.002,"b":2}`)},
			"mismatch 1: 1 change; $.score value -1 +0 left 0 in 1"},
		{"forgives nothing", nil, nil, compare.Rule{Path: "$.other", Ignore: true},
			[]pair{js(`{"score":1.001}`, `{"score":1.002}`)},
			"mismatch 1: 1 stay"},
		{"takes away what was forgiven", nil, nil, compare.Rule{Path: "$.at", Within: "1s"},
			[]pair{js(`{"at":"2026-11-01T10:00:00Z"}`, `{"at":"2026-11-01T10:00:09Z"}`)},
			"match 1: 1 worse; $.at value -0 +1 left 0 in 1"},
		{"settled by a rule that has come since", nil, rulesOf(t, score), compare.Rule{Path: "$.other", Ignore: true},
			[]pair{js(`{"score":1.001}`, `{"score":1.002}`)},
			"mismatch 1: 1 already"},
		{"was forgiven by a rule that has gone since", rulesOf(t, score), nil, compare.Rule{Path: "$.score", Tolerance: "1%"},
			[]pair{js(`{"score":1.001}`, `{"score":1.002}`)},
			"match 1: 1 match; $.score value -1 +0 left 0 in 1"},
		{"compressed on both sides", nil, nil, score,
			[]pair{{gzipped(`{"score":1.001,"pad":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`), gzipped(`{"score":1.002,"pad":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`)}},
			"mismatch 1: 1 match; $.score value -1 +0 left 0 in 1"},
		{"compressed on one side", nil, nil, score,
			[]pair{{gzipped(`{"score":1.001}`), jsonAnswer(`{"score":1.002}`)}},
			`mismatch 1: 1 can not say; "what differed does not come out again of what was kept" 1`},
		{"a secret keeps its difference, and the length that it changes says nothing", nil, nil, compare.Rule{Path: "$.token", Same: "session"},
			[]pair{js(`{"token":"hunter2hunter2"}`, `{"token":"swordfish"}`)},
			"mismatch 1: 1 match; $.token value -1 +0 left 0 in 1"},
		{"a secret that is no number any more", nil, nil, compare.Rule{Path: "$.password", Tolerance: "10"},
			[]pair{js(`{"password":123456}`, `{"password":null}`)},
			"mismatch 1: 1 stay"},
		{"binary content", nil, nil, score,
			[]pair{{compare.Exchange{Status: 200, Body: []byte("\x00a"), Size: 2, Header: http.Header{"Content-Type": {"image/png"}}},
				compare.Exchange{Status: 200, Body: []byte("\x00b"), Size: 2, Header: http.Header{"Content-Type": {"image/png"}}}}},
			`mismatch 1: 1 can not say; "a body was cut or not kept" 1`},
		{"cut", nil, nil, score,
			[]pair{js(`{"pad":"`+strings.Repeat("a", 200<<10)+`","score":1.001}`, `{"pad":"`+strings.Repeat("a", 200<<10)+`","score":1.002}`)},
			`mismatch 1: 1 can not say; "a body was cut or not kept" 1`},
		{"broke off", nil, nil, score,
			[]pair{{jsonAnswer(`{}`), compare.Exchange{Status: 200, Incomplete: "reset", Header: http.Header{}}}},
			`error 1: 1 can not say; "it could not be compared" 1`},
		{"a rename that finds one pair and loses another", nil, nil, compare.Rule{Path: "$.a", Rename: "b"},
			[]pair{js(`{"a":1}`, `{"b":1}`), js(`{"a":1,"b":2}`, `{"a":1,"b":2}`)},
			"mismatch 1: 1 match; match 1: 1 stay; $.a missing -1 +0 left 0 in 1; $.b added -1 +0 left 0 in 1"},
		{"a rewrite, which leaves equal links equal", nil, nil, compare.Rule{Path: "$.href", Rewrite: compare.Rewrite{From: "//new/", To: "//old/"}},
			[]pair{js(`{"href":"http://old/1"}`, `{"href":"http://new/1"}`), js(`{"href":"http://new/2"}`, `{"href":"http://new/2"}`)},
			"mismatch 1: 1 match; match 1: 1 stay; $.href value -1 +0 left 0 in 1"},
		{"rows in another order", nil, nil, compare.Rule{Path: "$.tags", Unordered: true},
			[]pair{js(`{"tags":["a","b","c"]}`, `{"tags":["c","b","a"]}`)},
			"mismatch 1: 1 match; $.tags order -1 +0 left 0 in 1"},
		{"a column of a row that was written", nil, nil, compare.Rule{Path: "table:a.score", Tolerance: "1%"},
			[]pair{{scored(1, "1.001"), scored(1, "1.002")}, {scored(1, "5"), scored(1, "7")}},
			"mismatch 2: 1 match 1 stay; table:a.score writes -1 +0 left 1 in 1"},
		{"more rows than are kept", nil, nil, compare.Rule{Path: "table:a.score", Tolerance: "1%"},
			[]pair{{scored(300, "1.001"), scored(300, "1.002")}},
			`mismatch 1: 1 can not say; "the rows that were written were cut" 1`},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			r := fresh(t, reports.Config{})
			for i, p := range tt.pairs {
				judged(t, r, fmt.Sprint(i), p.legacy, p.new, tt.then)
			}
			got := try(t, r, tt.inForce, tt.rule)
			if s := summary(got); s != tt.want {
				t.Errorf("\n%s\nwant\n%s", s, tt.want)
			}
			for _, p := range got.Places {
				if len(p.Samples) == 0 || p.Samples[0].ID == "" {
					t.Errorf("%s has no example", p.Path)
				}
			}
		})
	}
}

// What is tried on another route, or on one that is no longer there, says nothing.
func TestTryKeepsToItsRoutes(t *testing.T) {
	r := fresh(t, reports.Config{})
	judged(t, r, "1", jsonAnswer(`{"a":1}`), jsonAnswer(`{"a":2}`), nil)
	got, err := r.Try(t.Context(), "", map[string]*compare.Rules{"other": nil}, []map[string]*compare.Rules{{"other": nil}})
	if err != nil || got[0].Looked != 0 {
		t.Fatalf("looked at %d, %v; want none", got[0].Looked, err)
	}
}

// Many comparisons are looked at page by page, and each once.
func TestTryLooksAtAll(t *testing.T) {
	r := fresh(t, reports.Config{Queue: 4096})
	for i := range 230 {
		judged(t, r, fmt.Sprint(i), jsonAnswer(fmt.Sprintf(`{"score":%d.001}`, i)), jsonAnswer(fmt.Sprintf(`{"score":%d.002}`, i)), nil)
		if i%50 == 0 {
			flush(t, r)
		}
	}
	kept := len(kept(t, r, reports.Filter{}))
	got := try(t, r, nil, compare.Rule{Path: "$.score", Tolerance: "0.01"})
	if got.Looked != kept || got.Settled() != kept || got.Forgiven != kept || len(got.Places) != 1 || len(got.Places[0].Samples) != 5 {
		t.Fatalf("of %d kept looked at %d, settled %d, forgiven %d, %d places", kept, got.Looked, got.Settled(), got.Forgiven, len(got.Places))
	}
}
