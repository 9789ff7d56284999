package compare_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

// step is one segment of a rule's path, and what it selects.
type step struct {
	exact   string // a segment as spot.way has it; "" for a wildcard
	descend bool
}

func (s step) text() string {
	exact := s.exact
	switch {
	case exact == "":
		exact = "[*]"
	case s.descend && exact[0] == '.':
		exact = exact[1:]
	}
	if s.descend {
		return ".." + exact
	}
	return exact
}

// selects says in the plainest way whether steps lead to a place.
func selects(steps []step, way []string) bool {
	if len(steps) == 0 {
		return len(way) == 0
	}
	if len(way) == 0 {
		return false
	}
	s := steps[0]
	if (s.exact == "" || s.exact == way[0]) && selects(steps[1:], way[1:]) {
		return true
	}
	return s.descend && selects(steps, way[1:])
}

// ruled is a rule with its path taken apart.
type ruled struct {
	compare.Rule
	steps []step
}

// reaches reports whether the rule's path leads to the place or, with below,
// to one above it.
func (r ruled) reaches(way []string, below bool) bool {
	if selects(r.steps, way) {
		return true
	}
	for n := range len(way) {
		if below && selects(r.steps, way[:n]) {
			return true
		}
	}
	return false
}

// indexed reports whether the path has an index in it.
func (r ruled) indexed() bool {
	return slices.ContainsFunc(r.steps, func(s step) bool { return strings.HasPrefix(s.exact, "[") && s.exact[1] != '\'' })
}

// drawRule draws a rule of any action, for a place that is one of all or looks
// like it: with wildcards in it, descendants, the end cut off.
func drawRule(t *rapid.T, all []spot) ruled {
	way := rapid.SampledFrom(all).Draw(t, "rule's place").way
	var r ruled
	skipped := false
	for _, segment := range way {
		s := step{exact: segment, descend: skipped || rapid.IntRange(0, 5).Draw(t, "descend") == 0}
		switch skipped = false; rapid.IntRange(0, 4).Draw(t, "segment") {
		case 0:
			s.exact = ""
		case 1:
			skipped = true
			continue
		}
		r.steps = append(r.steps, s)
	}
	r.Path = "$"
	for _, s := range r.steps {
		r.Path += s.text()
	}
	named := slices.ContainsFunc(r.steps, func(s step) bool { return s.exact != "" })
	action := rapid.IntRange(0, 4).Draw(t, "action")
	switch {
	case action == 0 && named: // without a name it is refused
		r.Ignore = true
	case action == 1:
		r.Unordered = true
	case action == 2:
		r.Tolerance = rapid.SampledFrom([]string{"0.5", "1000000", "50%"}).Draw(t, "tolerance")
	case action == 3:
		r.Within = rapid.SampledFrom([]string{"1s", "1000h"}).Draw(t, "within")
	default:
		r.Same = rapid.SampledFrom([]string{"x", "y"}).Draw(t, "same")
	}
	return r
}

// near is all places, and those of what was planted as often as these together.
func near(all []spot, planted []planting) []spot {
	for n := len(all); n > 0; n -= len(planted) {
		for _, p := range planted {
			all = append(all, p.spot)
		}
	}
	return all
}

func drawRules(t *rapid.T, all []spot) (list []ruled, rules *compare.Rules) {
	var plain []compare.Rule
	for range rapid.IntRange(1, 4).Draw(t, "rules") {
		r := drawRule(t, all)
		list, plain = append(list, r), append(plain, r.Rule)
	}
	rules, errs := compare.Compile(plain)
	if errs == nil {
		return list, rules
	}
	// Some can not be asked for: twice the same, or for all of an answer.
	refused := map[int]bool{}
	for _, e := range errs {
		refused[e.Index] = true
	}
	var left []ruled
	plain = nil
	for i, r := range list {
		if !refused[i] {
			left, plain = append(left, r), append(plain, r.Rule)
		}
	}
	if rules, errs = compare.Compile(plain); errs != nil {
		t.Fatal(errs)
	}
	return left, rules
}

// TestRulesHideNothingElse plants changes under rules of any kind: what no rule
// is for is found, exactly there; what one ignores is counted as forgiven; and
// both together are all that was planted.
func TestRulesHideNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legacy := drawDocument(t)
		numberObjects(legacy)
		changed, planted := plantSome(t, legacy, 5)
		list, rules := drawRules(t, near(spots(legacy, nil), planted))
		a, b := legacy.write(plain), changed.write(choice(t))
		r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), rules)
		f := &findings{t: t, list: list, result: r, text: fmt.Sprintf("%s\n%s\nrules %v\nplanted %q\n%q", a, b, rules.List(), planted, lines(r))}
		f.check(planted)
	})
}

// findings holds a result to what was planted.
type findings struct {
	t      *rapid.T
	list   []ruled
	result compare.Result
	text   string
}

func (f *findings) any(way []string, below bool, is func(compare.Rule) bool) bool {
	return slices.ContainsFunc(f.list, func(r ruled) bool { return is(r.Rule) && r.reaches(way, below) })
}

// below reports whether some rule is for what is in a container.
func (f *findings) below(s spot) bool {
	return slices.ContainsFunc(spots(s.tree, s.way)[1:], func(in spot) bool {
		return f.any(in.way, false, func(compare.Rule) bool { return true })
	})
}

func (f *findings) check(planted []planting) {
	left := map[string]int{}
	for _, d := range f.result.Differences {
		left[fmt.Sprintf("%s %s", d.Kind, d.At)]++
	}
	// exact: no array with changes in it is unordered, and none of another
	// length has rules for its elements, which may pair them in another way.
	exact := true
	indexed := slices.ContainsFunc(f.list, ruled.indexed)
	counting := 0
	for _, p := range planted {
		ignored := f.any(p.way, true, func(r compare.Rule) bool { return r.Ignore })
		unordered := f.any(p.way, true, func(r compare.Rule) bool { return r.Unordered })
		mapped := p.kind == compare.KindValue && f.any(p.way, false, func(r compare.Rule) bool { return r.Same != "" })
		switch {
		case unordered || p.kind == compare.KindLength && (ignored || indexed || f.below(p.spot)):
			exact = false
			if !ignored && !mapped {
				counting++
			}
		case ignored:
			if left[p.String()] > 0 {
				f.t.Fatalf("%s is ignored and reported\n%s", p, f.text)
			}
		case mapped:
			left[p.String()] = 0 // whether the mapping holds is tested elsewhere
		default:
			counting++
			if left[p.String()] != 1 {
				f.t.Fatalf("%s is reported %d times\n%s", p, left[p.String()], f.text)
			}
			left[p.String()] = 0
		}
	}
	if counting > 0 && f.result.Match() {
		f.t.Fatalf("rules hide all of it\n%s", f.text)
	}
	if !exact {
		return
	}
	for at, n := range left {
		if n > 0 {
			f.t.Fatalf("%s was not planted\n%s", at, f.text)
		}
	}
	all := len(f.result.Differences)
	for _, g := range f.result.Forgiven {
		all += g.Count
	}
	if all != len(planted) {
		f.t.Fatalf("%d of %d are accounted for\n%s", all, len(planted), f.text)
	}
}

// TestRulesNeverMakeADifference also holds that nothing is forgiven where
// nothing differs.
func TestRulesNeverMakeADifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := drawDocument(t)
		_, rules := drawRules(t, spots(tr, nil))
		a, b := tr.write(plain), respelled(t, tr).write(choice(t))
		if r := compare.Exchanges(jsonAnswer(a), jsonAnswer(b), rules); !r.Match() || len(r.Forgiven) > 0 {
			t.Fatalf("%s\n%s\nrules %v\n%q", a, b, rules.List(), lines(r))
		}
	})
}

// TestRulesThatMatchNothingChangeNothing compares with rules of each kind for
// members that no drawn tree has.
func TestRulesThatMatchNothingChangeNothing(t *testing.T) {
	rules := mustCompile(t,
		compare.Rule{Path: "$.zz", Ignore: true}, compare.Rule{Path: "$..zz[*]", Unordered: true}, compare.Rule{Path: "$.*.zz", Same: "x"},
		compare.Rule{Path: "$..zz", Tolerance: "50%"}, compare.Rule{Path: "$[0].zz", Within: "1h"}, compare.Rule{Path: "$[77]", Ignore: true},
		compare.Rule{Path: "header:X-Zz", Ignore: true}, compare.Rule{Path: "cookie:zz", Same: "y"}, compare.Rule{Path: "trailer:X-Zz", Ignore: true})
	rapid.Check(t, func(t *rapid.T) {
		legacy, new := drawPair(t)
		with, without := compare.Exchanges(legacy, new, rules), compare.Exchanges(legacy, new, nil)
		if !reflect.DeepEqual(with, without) {
			t.Fatalf("%s\n%s\n%q\n%q", legacy.Body, new.Body, lines(with), lines(without))
		}
	})
}

// TestSwappingTheSidesUnderRules leaves out same, where the first pair in the
// order of legacy decides, and paths with indexes, which are legacy's.
func TestSwappingTheSidesUnderRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legacy := drawDocument(t)
		numberObjects(legacy)
		changed, planted := plantSome(t, legacy, 4)
		list, rules := drawRules(t, near(spots(legacy, nil), planted))
		for _, r := range list {
			if r.Same != "" || r.indexed() {
				return
			}
		}
		a, b := jsonAnswer(legacy.write(plain)), jsonAnswer(changed.write(choice(t)))
		there, back := compare.Exchanges(a, b, rules), compare.Exchanges(b, a, rules)
		if !slices.Equal(places(there, false), places(back, true)) {
			t.Fatalf("%s\n%s\nrules %v\n%q\n%q", a.Body, b.Body, rules.List(), lines(there), lines(back))
		}
	})
}

// cloned is a copy that shares nothing.
func cloned(e *compare.Exchange) *compare.Exchange {
	c := *e
	c.Header, c.Trailer = e.Header.Clone(), e.Trailer.Clone()
	c.Body, c.Footprint = bytes.Clone(e.Body), slices.Clone(e.Footprint)
	return &c
}

// drawAnswers draws two answers with something in each of their parts.
func drawAnswers(t *rapid.T) (legacy, new *compare.Exchange) {
	legacy, new = drawPair(t)
	for _, e := range []*compare.Exchange{legacy, new} {
		for k := range rapid.IntRange(0, 12).Draw(t, "fields") {
			e.Header.Add(fmt.Sprintf("X-%c", 'A'+k), rapid.SampledFrom([]string{"1", "2", "Wed, 04 Mar 2026 05:06:07 GMT", "Wed, 04 Mar 2026 05:06:08 GMT"}).Draw(t, "value"))
		}
		e.Header.Set("ETag", rapid.SampledFrom([]string{`"1"`, `"2"`, `W/"1"`}).Draw(t, "tag"))
		e.Trailer = header("Grpc-Status: " + rapid.SampledFrom([]string{"0", "5"}).Draw(t, "grpc"))
		for _, table := range []string{"accounts", "audit", "log"} {
			e.Footprint = append(e.Footprint, compare.TableRows{Table: table, Inserted: rapid.Int64Range(0, 1).Draw(t, "rows")})
		}
	}
	return legacy, new
}

// TestInputsAreLeftAlone also holds that a Result keeps nothing of a body: it
// stays what it is when the body is written over.
func TestInputsAreLeftAlone(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "$..a", Same: "x"}, compare.Rule{Path: "$..b", Unordered: true}, compare.Rule{Path: "header:X-A", Same: "x"}, compare.Rule{Path: "cookie:a", Ignore: true})
	rapid.Check(t, func(t *rapid.T) {
		legacy, new := drawAnswers(t)
		wasLegacy, wasNew := cloned(legacy), cloned(new)
		r := compare.Exchanges(legacy, new, rules)
		if !reflect.DeepEqual(legacy, wasLegacy) || !reflect.DeepEqual(new, wasNew) {
			t.Fatalf("changed: %+v\n%+v", legacy, new)
		}
		before := strings.Clone(fmt.Sprintf("%+v", r))
		for _, e := range []*compare.Exchange{legacy, new} {
			for i := range e.Body {
				e.Body[i] = 'x'
			}
		}
		compare.Exchanges(wasLegacy, wasNew, nil) // takes over what the first has put back for reuse
		if after := fmt.Sprintf("%+v", r); after != before {
			t.Fatalf("was\n%s\nis\n%s", before, after)
		}
	})
}

// TestMapsOfGoAreInNoOrder builds the same headers in other orders, many times.
func TestMapsOfGoAreInNoOrder(t *testing.T) {
	rules := mustCompile(t, compare.Rule{Path: "header:X-A", Same: "x"}, compare.Rule{Path: "header:X-B", Same: "x"}, compare.Rule{Path: "$..a", Same: "x"})
	rapid.Check(t, func(t *rapid.T) {
		legacy, new := drawAnswers(t)
		want := compare.Exchanges(legacy, new, rules)
		for range 5 {
			if got := compare.Exchanges(cloned(legacy), cloned(new), rules); !reflect.DeepEqual(got, want) {
				t.Fatalf("%q\n%q", lines(want), lines(got))
			}
		}
	})
}
