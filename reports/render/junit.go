package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// JUnit writes the report as JUnit XML, as CI servers read it: a testcase
// for each route. It fails when the route is above the limit of Share, from 0
// to 1, or has a suspected leak; it is an error when requests were sent to both
// sides and none of them could be compared; and it is skipped when there were
// none. The form is that of Ant, which JUnit.xsd of Windy Road describes and
// the schema of Jenkins' xUnit plugin takes as well.
func JUnit(w io.Writer, r Report, limit float64) error {
	suite := junitSuite{
		Name: "quack report", Package: "quack", Hostname: "localhost", Time: "0",
		Timestamp: r.At.UTC().Format("2006-01-02T15:04:05"),
		Properties: []junitProperty{
			{"counted", r.span()}, {"limit", fmt.Sprintf("%g %%", 100*limit)},
		},
		Out: r.headline(),
	}
	for _, route := range r.Routes {
		suite.add(r.testcase(route, limit))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(junitSuites{Suites: []junitSuite{suite}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	ID         int             `xml:"id,attr"`
	Name       string          `xml:"name,attr"`
	Package    string          `xml:"package,attr"`
	Hostname   string          `xml:"hostname,attr"`
	Timestamp  string          `xml:"timestamp,attr"` // of UTC; the schema allows no zone
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
	Out        string          `xml:"system-out"`
	Err        string          `xml:"system-err"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Skipped *junitOutcome `xml:"skipped"`
	Error   *junitOutcome `xml:"error"`
	Failure *junitOutcome `xml:"failure"`
}

type junitOutcome struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func (r Report) testcase(route reports.RouteReport, limit float64) junitCase {
	c := junitCase{Name: wording.Visible(route.Name), Class: "quack.routes", Time: "0"}
	why := route.Above(limit)
	switch {
	case route.Leak != "":
		c.Failure = &junitOutcome{Type: "leak", Message: why}
	case why != "":
		c.Failure = &junitOutcome{Type: "mismatch", Message: why, Text: r.counting(route.Name)}
	case route.Compared == 0 && route.Errors > 0:
		c.Error = &junitOutcome{Type: "error", Message: "none of " + wording.Count(route.Errors, "request") + " could be compared"}
	case route.Compared == 0:
		c.Skipped = &junitOutcome{Message: "nothing compared; skipped " + wording.Visible(skippedText(route))}
	}
	return c
}

// counting are the groups of a route that count against it, a line each.
func (r Report) counting(route string) string {
	var b strings.Builder
	for _, g := range r.Groups {
		if g.Route != route || !g.CountsAgainst() {
			continue
		}
		fmt.Fprintf(&b, "\n%s in %s: %s %s", g.Verdict, wording.Count(g.Count, "comparison"), wording.Visible(g.Kind), wording.Visible(g.Path))
		if s, some := newestOf(g); some {
			fmt.Fprintf(&b, "\n  %s → %s\n  quack diff %s", wording.Cut(orAbsent(wording.Visible(s.Legacy)), 200), wording.Cut(orAbsent(wording.Visible(s.New)), 200), wording.Visible(s.ID))
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}
