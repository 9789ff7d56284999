package reports

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed report.html
var reportHTML string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"number": number, "millis": millisText, "absent": orAbsent, "visible": visible,
}).Parse(reportHTML))

// htmlGroup is a group as the page shows it.
type htmlGroup struct {
	Group
	Share  string
	Newest Sample
}

type htmlSection struct {
	Title  string
	Groups []htmlGroup
}

// htmlRoute is a route as the page shows it.
type htmlRoute struct {
	RouteReport
	StageText, Bound, SkippedText string
}

// htmlStale is a rule that needs attention as the page shows it.
type htmlStale struct {
	Stale
	On string
}

// WriteHTML writes the report as one HTML page that needs no other file, for
// light and dark screens and for screen readers.
func WriteHTML(w io.Writer, r Report) error {
	data := struct {
		Headline, Span string
		Routes         []htmlRoute
		Sections       []htmlSection
		Stale          []htmlStale
		StaleTitle     string
		Runs           *htmlRuns
	}{Headline: r.headline(), Span: r.span(), StaleTitle: attentionTitle, Runs: htmlRunsOf(r.Runs)}
	for _, s := range r.Stale {
		data.Stale = append(data.Stale, htmlStale{s, s.on()})
	}
	for _, route := range r.Routes {
		data.Routes = append(data.Routes, htmlRoute{route, route.stage(), route.bound(), route.skipped()})
	}
	for _, section := range sections {
		s := htmlSection{Title: section.title}
		for _, g := range r.Groups {
			if g.Verdict == section.verdict {
				newest, _ := g.newest()
				s.Groups = append(s.Groups, htmlGroup{g, r.share(g), newest})
			}
		}
		if len(s.Groups) > 0 {
			data.Sections = append(data.Sections, s)
		}
	}
	return reportTemplate.Execute(w, data)
}
