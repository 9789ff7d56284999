package routes

import "testing"

// FuzzParse: no text makes the parser panic, an error has its place in the file,
// a table can be used, and nothing depends on how the text is cut into pieces.
func FuzzParse(f *testing.F) {
	for _, src := range sources(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 4096 {
			return // the YAML parser takes quadratic time in some nestings
		}
		checkPieces(t, src)
		table, err := Parse("routes.yaml", src)
		if (table == nil) == (err == nil) {
			t.Fatalf("table %v and error %v", table, err)
		}
		if err != nil {
			checkPositions(t, src, err)
			return
		}
		table.Warnings()
		if err := table.WriteTree(discard{}); err != nil {
			t.Fatal(err)
		}
		for _, r := range table.Routes() {
			if table.Route(r.Name) != r {
				t.Fatalf("route %q is not found by its name", r.Name)
			}
			if _, err := table.Explain(r.Method, r.Pattern).WriteTo(discard{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// FuzzPattern: chi takes each pattern that is accepted here, and gives as many
// values as the pattern has parameters.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{"/", "/a/{id}", "/a/{id:[0-9]{2,}}/b", "/{y}-{m}.csv", "/*", "/a*", "/a{b}*", "/{a}{b}", "/{a:x|y}", "/{a:(}", "/{", "/}", "/{a:\\{}", "/%2F/{a}"} {
		f.Add(s, "/a/12/b")
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, fault := parsePattern(pattern)
		if fault != nil {
			if fault.text == "" || fault.remedy == "" {
				t.Fatalf("%q: %+v", pattern, fault)
			}
			return
		}
		r := &Route{Method: "GET", Pattern: pattern, node: &treeNode{pattern: p}, params: p.params(), regexps: p.regexps()}
		var faults faults
		m := newMatcher([]*Route{r, {Method: "", Pattern: "/a/{x}", node: &treeNode{pattern: mustPattern(t, "/a/{x}")}, params: []string{"x"}}}, &faults, nil)
		if len(faults.list) > 0 {
			t.Fatalf("%q: %v", pattern, faults.list)
		}
		for _, at := range []string{path, pattern} {
			if n, values := m.find([]*Route{r, {params: []string{"x"}}}, "GET", at); n == 0 && len(values) != len(r.params) {
				t.Fatalf("%q at %q: values %q for parameters %q", pattern, at, values, r.params)
			}
		}
	})
}

func mustPattern(t *testing.T, s string) pathPattern {
	p, fault := parsePattern(s)
	if fault != nil {
		t.Fatal(fault)
	}
	return p
}
