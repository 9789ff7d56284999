package admin

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// pages are the parsed templates, one set a page.
type pages struct {
	byName map[string]*template.Template
}

func newPages() (*pages, error) {
	layout, err := template.New("layout").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/sides.html")
	if err != nil {
		return nil, fmt.Errorf("read the page templates: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the page templates: %w", err)
	}
	p := &pages{byName: map[string]*template.Template{}}
	for _, name := range names {
		base := strings.TrimSuffix(path.Base(name), ".html")
		if base == "layout" || base == "sides" { // which are of every page
			continue
		}
		own, err := layout.Clone()
		if err == nil {
			own, err = own.ParseFS(templateFiles, name)
		}
		if err != nil {
			return nil, fmt.Errorf("read the page template %q: %w", base, err)
		}
		p.byName[base] = own
	}
	return p, nil
}

// static serves the style, the script and the mark. They are the same for as
// long as the process runs, and small.
func (p *pages) static(w http.ResponseWriter, r *http.Request) {
	body, err := staticFiles.ReadFile("static/" + path.Base(chi.URLParam(r, "file")))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", types[path.Ext(r.URL.Path)])
	w.Header().Set("Cache-Control", "private, max-age=60")
	_, _ = w.Write(body)
}

// page is what every page shows.
type page struct {
	Title   string
	Section string  // of the navigation
	Session *viewer // nil when not logged in
	Banners []banner
	Failed  *failure
	Version string
	Live    string // events that the page is asked for again on, "" for none
	Self    string // path and query of the page
}

// viewer is who looks at the page.
type viewer struct{ By, CSRF string }

// failure is what went wrong, shown in a page.
type failure struct{ Title, Detail string }

func failureOf(p *problemError) *failure { return &failure{Title: p.title, Detail: p.detail} }

// banner is what must be seen on whatever page.
type banner struct{ Class, Title, Text, More, Link, LinkText string }

// base is the part that every page has. It is made for each answer.
func (s *server) base(r *http.Request, title, section string) page {
	p := page{Title: title, Section: section, Self: r.URL.RequestURI()}
	if v := callerOf(r).session; v != nil {
		p.Session = &viewer{By: v.by, CSRF: v.csrf}
	} else if callerOf(r).by != "" {
		p.Session = &viewer{By: callerOf(r).by}
	}
	if p.Session != nil {
		p.Version, p.Banners = s.version, s.banners()
	}
	return p
}

func (s *server) banners() []banner {
	var list []banner
	for _, l := range s.control.Latches() {
		list = append(list, banner{
			Class: "bad", Title: "Leak suspected on " + wording.VisibleText(l.Route) + ".",
			Text: sentence(l.Why) + " Its writes are not shadowed.", Link: routeURL(l.Route), LinkText: "Look into it",
		})
	}
	if g := s.readonly(); g.ReadOnly {
		text := fmt.Sprintf("%s (%s, since %s)", g.Why, g.By, stamp(g.Since))
		if g.UnderWay > 0 {
			text += fmt.Sprintf(". Writes still under way: %s", num(g.UnderWay))
		}
		list = append(list, banner{Class: "warn", Title: "Read-only mode is on.", Text: text, Link: "/readonly", LinkText: "Change"})
	}
	if at, err := s.control.LastLoad(); err != nil {
		list = append(list, banner{Class: "bad", Title: "routes.yaml does not load.", Text: "The table of " + stamp(at) + " stays in force.", More: err.Error()})
	}
	return list
}

// sentence ends a text as a sentence ends.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// render writes a page with a status.
func (s *server) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var b bytes.Buffer
	if err := s.pages.byName[name].ExecuteTemplate(&b, "layout", data); err != nil {
		s.log.Error("page", "name", name, "path", r.URL.Path, "error", err)
		http.Error(w, "This page can not be shown; the log of the proxy says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	// The browser may have gone; there is nobody left to tell.
	_, _ = w.Write(b.Bytes())
}

// failPage is the page of an error that has no page of its own.
func (s *server) failPage(w http.ResponseWriter, r *http.Request, p *problemError) {
	name := "failed"
	if p.status == http.StatusUnauthorized {
		name = "login"
	}
	data := struct {
		page
		Code string
	}{page: s.base(r, p.title, "")}
	data.Failed = failureOf(p)
	s.render(w, r, p.status, name, data)
}

// afterForm goes to a page behind a form: by a redirect, so that a reload does
// not send it again. What is wrong is shown again, with the form.
func (s *server) afterForm(w http.ResponseWriter, r *http.Request, err error, to string, again func(status int, f *failure)) {
	if err != nil {
		p := s.asProblem(r, err)
		again(p.status, failureOf(p))
		return
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// scripts are those of the pages, in their order.
var scripts = []string{"htmx.min.js", "idiomorph-ext.min.js", "quack.js", "keys.js", "evidence.js"}

var functions = template.FuncMap{
	"scripts": func() []string { return scripts },
	"visible": wording.VisibleText, "num": num, "percent": percent, "atMost": atMost, "setting": setting, "covered": covered, "ratio": ratioText, "plain": plainNumber, "ms": millis, "bytes": size,
	"stamp": stamp, "iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"short": func(hash string) string { return hash[:min(len(hash), 12)] },
	"route": routeURL, "comparison": func(id string) string { return "/comparisons/" + url.PathEscape(id) },
	"comparisons": func(route string) string { return "/comparisons?" + url.Values{"route": {route}}.Encode() },
	"group":       groupURL, "kindMeans": kindMeans,
	"stateShares": stateShares, "stateText": stateText, "spark": spark, "key": shortKey,
	"groupTrend": groupTrend, "ranFirst": ranFirst, "weight": weightText,
	"coverage": coverageURL, "coveredBar": coveredBar, "facet": facetText,
	"at": atURL, "foundGroup": foundURL, "alike": alikeURL, "titled": titled, "clock": clock, "actionClass": actionClass,
	"marked": markedURL, "comparedSince": comparedSinceURL,
	"took":              func(d time.Duration) string { return millis(float64(d.Microseconds()) / 1000) },
	"times":             timesSeen,
	"placeVerdict":      func(g reports.Group) words { return placeWords(g.Verdict) },
	"foundVerdict":      func(f reports.Found) words { return placeWords(string(f.Verdict)) },
	"comparisonVerdict": comparisonWords,
	"ruleWords":         ruleWords,
	"newest": func(list []reports.Sample) *reports.Sample {
		if len(list) == 0 {
			return nil
		}
		return &list[len(list)-1] // they are the oldest first
	},
}

func timesSeen(n int64) string {
	if n == 1 {
		return "once"
	}
	return num(n) + " times"
}

func routeURL(name string) string { return "/routes/" + url.PathEscape(name) }

// num writes a whole number of any kind: 1,234,567.
func num(n any) string { return wording.Number(reflect.ValueOf(n).Int()) }

// narrow keeps a number and its sign in one line.
func narrow(percent string) string { return strings.ReplaceAll(percent, " ", "\u202f") }

func percent(share float64) string { return narrow(wording.Percent(share)) }

// atMost is an upper bound of a share, never less than it is.
func atMost(share float64) string { return narrow(wording.PercentUp(share)) }

// setting is a share as somebody has set it, with all of its digits.
func setting(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 6, 64) + "\u202f%"
}

// ratioText writes how long new takes, legacy being 1.
func ratioText(v float64) string {
	if v <= 0 {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + "\u202f×"
}

// weightText writes how many places differ together; "–" where nobody has counted.
func weightText(v float64) string {
	if v <= 0 {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

func plainNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func millis(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

func size(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return plainNumber(float64(int64(v*10))/10) + " " + units[i]
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
