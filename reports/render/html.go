package render

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

//go:embed report.html
var reportHTML string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"number": wording.Number, "times": func(n int) string { return wording.Number(int64(n)) },
	"millis": wording.Millis, "absent": orAbsent, "visible": wording.Visible,
}).Parse(reportHTML))

// htmlGroup is a group as the page shows it.
type htmlGroup struct {
	reports.Group
	Share  string
	Newest reports.Sample
	Facts  []string
}

type htmlSection struct {
	Title  string
	Groups []htmlGroup
}

// htmlRoute is a route as the page shows it.
type htmlRoute struct {
	reports.RouteReport
	N                             int // its place in the page
	StageText, Bound, SkippedText string
	Stands                        standing
	Says                          string
	Charts                        htmlCharts
	Matrix                        htmlMatrix
	Apart                         []string
	RatioText                     string
	Groups                        []htmlGroup // that count
	Told                          bool        // in full
	Open                          bool
}

// htmlStale is a rule that needs attention as the page shows it.
type htmlStale struct {
	reports.Stale
	On string
}

// htmlReport is what the page shows.
type htmlReport struct {
	Headline, Ready, Span string
	Routes                []htmlRoute // the worst first
	Rows                  int         // of them, those that are a row of the table and nothing more
	Sections              []htmlSection
	Stale                 []htmlStale
	StaleTitle            string
	Runs                  *htmlRuns
}

// toldMost is how many routes are told of in full: the worst, and all that differ.
// A file of 2,000 in full is too large to be sent.
const toldMost = 50

// told reports whether there is more to be said of a route than its line.
func (r htmlRoute) told() bool { return r.Compared+r.Errors > 0 || r.Leak != "" }

// HTML writes the report as one HTML page that needs no other file and asks
// for none, for light and dark screens, for paper, and for screen readers.
func HTML(w io.Writer, r Report) error {
	page := htmlReport{Headline: r.headline(), Ready: r.readyText(), Span: r.span(), StaleTitle: attentionTitle, Runs: htmlRunsOf(r.Runs)}
	for _, s := range r.Stale {
		page.Stale = append(page.Stale, htmlStale{s, s.On()})
	}
	counting := map[string][]htmlGroup{}
	for _, section := range sections {
		s := htmlSection{Title: section.title}
		for _, g := range r.Groups {
			if g.Verdict != section.verdict {
				continue
			}
			newest, _ := newestOf(g)
			shown := htmlGroup{g, r.share(g), newest, factsOf(g)}
			s.Groups = append(s.Groups, shown)
			if g.CountsAgainst() {
				counting[g.Route] = append(counting[g.Route], shown)
			}
		}
		if len(s.Groups) > 0 {
			page.Sections = append(page.Sections, s)
		}
	}
	for i, route := range worst(r.Routes) {
		h := r.htmlRoute(route, i, counting[route.Name])
		if h.told() && !h.Told {
			page.Rows++
		}
		page.Routes = append(page.Routes, h)
	}
	return reportTemplate.Execute(w, page)
}

func (r Report) htmlRoute(route reports.RouteReport, n int, counting []htmlGroup) htmlRoute {
	h := htmlRoute{
		RouteReport: route, N: n, StageText: stageText(route), Bound: boundText(route), SkippedText: skippedText(route),
		Charts: r.htmlCharts(route.Name, n), Matrix: matrixOf(route, n), Apart: apartOf(route), RatioText: ratioText(route), Groups: counting,
	}
	h.Stands, h.Says = standsOf(route)
	h.Open = n < 3 && h.Stands == standsBad
	if h.Told = h.told() && (n < toldMost || h.Stands == standsBad); !h.Told {
		h.Charts.Spark = ""
	}
	return h
}
