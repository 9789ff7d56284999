package routes

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const matchRoutes = head + `
  - match: GET /accounts/{id}
  - match: GET /accounts/me
  - match: PUT /accounts/{key}
  - match: /accounts/{any}
  - match: "GET /orders/{id:[0-9]+}"
  - match: GET /orders/{slug}
  - match: GET /files/*
  - match: GET /files/{name}/meta
  - match: GET /reports/{year}-{month}.csv
  - match: "GET /kinds/{kind:old|new}"
  - match: HEAD /heads/{id}
  - match: GET /heads/{id}
  - match: PURGE /cache/*
  - match: GET /caf%C3%A9
  - match: GET /a%2Fb
  - match: GET /slash/
  - match: "/api/{tenant}"
    routes:
      - match: GET /
      - match: "GET /items/{item:[a-z]{2}}"
`

func TestMatch(t *testing.T) {
	table := parse(t, matchRoutes)
	for _, c := range []struct {
		method, path string
		want         string // the route's name, "" for the default, with parameters behind it
		reason       string
	}{
		{"GET", "/accounts/7", "GET /accounts/{id} id=7", "a parameter"},
		{"GET", "/accounts/me", "GET /accounts/me", "a literal wins over a parameter"},
		{"PUT", "/accounts/me", "PUT /accounts/{key} key=me", "the literal is for GET alone"},
		{"POST", "/accounts/7", "/accounts/{any} any=7", "any method, behind those with a method"},
		{"BREW", "/accounts/7", "/accounts/{any} any=7", "any method is any token"},
		{"HEAD", "/accounts/7", "GET /accounts/{id} id=7", "HEAD is GET without content, and wins over any method"},
		{"HEAD", "/heads/7", "HEAD /heads/{id} id=7", "unless the pattern has a HEAD route"},
		{"get", "/accounts/7", "/accounts/{any} any=7", "methods are case-sensitive"},
		{"GET", "/Accounts/7", "", "paths are case-sensitive"},
		{"GET", "/accounts", "", "a parameter is not optional"},
		{"GET", "/accounts/", "", "nor empty at the end"},
		{"GET", "/accounts/7/", "", "a trailing slash is literal"},
		{"GET", "//accounts/7", "", "nothing is cleaned"},
		{"GET", "/accounts//7", "", "nothing is cleaned"},
		{"GET", "/x/../accounts/7", "", "nothing is cleaned"},
		{"GET", "/accounts/a%2Fb", "GET /accounts/{id} id=a%2Fb", "an escaped slash separates nothing, and stays escaped"},
		{"GET", "/accounts/7;v=1", "GET /accounts/{id} id=7;v=1", "a semicolon is part of the value"},
		{"GET", "/accounts/%37", "GET /accounts/{id} id=%37", "parameters stay escaped"},
		{"GET", "/accounts/a*b{c}", "GET /accounts/{id} id=a*b{c}", "a path is no pattern"},
		{"GET", "/orders/12", "GET /orders/{id:[0-9]+} id=12", "a regular expression wins over a plain parameter"},
		{"GET", "/orders/12a", "GET /orders/{slug} slug=12a", "it matches as a whole"},
		{"GET", "/kinds/old", "GET /kinds/{kind:old|new} kind=old", "alternatives"},
		{"GET", "/kinds/older", "", "alternatives are anchored as a whole"},
		{"GET", "/kinds/anew", "", "alternatives are anchored as a whole"},
		{"GET", "/files/a/b//c", "GET /files/* *=a/b//c", "the wildcard takes the rest"},
		{"GET", "/files/", "GET /files/* *=", "also when there is none"},
		{"GET", "/files/x/meta", "GET /files/{name}/meta name=x", "a parameter wins over the wildcard"},
		{"GET", "/files/x/y/meta", "GET /files/* *=x/y/meta", "a parameter takes one part"},
		{"GET", "/reports/2026-11.csv", "GET /reports/{year}-{month}.csv year=2026 month=11", "text between parameters"},
		{"PURGE", "/cache/a", "PURGE /cache/* *=a", "a method that chi does not know"},
		{"GET", "/cache/a", "", "and not for others"},
		{"GET", "/caf%C3%A9", "GET /caf%C3%A9", "escapes are compared as they came"},
		{"GET", "/caf%c3%a9", "", "escapes are compared as they came"},
		{"GET", "/a%2Fb", "GET /a%2Fb", "an escaped slash in a pattern"},
		{"GET", "/a/b", "", "is not a slash"},
		{"GET", "/slash/", "GET /slash/", "a trailing slash in a pattern"},
		{"GET", "/slash", "", "is not left out"},
		{"GET", "/api/t1/", "GET /api/{tenant}/ tenant=t1", "a child's slash"},
		{"GET", "/api/t1", "", "a prefix is no route"},
		{"GET", "/api/t1/items/ab", "GET /api/{tenant}/items/{item:[a-z]{2}} tenant=t1 item=ab", "parameters of the prefix; braces in an expression"},
		{"GET", "/api/t1/items/abc", "", "braces in an expression"},
		{"GET", "/api/t1/other", "", "below a prefix and no child"},
		{"OPTIONS", "*", "", "a request for the server"},
		{"GET", "", "", "no path"},
		{"CONNECT", "host:443", "", "no path"},
	} {
		r, params := table.Match(c.method, c.path)
		if got := matched(table, r, params); got != c.want {
			t.Errorf("%s %q: got %q, want %q: %s", c.method, c.path, got, c.want, c.reason)
		}
	}
}

func matched(table *Table, r *Route, p Params) string {
	if r == table.Default() {
		return ""
	}
	words := []string{r.Name}
	for _, name := range r.params {
		words = append(words, name+"="+p.Get(name))
	}
	return strings.Join(words, " ")
}

// chi passes a regular expression over when its part of the path is empty.
func TestRegexpDoesNotTakeNothing(t *testing.T) {
	table := parse(t, head+"  - match: \"GET /a/{id:[0-9]+}/b\"\n  - match: GET /c/{id}/b\n")
	for path, want := range map[string]string{
		"/a/1/b": "GET /a/{id:[0-9]+}/b id=1",
		"/a//b":  "",
		"/c//b":  "GET /c/{id}/b id=",
	} {
		r, p := table.Match("GET", path)
		if got := matched(table, r, p); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// TestMatchIsThatOfTheFile holds the tree against a search through all
// patterns, for patterns of literals and parameters, where the first literal
// that differs from a parameter decides.
func TestMatchIsThatOfTheFile(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b", "ab", "{x}"})
	word := rapid.SampledFrom([]string{"a", "b", "ab", "c", "%2F", ";"})
	rapid.Check(t, func(t *rapid.T) {
		var src strings.Builder
		src.WriteString(head)
		seen, patterns := map[string]bool{}, [][]string{}
		for range rapid.IntRange(1, 12).Draw(t, "routes") {
			parts := rapid.SliceOfN(part, 1, 3).Draw(t, "pattern")
			shape := strings.Join(parts, "/")
			if seen[shape] {
				continue
			}
			seen[shape] = true
			whole := ""
			for i, p := range parts {
				whole += "/" + strings.ReplaceAll(p, "{x}", fmt.Sprintf("{x%d}", i))
			}
			patterns = append(patterns, parts)
			fmt.Fprintf(&src, "  - {name: %q, match: %q}\n", shape, "GET "+whole)
		}
		table, err := Parse("routes.yaml", []byte(src.String()))
		if err != nil {
			t.Fatal(err)
		}
		path := rapid.SliceOfN(word, 1, 3).Draw(t, "path")
		r, _ := table.Match("GET", "/"+strings.Join(path, "/"))
		if want := search(patterns, path); r.Name != want {
			t.Fatalf("/%s: got %q, want %q", strings.Join(path, "/"), r.Name, want)
		}
	})
}

// search is the name of the pattern that takes a path: the one with a literal at
// the first place where those that do differ.
func search(patterns [][]string, path []string) string {
	best := []string(nil)
	for _, p := range patterns {
		if len(p) != len(path) {
			continue
		}
		fits, better := true, best == nil
		for i := range p {
			fits = fits && (p[i] == "{x}" || p[i] == path[i])
			if best != nil && p[i] != best[i] && !better {
				better = best[i] == "{x}"
				if !better {
					break
				}
			}
		}
		if fits && better {
			best = p
		}
	}
	if best == nil {
		return defaultName
	}
	return strings.Join(best, "/")
}

// thousands is a file of n routes of four methods below 20 prefixes.
func thousands(n int) string {
	var b strings.Builder
	b.WriteString(head)
	methods := []string{"GET", "POST", "PUT", "DELETE"}
	for p := range 20 {
		fmt.Fprintf(&b, "  - match: /api/v1/service%d\n    shadow: {sample: 10%%, order: auto}\n    routes:\n", p)
		for i := range n / 20 {
			fmt.Fprintf(&b, "      - name: s%d.r%d\n        match: %s /resource%d/{id}/part\n        stage: shadow\n        sticky: header:X-User-Id\n",
				p, i, methods[i%4], i/4)
			fmt.Fprintf(&b, "        compare: {rules: [{path: $.debug, ignore: true, owner: team, why: noise}]}\n")
		}
	}
	return b.String()
}

func TestMatchAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("sync.Pool forgets under the race detector")
	}
	table := parse(t, thousands(2000))
	for path, want := range map[string]float64{
		"/api/v1/service7/resource11/4711/part": 1, // the values of the parameters
		"/api/v1/service7/none":                 0,
	} {
		got := testing.AllocsPerRun(1000, func() { table.Match("GET", path) })
		if got > want {
			t.Errorf("%s: %v allocations, want at most %v", path, got, want)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	table := parse(b, thousands(2000))
	for name, path := range map[string]string{
		"route":   "/api/v1/service7/resource11/4711/part",
		"default": "/api/v1/service7/resource11/4711/none",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Match("POST", path)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	src := []byte(thousands(2000))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("routes.yaml", src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWithStages(b *testing.B) {
	table := parse(b, thousands(2000))
	set := map[string]StageSetting{"s7.r11": {Stage: StageLegacy}}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := table.WithStages(set); err != nil {
			b.Fatal(err)
		}
	}
}
