package render_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
)

// A report of 2,000 routes of which 50 differ is small enough to be sent, has those
// in full, and says of the others that they are rows.
func TestHTMLOfManyRoutesCanBeSent(t *testing.T) {
	one := example()
	report := render.Report{At: one.At, Since: one.Since, Series: map[string][]reports.Point{}}
	for i := range 2000 {
		route := one.Routes[2]
		route.Name = fmt.Sprintf("GET /api/v1/resource-%04d/{id}", i)
		if i%40 == 0 {
			for _, g := range one.Groups[:2] {
				g.Route = route.Name
				report.Groups = append(report.Groups, g)
			}
		} else {
			route.Matched, route.Mismatched, route.Noise, route.Leak = route.Compared, 0, 0, ""
			route.Readiness = reports.Readiness{Says: "2,950 more comparisons without a mismatch show that at most 0.1 % mismatch (so far 4.31 %)"}
		}
		report.Routes = append(report.Routes, route)
	}
	for _, name := range report.WorthCharts(100) {
		for _, points := range one.Series {
			report.Series[name] = points
		}
	}
	var b bytes.Buffer
	if err := render.HTML(&b, report); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if got := b.Len(); got > 1_600_000 {
		t.Errorf("%d bytes", got)
	}
	if got := strings.Count(page, `<details class="route"`); got != 50 {
		t.Errorf("%d routes in full", got)
	}
	if got := strings.Count(page, "<tr><th scope=\"row\">"); got != 2000 {
		t.Errorf("%d rows", got)
	}
	for _, want := range []string{`<a href="#route-49"><code>GET /api/v1/resource-1960/{id}`, "<th scope=\"row\"><code>GET /api/v1/resource-1999/{id}", "1,950 others that differ in nothing are rows of the table above"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
}
