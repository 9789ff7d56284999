package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/quackproxy/quack/internal/golden"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/internal/sample"
	"github.com/quackproxy/quack/reports/render"
)

// example is a report with every kind of line, and values that mean something
// to terminals, Markdown and HTML.
func example() render.Report {
	group := func(route, path, kind, verdict, reason string, count int64, id, legacy, new string) reports.Group {
		g := reports.Group{Route: route, Path: path, Kind: kind, Verdict: verdict, Reason: reason, Count: count, FirstSeen: sample.Noon, LastSeen: sample.Noon.Add(time.Hour)}
		g.ID, g.Share, g.Weight = "mz4xj2k7aaaaaaaa", float64(count)/12_345, 1
		if id != "" {
			g.Samples = []reports.Sample{{ID: "oldest", At: sample.Noon, Place: path, Legacy: "older", New: "older"}, {ID: id, At: sample.Noon.Add(time.Hour), Place: path, Legacy: legacy, New: new}}
		}
		return g
	}
	price := group("accounts.show", "$.items[*].price", "value", "mismatch", "", 11, "01JBX7", `"10.00"`, `"10.01"`)
	price.New, price.Recent[20], price.Recent[22], price.Recent[23] = true, 1, 8, 2
	text := group("accounts.show", "$.text", "value", "mismatch", "", 1, "01JBX9", `"`+strings.Repeat("long ", 60)+`"`, `"short"`)
	text.Weight = 12.4
	text.Known = &reports.Known{At: sample.Noon, By: "ada", Why: "it is cut in v2"}
	return render.Report{
		At: sample.Noon.Add(2 * time.Hour),
		Routes: []reports.RouteReport{
			{Name: "(default)", Stage: "legacy", Served: 1_234_567, Skipped: map[string]int64{}, MismatchUpper: 1},
			{Name: "accounts.create", Stage: "shadow", Served: 41, Skipped: map[string]int64{"no-proof": 41}, Dropped: 0, MismatchUpper: 1,
				Leak: "a request was answered without an acknowledgement by \"accounts\" (http://127.0.0.1:4000)"},
			{Name: "accounts.show", Stage: "ramp", Percent: 25, Served: 12_400, Compared: 12_345, Matched: 12_321, Mismatched: 12, Transient: 9, Noise: 3,
				Forgiven: 24_690, Errors: 2, Skipped: map[string]int64{"budget": 3, "not-modified": 31, "timeout": 3, "unreachable": 1, "body-size": 1}, Dropped: 4,
				MismatchUpper: 0.00158, Legacy: reports.Latency{P50: 12.34, P99: 187.2}, New: reports.Latency{P50: 9.876, P99: 90.1},
				Statuses: []reports.StatusPair{{Legacy: 200, New: 200, Count: 12_300}, {Legacy: 404, New: 404, Count: 33}, {Legacy: 404, New: 200, Count: 10}, {Legacy: 200, New: 500, Count: 2}},
				First:    map[string]int64{"legacy": 12_000, "new": 345}, Ratio: reports.Quantiles{P50: 0.82, P99: 156.25}, TimedOut: 6,
				WritesCompared: map[string]int64{reports.WritesDecoded: 7},
				Readiness:      reports.Readiness{Says: "3 differences are open, and 2,947 more comparisons without a mismatch show that at most 0.1 % mismatch; query:<b>\x1b[31m was never compared"}},
			{Name: "accounts.list", Stage: "verify", Served: 9_000, Compared: 8_000, Matched: 8_000, MismatchUpper: 0.000374, Statuses: []reports.StatusPair{{Legacy: 200, New: 200, Count: 8_000}},
				Readiness: reports.Readiness{Ready: true, Says: "at most 0.038 % of the requests mismatch"}},
			{Name: "a.very.long.name.of.a.route.that.does.not.fit.in.its.column", Stage: "verify", Served: 3, Compared: 3, Matched: 3, Skipped: map[string]int64{"fallback": 2, "unsupported": 3},
				Unsupported:   map[string]int64{"too-many-statements": 2, "copy": 1},
				Fallbacks:     map[string]int64{"unreachable": 2, "lost": 1},
				MismatchUpper: 0.6316, Legacy: reports.Latency{P50: 0.05, P99: 0.06}, New: reports.Latency{P50: 1.5, P99: 1.6}},
		},
		Groups: []reports.Group{
			price,
			group("accounts.show", "$.bio", "missing", "mismatch", "", 1, "01JBX8", "\"\x1b[31m|<script>alert(1)</script> `x` _y_\u202e\"", ""),
			text,
			group("accounts.show", "$.seen", "value", "noise", "", 3, "01JBXA", "1", "2"),
			group("accounts.show", "header:ETag", "header", "transient", "", 9, "", "", ""),
			group("accounts.show", "$.created_at", "value", "forgiven", "timestamp", 12_345, "01JBXB", `"2026-11-01T12:00:00.1Z"`, `"2026-11-01T12:00:00.2Z"`),
			group("accounts.show", "$.debug", "added", "forgiven", "rule $.debug: ignore | not in v2", 12_345, "01JBXC", "", `{"a":1}`),
		},
		Series: map[string][]reports.Point{"accounts.show": series()},
		Stale: reports.Attention([]reports.RuleUse{
			{Route: "accounts.show", Rule: "$.old ignore", Owner: "payments", Until: "2026-10-31", Why: "not in v2 | <b>", At: "routes.yaml:12:9", Forgiven: 3, Compared: 12_345, State: reports.RuleOverdue},
			{Route: "accounts.show", Rule: "$.gone ignore", At: "routes.yaml:4:9", Compared: 12_345, State: reports.RuleUnused},
			{Route: "accounts.create", Rule: "$.gone ignore", At: "routes.yaml:4:9", State: reports.RuleUntried},
			{Route: "accounts.show", Rule: "$.one ignore", At: "routes.yaml:5:9", Compared: 12_345, State: reports.RuleUnused},
			{Route: "accounts.create", Rule: "$.one ignore", At: "routes.yaml:5:9", Compared: 1, Forgiven: 1, State: reports.RuleInUse},
			{Route: "accounts.show", Rule: "$.new ignore", At: "routes.yaml:6:9", State: reports.RuleUntried},
		}),
	}
}

// series is two hours in which a route was compared but for one step, and
// differed in the end.
func series() []reports.Point {
	var points []reports.Point
	for i := range 12 {
		p := reports.Point{Start: sample.Noon.Add(time.Duration(i) * 10 * time.Minute), Seconds: 600, Served: 1_033, Compared: 1_030, Matched: 1_030,
			Legacy: reports.Latency{P50: 12, P99: 180}, New: reports.Latency{P50: 9 + float64(i), P99: 90}}
		switch {
		case i == 5:
			p = reports.Point{Start: p.Start, Seconds: 600}
		case i > 8:
			p.Mismatched, p.Transient, p.Noise = 4, 3, 1
			p.Matched -= 8
		}
		points = append(points, p)
	}
	return points
}

func TestWriteTable(t *testing.T) {
	var plain, colored bytes.Buffer
	if err := render.Table(&plain, example(), false); err != nil {
		t.Fatal(err)
	}
	if err := render.Table(&colored, example(), true); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "report.txt", plain.Bytes())
	for line := range strings.Lines(plain.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 && !strings.Contains(line, "LEAK") {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if strings.Contains(plain.String(), "\x1b") || strings.Contains(plain.String(), "\u202e") {
		t.Error("escape sequences without colour being asked for")
	}
	if !strings.Contains(colored.String(), "\x1b[31m        12\x1b[0m") || strings.Contains(colored.String(), "\x1b[31m|") {
		t.Error("colour is missing, or comes from the evidence")
	}
	var empty bytes.Buffer
	if err := render.Table(&empty, render.Report{At: sample.Noon, Since: sample.Noon.Add(-time.Hour)}, false); err != nil {
		t.Fatal(err)
	}
	want := "Nothing has been compared yet.\nsince 2026-11-01 11:00:00 UTC, up to 2026-11-01 12:00:00 UTC\n"
	if empty.String() != want {
		t.Errorf("an empty report:\n%s", empty.String())
	}
}

func TestWriteMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := render.Markdown(&b, example()); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "report.md", b.Bytes())
	cells := 0
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(line, "|") - strings.Count(line, `\|`)
		if cells == 0 {
			cells = n
		}
		if n != cells {
			t.Errorf("%d cells in a table of %d: %s", n, cells, line)
		}
	}
}

// TestMarkdownCallsNobody: what clients name their parameters stands in a report,
// and a comment on GitHub tells @name, links www.name, https://name and #1 by
// itself, whatever is escaped before them.
func TestMarkdownCallsNobody(t *testing.T) {
	const bait = "the parameters @octocat,www.evil.example,https://evil.example/#1,team@evil.example"
	known := reports.Known{By: "@octocat", Why: bait}
	r := render.Report{
		At: sample.Noon, Since: sample.Noon.Add(-time.Hour), Mark: "v1:@octocat_and_me_", Routes: []reports.RouteReport{{
			Name: "a", Stage: "shadow", Served: 9, Compared: 9, Matched: 9, Leak: bait, Readiness: reports.Readiness{Says: bait, Missing: []string{bait}},
		}},
		Groups: []reports.Group{{Route: "a", Path: "$.@octocat", Kind: "value", Verdict: "mismatch", Count: 1, Known: &known}},
		Runs:   &reports.RunChanges{Before: reports.Run{Span: reports.Span{To: "v1:@octocat"}}},
	}
	var b bytes.Buffer
	if err := render.Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile("`[^`]*`").ReplaceAllString(b.String(), "") // nothing happens in code
	if found := regexp.MustCompile(`@\w|://|www\.|[^&]#\d`).FindAllString(text, -1); found != nil {
		t.Errorf("%q in:\n%s", found, text)
	}
	if !strings.Contains(text, `v1:@&#8203;octocat\_and\_me\_ (`) {
		t.Errorf("the mark has a meaning in Markdown:\n%s", text)
	}
}

// vast is a report of 2,000 routes and 1,000 places that differ, with values as
// long as they are kept.
func vast() render.Report {
	r := render.Report{At: sample.Noon, Series: map[string][]reports.Point{}}
	for i := range 2_000 {
		name := fmt.Sprintf("service.of.some.length.%d", i)
		r.Routes = append(r.Routes, reports.RouteReport{Name: name, Stage: "shadow", Served: 9_999_999, Compared: 9_999_999, Matched: 9_999_000, Mismatched: int64(i % 3),
			Skipped: map[string]int64{"budget": 1_234_567, "timeout": 1_234_567}, Statuses: []reports.StatusPair{{Legacy: 200, New: 500, Count: 1}}, First: map[string]int64{"legacy": 9_999_999}})
		if i < 50 {
			r.Series[name] = series()
		}
		for _, verdict := range []string{"mismatch", "noise", "transient", "forgiven"} {
			if i < 250 {
				r.Groups = append(r.Groups, reports.Group{Route: name, Path: fmt.Sprintf("$.some.place.in.the.answer[*].number%d", i), Kind: "value", Verdict: verdict, Count: 9_999_999, Weight: 2, Recent: [24]int64{1, 2, 3},
					Samples: []reports.Sample{{ID: "01JBX7AAAAAAAAAAAAAAAAAAAA", Legacy: strings.Repeat("|old ", 100), New: strings.Repeat("|new ", 100)}}})
			}
		}
		r.Stale = append(r.Stale, reports.Stale{RuleUse: reports.RuleUse{Rule: "$.some.place ignore", Owner: "payments", Why: "a reason of some length"}, Routes: []string{name}})
	}
	return r
}

// TestMarkdownFitsAComment: GitHub refuses one of more than 65,536 characters.
func TestMarkdownFitsAComment(t *testing.T) {
	var b bytes.Buffer
	if err := render.Markdown(&b, vast()); err != nil {
		t.Fatal(err)
	}
	if n := utf8.RuneCountInString(b.String()); n > 65_536 {
		t.Errorf("%d characters", n)
	}
	for _, want := range []string{"and 1,985 routes more that were compared", "and 240 places more", "and 220 places more", "and 1,970 routes more", "and 1,970 rules more"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if opened, closed := strings.Count(b.String(), "<details>"), strings.Count(b.String(), "</details>"); opened != closed || opened < 5 {
		t.Errorf("%d folds are opened and %d closed", opened, closed)
	}
	long := vast()
	for i := range long.Groups {
		long.Groups[i].Path = strings.Repeat(".longer", 150)
	}
	b.Reset()
	if err := render.Markdown(&b, long); err != nil {
		t.Fatal(err)
	}
	if n := utf8.RuneCountInString(b.String()); n > 65_536 || !strings.Contains(b.String(), "there (250): left out, there is no room") {
		t.Errorf("%d characters, or nothing is said to be left out", n)
	}
}

func TestWriteHTML(t *testing.T) {
	var b bytes.Buffer
	if err := render.HTML(&b, example()); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "report.html", b.Bytes())
	page, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for n := range page.Descendants() {
		switch {
		case n.Type == html.TextNode:
			text.WriteString(n.Data)
		case n.Type == html.ElementNode && (n.Data == "script" || n.Data == "link" || n.Data == "img"):
			t.Errorf("the page has a %s", n.Data)
		case n.Type == html.ElementNode && n.Data == "th":
			scoped := false
			for _, a := range n.Attr {
				scoped = scoped || a.Key == "scope"
			}
			if !scoped {
				t.Error("a heading of a table without a scope")
			}
		}
	}
	if !strings.Contains(text.String(), "<script>alert(1)</script>") {
		t.Error("the planted markup is not there as text")
	}
}

func TestWriteJSON(t *testing.T) {
	var b bytes.Buffer
	if err := render.JSON(&b, example()); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "report.json", b.Bytes())
	b.Reset()
	if err := render.JSON(&b, render.Report{At: sample.Noon}); err != nil {
		t.Fatal(err)
	}
	var empty map[string]any
	if err := json.Unmarshal(b.Bytes(), &empty); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"at": "2026-11-01T12:00:00Z", "routes": []any{}, "differences": []any{}, "stale_rules": []any{}}, empty); diff != "" {
		t.Error(diff)
	}
}

func TestWriteComparison(t *testing.T) {
	var b bytes.Buffer
	if err := render.Comparison(&b, sample.Full(), render.Screen{}); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "comparison.txt", b.Bytes())
	if strings.ContainsAny(b.String(), "\x1b\a") {
		t.Error("the evidence reaches the terminal as escape sequences")
	}
	match := sample.Comparison(1)
	match.Live = ""
	broken := sample.Comparison(2)
	broken.Verdict, broken.Err, broken.New.Answer.Incomplete = reports.Error, "new's answer broke off: EOF", "EOF"
	b.Reset()
	for _, c := range []*reports.Comparison{&match, &broken} {
		if err := render.Comparison(&b, c, render.Screen{Color: true}); err != nil {
			t.Fatal(err)
		}
	}
	golden.Check(t, "comparisons_in_colour.txt", b.Bytes())
}

// TestWritersPassErrorsOn: a full disk is no success.
func TestWritersPassErrorsOn(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"table":      func(w io.Writer) error { return render.Table(w, example(), false) },
		"markdown":   func(w io.Writer) error { return render.Markdown(w, example()) },
		"html":       func(w io.Writer) error { return render.HTML(w, example()) },
		"json":       func(w io.Writer) error { return render.JSON(w, example()) },
		"csv":        func(w io.Writer) error { return render.CSV(w, example()) },
		"junit":      func(w io.Writer) error { return render.JUnit(w, example(), 0) },
		"comparison": func(w io.Writer) error { return render.Comparison(w, sample.Full(), render.Screen{}) },
	} {
		if err := write(fullDisk{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestForgivenOnSeveralRoutesIsOneLine: the Date field of every route would
// drown what is worth a look.
func TestForgivenOnSeveralRoutesIsOneLine(t *testing.T) {
	date := reports.Group{Path: "header:Date", Kind: "header", Verdict: reports.VerdictForgiven, Reason: "volatile header", Count: 2}
	rule := reports.Group{Route: "a", Path: "$.id", Kind: "value", Verdict: reports.VerdictForgiven, Reason: "rule $.id same account", Count: 9}
	other := date
	date.Route, other.Route, other.Count = "a", "b", 3
	var out strings.Builder
	if err := render.Table(&out, render.Report{Groups: []reports.Group{rule, date, other}}, false); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(out.String(), "\nForgiven\n")
	want := "        9  value      $.id  a · rule $.id same account\n        5  header     header:Date  2 routes · volatile header\n"
	if got != want {
		t.Errorf("forgiven:\n%s\nwant:\n%s", got, want)
	}
}

func TestTableSaysWhatIsMissingWhereNothingWasCompared(t *testing.T) {
	t.Parallel()
	const says = "nothing is compared at stage legacy, set it to shadow"
	r := render.Report{At: sample.Noon, Routes: []reports.RouteReport{{Name: "a", Stage: "legacy", Served: 3, MismatchUpper: 1, Readiness: reports.Readiness{Says: says}}}}
	var b bytes.Buffer
	if err := render.Table(&b, r, false); err != nil || !strings.Contains(b.String(), "\n  "+says+"\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
