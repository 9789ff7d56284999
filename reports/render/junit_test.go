package render_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/internal/golden"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/internal/sample"
	"github.com/quackproxy/quack/reports/render"
)

func TestWriteJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := render.JUnit(&b, example(), 0); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "report.junit.xml", b.Bytes())
	holdToSchema(t, b.Bytes())
	var empty bytes.Buffer
	if err := render.JUnit(&empty, render.Report{At: sample.Noon}, 0.5); err != nil {
		t.Fatal(err)
	}
	holdToSchema(t, empty.Bytes())
}

// TestJUnitOutcomes: what fails here fails there.
func TestJUnitOutcomes(t *testing.T) {
	route := func(r reports.RouteReport) render.Report {
		r.Name, r.MismatchUpper = "show", 1
		return render.Report{At: sample.Noon, Routes: []reports.RouteReport{r}}
	}
	for _, c := range []struct {
		reason string
		report render.Report
		limit  float64
		want   string // "failures errors skipped"
		passes bool
	}{
		{"all match", route(reports.RouteReport{Compared: 9, Matched: 9}), 0, "0 0 0", true},
		{"one in ten", route(reports.RouteReport{Compared: 10, Matched: 9, Mismatched: 1}), 0.09, "1 0 0", false},
		{"one in ten are allowed", route(reports.RouteReport{Compared: 10, Matched: 9, Mismatched: 1}), 0.1, "0 0 0", true},
		{"noise counts", route(reports.RouteReport{Compared: 10, Matched: 9, Noise: 1}), 0, "1 0 0", false},
		{"transient does not", route(reports.RouteReport{Compared: 10, Matched: 9, Transient: 1}), 0, "0 0 0", true},
		{"a leak, whatever the limit", route(reports.RouteReport{Compared: 9, Matched: 9, Leak: "no acknowledgement"}), 1, "1 0 0", false},
		{"only errors", route(reports.RouteReport{Errors: 3}), 1, "0 1 0", false},
		{"nothing compared", route(reports.RouteReport{Served: 3}), 1, "0 0 1", false},
		{"no route", render.Report{At: sample.Noon}, 1, "0 0 0", false},
	} {
		var b bytes.Buffer
		if err := render.JUnit(&b, c.report, c.limit); err != nil {
			t.Fatal(err)
		}
		holdToSchema(t, b.Bytes())
		var suites struct {
			Suite struct {
				Failures, Errors, Skipped string
				Attrs                     []xml.Attr `xml:",any,attr"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal(b.Bytes(), &suites); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, a := range suites.Suite.Attrs {
			got[a.Name.Local] = a.Value
		}
		if is := got["failures"] + " " + got["errors"] + " " + got["skipped"]; is != c.want {
			t.Errorf("%s: failures, errors and skipped are %s, want %s\n%s", c.reason, is, c.want, b.String())
		}
		if passed := c.report.Fails(c.limit) == nil; passed != c.passes {
			t.Errorf("%s: it passes: %t, want %t", c.reason, passed, c.passes)
		}
	}
}

// junitElement is what JUnit.xsd of Windy Road says of an element: which
// attributes it must and may have, and in which order which children.
type junitElement struct {
	must, may map[string]*regexp.Regexp
	children  string // of their names, each followed by a space
}

var (
	anyText = regexp.MustCompile(`(?s)^.*$`)
	token   = regexp.MustCompile(`^(\S+( \S+)*)?$`)
	named   = regexp.MustCompile(`^\S+( \S+)*$`)
	integer = regexp.MustCompile(`^\d+$`)
	decimal = regexp.MustCompile(`^\d+(\.\d+)?$`)
	instant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`)

	junitSchema = map[string]junitElement{
		"testsuites": {children: `^(testsuite )*$`},
		"testsuite": {
			must: map[string]*regexp.Regexp{"name": named, "timestamp": instant, "hostname": named, "tests": integer, "failures": integer, "errors": integer, "time": decimal,
				"package": token, "id": integer},
			may:      map[string]*regexp.Regexp{"skipped": integer},
			children: `^properties (testcase )*system-out system-err $`,
		},
		"properties": {children: `^(property )*$`},
		"property":   {must: map[string]*regexp.Regexp{"name": named, "value": anyText}, children: `^$`},
		"testcase":   {must: map[string]*regexp.Regexp{"name": token, "classname": token, "time": decimal}, children: `^((skipped|error|failure) )?$`},
		"skipped":    {may: map[string]*regexp.Regexp{"message": anyText}, children: `^$`},
		"error":      {must: map[string]*regexp.Regexp{"type": anyText}, may: map[string]*regexp.Regexp{"message": anyText}, children: `^$`},
		"failure":    {must: map[string]*regexp.Regexp{"type": anyText}, may: map[string]*regexp.Regexp{"message": anyText}, children: `^$`},
		"system-out": {children: `^$`},
		"system-err": {children: `^$`},
	}
)

// holdToSchema holds a file to what the schema says, and its sums to its
// testcases.
func holdToSchema(t *testing.T, text []byte) {
	t.Helper()
	type open struct{ name, children string }
	var stack []open
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil {
			if len(stack) > 0 || err.Error() != "EOF" {
				t.Fatalf("%v in\n%s", err, text)
			}
			break
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if len(stack) > 0 {
				stack[len(stack)-1].children += name + " "
			}
			stack = append(stack, open{name: name})
			if why := junitSchema[name].attributes(token.Attr); why != "" {
				t.Errorf("<%s>: %s in\n%s", name, why, text)
			}
		case xml.EndElement:
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			rule, known := junitSchema[top.name]
			if !known || !regexp.MustCompile(rule.children).MatchString(top.children) {
				t.Errorf("<%s> has the children %q, which the schema does not know, in\n%s", top.name, top.children, text)
			}
		}
	}
	for attr, element := range map[string]string{"tests": "<testcase ", "failures": "<failure ", "errors": "<error ", "skipped": "<skipped "} {
		if want := fmt.Sprintf(`%s="%d"`, attr, bytes.Count(text, []byte(element))); !bytes.Contains(text, []byte(want)) {
			t.Errorf("not %s in\n%s", want, text)
		}
	}
}

func (e junitElement) attributes(has []xml.Attr) string {
	for _, a := range has {
		form := e.must[a.Name.Local]
		if form == nil {
			form = e.may[a.Name.Local]
		}
		if form == nil || !form.MatchString(a.Value) {
			return fmt.Sprintf("the attribute %s=%q is not of the schema", a.Name.Local, a.Value)
		}
	}
	for name := range e.must {
		if !slices.ContainsFunc(has, func(a xml.Attr) bool { return a.Name.Local == name }) {
			return "the attribute " + name + " is missing"
		}
	}
	return ""
}

// TestJUnitOfAnyText: what stands in an answer is no markup and no character
// that XML does not allow.
func TestJUnitOfAnyText(t *testing.T) {
	for _, value := range []string{"]]><x/>", "\x00\x0b\ufffe", "\xff", "&lt;\"'", "a\n\tb"} {
		r := render.Report{At: sample.Noon, Routes: []reports.RouteReport{{Name: value, Compared: 1, Mismatched: 1}},
			Groups: []reports.Group{{Route: value, Path: value, Kind: "value", Verdict: "mismatch", Count: 1, Samples: []reports.Sample{{ID: "1", Legacy: value, New: value}}}}}
		var b bytes.Buffer
		if err := render.JUnit(&b, r, 0); err != nil {
			t.Fatal(err)
		}
		holdToSchema(t, b.Bytes())
		if !strings.Contains(b.String(), "quack diff 1") {
			t.Errorf("%q is left out:\n%s", value, b.String())
		}
	}
}
