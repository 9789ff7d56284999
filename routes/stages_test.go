package routes

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// staged is a file whose routes have the given stages. Backends roll back or
// do not, so that some stages are refused at some routes.
func staged(rollback map[Side]bool, settings [4]string, stages [4]StageSetting) string {
	header := map[bool]string{true: ", rollback: header"}
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000]%s}
  accounts: {urls: [http://127.0.0.1:4000]%s}
defaults: {legacy: monolith, new: accounts}
routes:
`, header[rollback[Legacy]], header[rollback[New]])
	for i, match := range []string{"GET /a", "POST /a", "/b", "POST /c"} {
		fmt.Fprintf(&b, "  - {name: r%d, match: %s, stage: %s%s", i, match, stages[i].Stage, settings[i])
		if stages[i].Stage == StageRamp {
			fmt.Fprintf(&b, ", percent: %v", stages[i].Percent)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// TestWithStagesIsAnotherFile: setting stages live gives the table, or the
// errors, that the file with these stages gives.
func TestWithStagesIsAnotherFile(t *testing.T) {
	stage := rapid.Custom(func(t *rapid.T) StageSetting {
		s := StageSetting{Stage: Stage(rapid.SampledFrom(stageNames).Draw(t, "stage"))}
		if s.Stage == StageRamp {
			s.Percent = float64(rapid.IntRange(0, 100).Draw(t, "percent"))
		}
		return s
	})
	more := []string{"", ", shadow: {sample: 0%}", ", safe: true"}
	rapid.Check(t, func(t *rapid.T) {
		rollback := map[Side]bool{Legacy: rapid.Bool().Draw(t, "legacy rolls back"), New: rapid.Bool().Draw(t, "new rolls back")}
		var settings [4]string
		var before, after [4]StageSetting
		set := map[string]StageSetting{"unknown": {Stage: StageNew}}
		for i := range before {
			settings[i] = rapid.SampledFrom(more).Draw(t, "settings")
			before[i] = StageSetting{Stage: StageLegacy}
			if rapid.Bool().Draw(t, "at another stage before") {
				before[i].Stage = StageNew
			}
			after[i] = before[i]
			if rapid.Bool().Draw(t, "set") {
				after[i] = stage.Draw(t, "setting")
				set[fmt.Sprintf("r%d", i)] = after[i]
			}
		}
		table, err := Parse("routes.yaml", []byte(staged(rollback, settings, before)))
		if err != nil {
			t.Fatal(err)
		}
		was := summary(table)
		got, unknown, gotErr := table.WithStages(set)
		want, wantErr := Parse("routes.yaml", []byte(staged(rollback, settings, after)))
		if !reflect.DeepEqual(unknown, []string{"unknown"}) {
			t.Fatalf("unknown: %v", unknown)
		}
		if g, w := texts(gotErr), texts(wantErr); g != w {
			t.Fatalf("errors:\ngot  %s\nwant %s", g, w)
		}
		if (got == nil) != (gotErr != nil) {
			t.Fatalf("table %v and error %v", got, gotErr)
		}
		if gotErr == nil && summary(got) != summary(want) {
			t.Fatalf("got:\n%s\nwant:\n%s", summary(got), summary(want))
		}
		if summary(table) != was {
			t.Fatalf("the table was changed")
		}
	})
}

func texts(err error) string {
	var errs Errors
	errors.As(err, &errs)
	var lines []string
	for _, e := range errs {
		lines = append(lines, e.Route+": "+e.Text)
	}
	return strings.Join(lines, "\n")
}

// summary is what routes do.
func summary(t *Table) string {
	var b strings.Builder
	for _, r := range append(t.Routes(), t.Default()) {
		e := exported(r)
		e.Position = Position{}
		fmt.Fprintf(&b, "%+v %s\n", e, backendName(r.New))
		for i := range 50 {
			fmt.Fprint(&b, r.LiveSide(fmt.Sprint(i), true), r.Shadowed(fmt.Sprint(i)))
		}
		same, _ := t.Match(r.Method, r.Pattern)
		fmt.Fprintln(&b, same == r)
	}
	return b.String()
}

func TestWithStagesRefuses(t *testing.T) {
	table := parse(t, `version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000]}
  accounts: {urls: [http://127.0.0.1:4000]}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: read, match: GET /a}
  - {name: write, match: POST /a, stage: new}
`)
	for _, c := range []struct {
		route string
		set   StageSetting
		want  string
	}{
		{"read", StageSetting{Stage: "rampp"}, "routes.yaml:7:25: route read: stage \"rampp\" is not known\n" +
			"  did you mean \"ramp\"? use legacy, shadow, ramp, verify or new"},
		{"read", StageSetting{Stage: StageShadow, Percent: 5}, "routes.yaml:7:25: route read: percent has a meaning only at stage ramp\n" +
			"  leave the percent out, or set stage ramp"},
		{"read", StageSetting{Stage: StageRamp, Percent: 101}, "routes.yaml:7:25: route read: percent 101 is not between 0 and 100\n" +
			"  give a number from 0 to 100"},
		{"read", StageSetting{Stage: StageRamp, Percent: math.NaN()}, "routes.yaml:7:25: route read: percent NaN is not between 0 and 100\n" +
			"  give a number from 0 to 100"},
		{"write", StageSetting{Stage: StageVerify}, "routes.yaml:8:42: route write: stage verify would shadow writes to backend monolith, which does not roll back: this is an unsafe route\n" +
			"  put the adapter in front of monolith and say rollback: header at line 3;\n" +
			"  or say safe: true if the request changes nothing, shadow: {sample: 0%} to send nothing, or stage: legacy"},
	} {
		with, _, err := table.WithStages(map[string]StageSetting{c.route: c.set})
		if with != nil || err == nil || err.Error() != c.want {
			t.Errorf("%s %+v:\ngot  %v\nwant %v", c.route, c.set, err, c.want)
		}
	}
}

func TestWithStagesKeepsTheHash(t *testing.T) {
	table := parse(t, head+"  - {name: a, match: GET /a}\n")
	with, unknown, err := table.WithStages(map[string]StageSetting{"a": {Stage: StageRamp, Percent: 12.5}})
	if err != nil || unknown != nil {
		t.Fatal(unknown, err)
	}
	if with.Hash() != table.Hash() {
		t.Errorf("the hash is of the file: %q and %q", with.Hash(), table.Hash())
	}
	if r, _ := with.Match("GET", "/a"); r.Stage != StageRamp || r.Percent != 12.5 || r != with.Route("a") {
		t.Errorf("route %+v", r)
	}
	if r, _ := table.Match("GET", "/a"); r.Stage != StageLegacy {
		t.Errorf("the first table was changed: %+v", r)
	}
}
