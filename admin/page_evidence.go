package admin

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/reports"
)

// sidesView is one comparison, both sides beside each other. The pages of a
// comparison and of a difference show it.
type sidesView struct {
	C         *reports.Comparison
	Sides     []sideView
	Pace      string // how the sides' times stand to each other
	Heads     []sideRow
	Body      bodyView
	Footprint []sideRow
	Written   []sideRow
	Effects   []sideRow
	Request   requestView
	Again     againView
	Full      string // the address of the same with the equal lines
}

// sideView is one side of a comparison.
type sideView struct {
	Name, Backend string
	Millis        float64
}

// sideRow is a part of both answers with a name of its own: of their heads, of
// what was written, or of what was done besides.
type sideRow struct {
	Name, Legacy, New, Became string

	Here  bool // it is the place that is looked at
	First bool // and the first one on the page
}

// requestView is the request that both sides were asked.
type requestView struct {
	Header []sideRow // Legacy is the value
	Body   string
	Note   string
}

// sidesOf lays a comparison out. at is the place that is looked at, "" for none;
// tried is a rule under which it is shown, nil for none; the query of the page
// says the rest.
func sidesOf(c *reports.Comparison, at string, tried *RuleTried, r *http.Request) sidesView {
	q := r.URL.Query()
	m := placesUnder(c, tried)
	if at != "" {
		m.lookAt(at)
	}
	v := sidesView{
		C:         c,
		Sides:     []sideView{side("legacy", &c.Legacy), side("new", &c.New)},
		Pace:      paceOf(c),
		Heads:     headRows(c, m),
		Body:      viewBodies(&c.Legacy.Answer, &c.New.Answer, m, q.Get("full") == "1"),
		Footprint: countRows(c, m, "table:", rowCounts),
		Written:   writtenRows(c, m),
		Effects:   countRows(c, m, "effect:", effectCounts),
		Request:   viewRequest(&c.Request),
		Again:     viewAgain(c, r),
	}
	q.Set("full", "1")
	v.Full = r.URL.Path + "?" + q.Encode()
	v.first()
	return v
}

// titled is a table of a comparison with the name of its first column.
func titled(says string, v any) any {
	return struct {
		Says string
		V    any
	}{says, v}
}

// first marks the first row of the place that is looked at.
func (v *sidesView) first() {
	for _, rows := range [][]sideRow{v.Heads, v.Footprint, v.Effects, v.Written} {
		for i := range rows {
			if rows[i].Here {
				rows[i].First = true
				return
			}
		}
	}
	for i := range v.Body.Rows {
		if v.Body.Rows[i].Here {
			v.Body.Rows[i].First = true
			return
		}
	}
}

// Differing are the rows of the heads that are not the same, and the status.
func (v sidesView) Differing() []sideRow {
	return slices.DeleteFunc(slices.Clone(v.Heads), func(r sideRow) bool { return r.Became == "" && !r.Here && r.Name != "status" })
}

func side(name string, s *reports.Side) sideView {
	return sideView{Name: name, Backend: s.Backend, Millis: float64(s.Latency.Microseconds()) / 1000}
}

// paceOf says how long the sides took beside each other, "" where one took none.
func paceOf(c *reports.Comparison) string {
	l, n := float64(c.Legacy.Latency), float64(c.New.Latency)
	switch {
	case l <= 0 || n <= 0:
		return ""
	case n > l:
		return "new took " + times(n/l) + " as long"
	}
	return "new was " + times(l/n) + " as fast"
}

func times(ratio float64) string { return strconv.FormatFloat(ratio, 'f', 1, 64) + " times" }

// maxRequestBody is how much of a request's body is shown, in bytes.
const maxRequestBody = 20_000

func viewRequest(q *reports.Request) requestView {
	v := requestView{Note: q.BodyNote}
	for _, name := range slices.Sorted(maps.Keys(q.Header)) {
		v.Header = append(v.Header, sideRow{Name: name, Legacy: lines(q.Header[name])})
	}
	body := q.Body
	var indented bytes.Buffer
	if len(body) <= maxRequestBody && json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	if v.Body = string(body); len(body) > maxRequestBody {
		v.Body = strings.ToValidUTF8(v.Body[:maxRequestBody], "") + " …"
		v.Note = strings.TrimPrefix(v.Note+"; only its beginning is shown, the API gives all", "; ")
	}
	return v
}

// headRows are status, header and trailer of both answers.
func headRows(c *reports.Comparison, m *places) []sideRow {
	l, n := &c.Legacy.Answer, &c.New.Answer
	rows := []sideRow{headRow("status", statusText(l.Status), statusText(n.Status), "status", m)}
	if l.Incomplete != "" || n.Incomplete != "" {
		rows = append(rows, sideRow{Name: "broke off", Legacy: l.Incomplete, New: n.Incomplete, Became: lineDiffers})
	}
	rows = append(rows, fieldRows("header", l.Header, n.Header, m)...)
	rows = append(rows, fieldRows("trailer", l.Trailer, n.Trailer, m)...)
	if c.Legacy.BodyNote != "" || c.New.BodyNote != "" {
		rows = append(rows, sideRow{Name: "body as stored", Legacy: c.Legacy.BodyNote, New: c.New.BodyNote})
	}
	return rows
}

func statusText(code int) string {
	if code == 0 {
		return ""
	}
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

func fieldRows(section string, legacy, new http.Header, m *places) []sideRow {
	names := map[string]bool{}
	for name := range legacy {
		names[name] = true
	}
	for name := range new {
		names[name] = true
	}
	var rows []sideRow
	for _, name := range slices.Sorted(maps.Keys(names)) {
		switch {
		case section == "trailer":
			rows = append(rows, headRow("trailer "+name, lines(legacy[name]), lines(new[name]), "trailer:"+name, m))
		case name == "Set-Cookie": // which is compared cookie by cookie
			rows = append(rows, cookieRows(legacy[name], new[name], m)...)
		default:
			rows = append(rows, headRow(name, lines(legacy[name]), lines(new[name]), "header:"+name, m))
		}
	}
	return rows
}

func lines(values []string) string { return strings.Join(values, "\n") }

func cookieRows(legacy, new []string, m *places) []sideRow {
	l, n := cookiesByName(legacy), cookiesByName(new)
	names := maps.Clone(l)
	maps.Copy(names, n)
	var rows []sideRow
	for _, name := range slices.Sorted(maps.Keys(names)) {
		rows = append(rows, headRow("cookie "+name, lines(l[name]), lines(n[name]), "cookie:"+name, m))
	}
	return rows
}

// cookiesByName are Set-Cookie lines by the name of their cookie.
func cookiesByName(set []string) map[string][]string {
	cookies := map[string][]string{}
	for _, line := range set {
		pair, _, _ := strings.Cut(line, ";")
		name, _, _ := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		cookies[name] = append(cookies[name], line)
	}
	return cookies
}

func headRow(name, legacy, new, path string, m *places) sideRow {
	f := sideRow{Name: name, Legacy: legacy, New: new, Here: m.looksAt(path)}
	if legacy != new {
		f.Became = m.of(path)
	}
	return f
}

// comparisonPage is one comparison. ?at=PATH is the place that is looked at.
func (s *server) comparisonPage(w http.ResponseWriter, r *http.Request) {
	c, err := s.reports.Comparison(r.Context(), param(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	data := struct {
		page
		Both sidesView
	}{s.base(r, "Comparison "+c.ID, "comparisons"), sidesOf(c, r.URL.Query().Get("at"), nil, r)}
	s.render(w, r, http.StatusOK, "comparison", data)
}

// atURL is a comparison's page, at one of its places.
func atURL(id, path string) string {
	return "/comparisons/" + url.PathEscape(id) + "?" + url.Values{"at": {path}}.Encode() + "#here"
}
