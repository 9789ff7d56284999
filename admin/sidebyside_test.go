package admin

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// zipped is two bodies side by side, one line a row: mark, legacy | new.
func zipped(legacy, new string, full bool, differences []string, forgiven ...string) string {
	var c reports.Comparison
	for _, path := range differences {
		c.Differences = append(c.Differences, reports.Found{Difference: compare.Difference{Path: path}})
	}
	for _, path := range forgiven {
		c.Forgiven = append(c.Forgiven, compare.Forgiven{Path: path})
	}
	v := viewBodies(&compare.Exchange{Body: []byte(legacy), Size: int64(len(legacy))}, &compare.Exchange{Body: []byte(new), Size: int64(len(new))}, placesOf(&c), full)
	var b strings.Builder
	for _, r := range v.Rows {
		if r.Gap > 0 {
			fmt.Fprintf(&b, "… %d\n", r.Gap)
			continue
		}
		fmt.Fprintf(&b, "%-8s %d %s | %d %s\n", r.Became, r.LegacyNo, r.Legacy, r.NewNo, r.New)
	}
	if v.Note != "" {
		fmt.Fprintln(&b, v.Note)
	}
	return b.String()
}

func TestBodiesSideBySide(t *testing.T) {
	for _, c := range []struct {
		reason, legacy, new   string
		differences, forgiven []string
		want                  string
	}{
		{
			"a value that differs and one that was forgiven", `{"id":7,"price":1.10,"at":"2026-01-01T00:00:00Z"}`, `{"id":7,"price":1.1,"at":"2026-01-01T00:00:01Z"}`,
			[]string{"$.price"}, []string{"$.at"}, `
         1 { | 1 {
         2   "id": 7, | 2   "id": 7,
differs  3   "price": 1.10, | 3   "price": 1.1,
forgiven 4   "at": "2026-01-01T00:00:00Z" | 4   "at": "2026-01-01T00:00:01Z"
         5 } | 5 }
`,
		},
		{
			"members in another order stand beside each other, those of one side apart", `{"a":1,"b":{"x":[]}}`, `{"c":null,"a":1}`, nil, nil, `
         1 { | 1 {
         2   "a": 1, | 2   "a": 1
differs  3   "b": { | 0 
differs  4     "x": [] | 0 
differs  5   } | 0 
differs  0  | 3   "c": null,
         6 } | 4 }
`,
		},
		{
			"an element put in front does not shift the others", `[{"n":1},{"n":2}]`, `[{"n":0},{"n":1},{"n":3}]`, []string{"$[*].n"}, nil, `
         1 [ | 1 [
differs  0  | 2   {
differs  0  | 3     "n": 0
differs  0  | 4   },
         2   { | 5   {
         3     "n": 1 | 6     "n": 1
         4   }, | 7   },
         5   { | 8   {
differs  6     "n": 2 | 9     "n": 3
         7   } | 10   }
         8 ] | 11 ]
`,
		},
		{
			"another type", `{"a":{"b":1}}`, `{"a":"b"}`, []string{"$.a"}, nil, `
         1 { | 1 {
differs  2   "a": { | 0 
differs  3     "b": 1 | 0 
differs  4   } | 0 
differs  0  | 2   "a": "b"
         5 } | 3 }
`,
		},
		{
			"a place below a forgiven one is forgiven, a key of a map too", `{"debug":{"x":1},"by_id":{"a-1":{"v":1}}}`, `{"debug":{"x":2},"by_id":{"a-1":{"v":2}}}`,
			nil, []string{"$.debug", "$.by_id.*.v"}, `
         1 { | 1 {
         2   "debug": { | 2   "debug": {
forgiven 3     "x": 1 | 3     "x": 2
         4   }, | 4   },
         5   "by_id": { | 5   "by_id": {
         6     "a-1": { | 6     "a-1": {
forgiven 7       "v": 1 | 7       "v": 2
         8     } | 8     }
         9   } | 9   }
         10 } | 10 }
`,
		},
		{
			"a name that stands twice, numbers with all their digits", `{"a":1,"a":2,"n":12345678901234567890.50}`, `{"a":1,"n":12345678901234567890.50}`, nil, nil, `
         1 { | 1 {
         2   "a": 1, | 2   "a": 1,
differs  3   "a": 2, | 0 
         4   "n": 12345678901234567890.50 | 3   "n": 12345678901234567890.50
         5 } | 4 }
`,
		},
		{"text by lines", "one\ntwo\nthree\n", "one\n2\nthree\n", []string{"body"}, nil, `
         1 one | 1 one
differs  2 two | 2 2
         3 three | 3 three
`},
		{"JSON against text", `{"a":1}`, "oops", []string{"body"}, nil, "\ndiffers  1 {\"a\":1} | 1 oops\n"},
		{"not text", "\xff\xfe", "x", []string{"body"}, nil, "\nNot text: 2 bytes of legacy, 1 bytes of new.\n"},
		{"no body", "", "", nil, nil, "\nBoth answers have no body.\n"},
	} {
		got := "\n" + zipped(c.legacy, c.new, true, c.differences, c.forgiven...)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, d)
		}
	}
}

func TestEqualLinesAreFolded(t *testing.T) {
	line := strings.Repeat("equal\n", 20)
	got := zipped(line+"a\n"+line, line+"b\n"+line, false, nil)
	if strings.Count(got, "equal |") != 6 || strings.Count(got, "… 17\n") != 2 {
		t.Errorf("folded to\n%s", got)
	}
	if got := zipped(line, line, false, nil); strings.Count(got, "equal |") != 20 {
		t.Errorf("equal bodies are shown whole, not as\n%s", got)
	}
}

func TestBodiesThatAreNotKept(t *testing.T) {
	v := viewBodies(&compare.Exchange{Size: 2 << 20}, &compare.Exchange{Size: 5}, placesOf(&reports.Comparison{}), false)
	if v.Rows != nil || v.Note != "The bodies are not kept: 2 MiB of legacy, 5 bytes of new." {
		t.Errorf("%+v", v)
	}
}

// What a page shows of a side, put together again, is that side's body.
func TestSideBySideLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legacy, new := drawJSON(t, 3), drawJSON(t, 3)
		if rapid.Bool().Draw(t, "alike") {
			new = legacy
		}
		l, n := marshal(t, legacy), marshal(t, new)
		v := viewBodies(&compare.Exchange{Body: l}, &compare.Exchange{Body: n}, placesOf(&reports.Comparison{}), true)
		var left, right strings.Builder
		marked := false
		for _, r := range v.Rows {
			left.WriteString(r.Legacy + "\n")
			right.WriteString(r.New + "\n")
			marked = marked || r.Became != ""
		}
		same(t, l, left.String())
		same(t, n, right.String())
		if marked == (string(l) == string(n)) {
			t.Fatalf("marked: %v for %s and %s", marked, l, n)
		}
	})
}

func drawJSON(t *rapid.T, depth int) any {
	kinds := 3
	if depth > 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.StringN(0, 4, -1).Draw(t, "string")
	case 1:
		return rapid.IntRange(0, 3).Draw(t, "number")
	case 2:
		return nil
	case 3:
		list := make([]any, rapid.IntRange(0, 4).Draw(t, "length"))
		for i := range list {
			list[i] = drawJSON(t, depth-1)
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		object[rapid.SampledFrom([]string{"a", "b", "c d", "e'f", ""}).Draw(t, "name")] = drawJSON(t, depth-1)
	}
	return object
}

func marshal(t *rapid.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same compares a body with what is shown of it. Commas stand where its own
// side has them, also where the members stand in legacy's order: they are put
// anew.
func same(t *rapid.T, body []byte, shown string) {
	var want, got any
	if err := json.Unmarshal(body, &want); err != nil {
		t.Fatal(err)
	}
	shown = strings.NewReplacer(",\n", "\n").Replace(shown)
	lines := strings.Split(strings.TrimSpace(shown), "\n")
	if err := json.Unmarshal([]byte(withCommas(lines)), &got); err != nil {
		t.Fatalf("%v in\n%s", err, shown)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("shown is not the body (-body +shown):\n%s", d)
	}
}

// withCommas puts commas between what stands in an object or array.
func withCommas(lines []string) string {
	var b strings.Builder
	opened := true
	for _, line := range lines {
		text := strings.TrimSpace(line)
		if text == "" {
			continue
		}
		closes := text == "}" || text == "]"
		if !opened && !closes {
			b.WriteByte(',')
		}
		b.WriteString(text)
		opened = text[len(text)-1] == '{' || text[len(text)-1] == '['
	}
	return b.String()
}

// Whatever backends answer is shown, or said not to be, in bounded room.
func FuzzBodies(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}]}`, `[[],{},""]`, "text\nlines\n", "\xff", `{"a":1,"a":2}`, strings.Repeat("[", 600) + strings.Repeat("]", 600), `1e400`, ``} {
		f.Add([]byte(s), []byte(`{"a":[1,{"b":2}]}`), "$.a[*].b")
		f.Add([]byte(s), []byte(s), "$.*")
	}
	f.Fuzz(func(t *testing.T, legacy, new []byte, path string) {
		c := reports.Comparison{Forgiven: []compare.Forgiven{{Path: path}}}
		v := viewBodies(&compare.Exchange{Body: legacy, Size: int64(len(legacy))}, &compare.Exchange{Body: new, Size: int64(len(new))}, placesOf(&c), false)
		if len(v.Rows) > maxRows || len(v.Rows) == 0 && v.Note == "" {
			t.Fatalf("%d rows, note %q", len(v.Rows), v.Note)
		}
		for _, r := range v.Rows {
			if r.Legacy != r.New && r.Became == "" && r.Gap == 0 && strings.TrimSuffix(r.Legacy, ",") != strings.TrimSuffix(r.New, ",") {
				t.Fatalf("not marked: %+v", r)
			}
		}
	})
}

// Lines of text are marked as what is known of the body was: only where all of
// it was forgiven are they.
func TestMarksOfTextAndCookies(t *testing.T) {
	c := reports.Comparison{
		Differences: []reports.Found{{Difference: compare.Difference{Path: "cookie:sid"}}},
		Forgiven:    []compare.Forgiven{{Path: "$.html.body.p"}, {Path: "cookie:seen"}},
	}
	c.Legacy.Answer.Header = map[string][]string{"Set-Cookie": {"sid=1; Path=/", "seen=2026", "lang=de"}}
	c.New.Answer.Header = map[string][]string{"Set-Cookie": {"lang=de", "seen=2027", "sid=2; Path=/"}}
	m := placesOf(&c)
	if mark := m.lines(); mark != lineForgiven {
		t.Errorf("the lines are %q", mark)
	}
	m.lookAt("cookie:sid")
	want := []sideRow{
		{Name: "status"},
		{Name: "cookie lang", Legacy: "lang=de", New: "lang=de"},
		{Name: "cookie seen", Legacy: "seen=2026", New: "seen=2027", Became: lineForgiven},
		{Name: "cookie sid", Legacy: "sid=1; Path=/", New: "sid=2; Path=/", Became: lineDiffers, Here: true},
	}
	if diff := cmp.Diff(want, headRows(&c, m)); diff != "" {
		t.Error(diff)
	}
	c.Differences = append(c.Differences, reports.Found{Difference: compare.Difference{Path: "$.html.head.title"}})
	m = placesOf(&c)
	m.lookAt("$.html.head.title")
	if mark := m.lines(); mark != lineDiffers || !m.looksAt("body") {
		t.Errorf("the lines are %q, looked at: %v", mark, m.looksAt("body"))
	}
}

// The place that is looked at is marked beside the others, below a map's key too.
func TestThePlaceThatIsLookedAt(t *testing.T) {
	var c reports.Comparison
	for _, path := range []string{"$.by_id.*.price", "$.name"} {
		c.Differences = append(c.Differences, reports.Found{Difference: compare.Difference{Path: path}})
	}
	m := placesOf(&c)
	m.lookAt("$.by_id.*.price")
	body := func(price, name string) *compare.Exchange {
		return &compare.Exchange{Body: fmt.Appendf(nil, `{"by_id":{"a-1":{"price":%s,"kept":1}},"name":%q}`, price, name)}
	}
	v := sidesView{Body: viewBodies(body("1", "a"), body("2", "b"), m, true)}
	v.first()
	var here, first, differ []string
	for _, r := range v.Body.Rows {
		if r.Here {
			here = append(here, strings.TrimSpace(r.Legacy))
		}
		if r.First {
			first = append(first, strings.TrimSpace(r.Legacy))
		}
		if r.Became != "" {
			differ = append(differ, strings.TrimSpace(r.Legacy))
		}
	}
	want := []string{`"price": 1,`}
	if !cmp.Equal(here, want) || !cmp.Equal(first, want) || len(differ) != 2 {
		t.Errorf("looked at %q, first %q, of %q", here, first, differ)
	}
}

// Under a rule that was tried, a place is forgiven where the rule leaves nothing
// of it, of its kind.
func TestPlacesUnderARule(t *testing.T) {
	price := func(kind compare.Kind) reports.Found {
		return reports.Found{Difference: compare.Difference{Path: "$.price", Kind: kind}}
	}
	tried := &RuleTried{Tried: reports.Tried{Places: []reports.TriedPlace{
		{Route: "r", Path: "$.price", Kind: compare.KindValue, Forgiven: 3},
		{Route: "r", Path: "$.name", Kind: compare.KindValue, Forgiven: 3, Left: 1},
		{Route: "other", Path: "$.price", Kind: compare.KindType, Forgiven: 3},
	}}}
	for _, c := range []struct {
		reason string
		found  []reports.Found
		want   string
	}{
		{"forgiven", []reports.Found{price(compare.KindValue)}, lineForgiven},
		{"another kind", []reports.Found{price(compare.KindMissing)}, lineDiffers},
		{"of another route", []reports.Found{price(compare.KindType)}, lineDiffers},
		{"two kinds", []reports.Found{price(compare.KindMissing), price(compare.KindValue)}, lineDiffers},
	} {
		if got := placesUnder(&reports.Comparison{Route: "r", Differences: c.found}, tried).of("$.price"); got != c.want {
			t.Errorf("%s: %s", c.reason, got)
		}
	}
	name := []reports.Found{{Difference: compare.Difference{Path: "$.name", Kind: compare.KindValue}}}
	if got := placesUnder(&reports.Comparison{Route: "r", Differences: name}, tried).of("$.name"); got != lineDiffers {
		t.Errorf("of which some is left: %s", got)
	}
}
