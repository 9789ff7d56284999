package admin

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/quackproxy/quack/internal/chart"
	"github.com/quackproxy/quack/reports"
)

// choice is one option of a select.
type choice struct{ Value, Text string }

var spans = []choice{{"", "since the beginning"}, {"168h", "in the last 7 days"}, {"24h", "in the last 24 hours"}, {"1h", "in the last hour"}, {"10m", "in the last 10 minutes"}}

// routeRow is a route in the overview.
type routeRow struct {
	reports.RouteReport
	Method, Pattern string // "" where the table does not have it
	Override        bool
	Verdict         words
	Says            string // why it is not ready
	State           state
	Recent          reports.Spark
}

// overview is what was asked of the page of all routes.
type overview struct {
	Query, Since, Show string
	Open               []string // branches; nil for as many as there is room for
}

func overviewOf(q url.Values) overview {
	return overview{Query: q.Get("q"), Since: q.Get("since"), Show: q.Get("show"), Open: q["open"]}
}

// link is the page with something else asked of it.
func (o overview) link() string {
	q := url.Values{}
	for _, part := range []struct{ name, value string }{{"q", o.Query}, {"since", o.Since}, {"show", o.Show}} {
		if part.value != "" {
			q.Set(part.name, part.value)
		}
	}
	if o.Open != nil {
		q["open"] = o.Open
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// linesMax bounds the lines of the page. What is beyond is found by the search.
const linesMax = 500

// linesFew is how many lines stand open without being asked for.
const linesFew = 60

func (s *server) overviewPage(w http.ResponseWriter, r *http.Request) {
	asked := overviewOf(r.URL.Query())
	f, err := s.spanFilter(asked.Since)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	asked.Since = chosen(f, asked.Since)
	list, err := s.report(r.Context(), f)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	data := struct {
		page
		overview
		Tree    overviewTree
		Spans   []choice
		Status  Status
		Trouble bool // something keeps writes from being shadowed
	}{page: s.base(r, "Routes", "routes"), overview: asked, Status: s.status()}
	marks, err := s.reports.Marks(r.Context())
	if err != nil {
		s.fail(w, r, fmt.Errorf("read the marks: %w", err))
		return
	}
	data.Spans = spansWith(marks)
	data.Trouble = data.Status.keepsShadowsOff()
	data.Live = "table gate leaks differences counts"
	data.Tree = asked.tree(s.routeRows(list))
	s.render(w, r, http.StatusOK, "overview", data)
}

// overviewTree is the tree of routes as it is shown.
type overviewTree struct {
	All   sums // of all routes that the query names, whatever their state
	Chips []chip
	Lines []line
	Left  int // lines that found no room
}

// chip is a state, and the link to the routes that are in it.
type chip struct {
	Class, Text, Link string
	Count             int64
	On                bool
}

// tree is what is shown of rows.
func (o overview) tree(rows []*routeRow) overviewTree {
	var named, shown []*routeRow
	for _, row := range rows {
		if o.names(row) {
			named = append(named, row)
			if o.Show == "" || o.Show == row.State.Key() {
				shown = append(shown, row)
			}
		}
	}
	root := grow(shown)
	all := root.Sum
	if o.Show != "" {
		all = grow(named).Sum
	}
	t := overviewTree{All: all, Chips: o.chips(&all), Lines: root.lines(o.opens(root))}
	if len(t.Lines) > linesMax {
		t.Lines, t.Left = t.Lines[:linesMax], len(t.Lines)-linesMax
	}
	return t
}

// names reports whether a row is among those that are searched for.
func (o overview) names(row *routeRow) bool {
	return strings.Contains(strings.ToLower(row.Name+" "+row.Method+" "+row.Pattern), strings.ToLower(strings.TrimSpace(o.Query)))
}

// opens says which branches are open: those that were asked for; all of them
// where somebody has searched, or where there are few.
func (o overview) opens(root *branch) func(*branch) bool {
	if o.Open != nil {
		all := slices.Contains(o.Open, "*")
		return func(b *branch) bool { return all || slices.Contains(o.Open, b.Path) }
	}
	all := o.Show != "" || strings.TrimSpace(o.Query) != "" || root.size() <= linesFew
	return func(*branch) bool { return all }
}

func (o overview) chips(all *sums) []chip {
	var list []chip
	for i, word := range stateWords {
		c := chip{Class: word.Class, Text: word.Text, Count: all.States[i], On: o.Show == word.Key}
		to := o
		to.Show, to.Open = word.Key, nil
		if c.On {
			to.Show = "" // and off again
		}
		c.Link = to.link()
		list = append(list, c)
	}
	return list
}

// Fold is the page with one branch folded that was open, or the reverse.
func (o overview) Fold(t overviewTree, of line) string {
	open := []string{} // not nil: none is an answer too
	for _, l := range t.Lines {
		if l.Branch != nil && l.Open && l.Branch != of.Branch {
			open = append(open, l.Branch.Path)
		}
	}
	if !of.Open {
		open = append(open, of.Branch.Path)
	}
	if len(open) == 0 {
		open = append(open, "")
	}
	slices.Sort(open)
	o.Open = open
	return o.link()
}

// routeRows are the rows of routes.
func (s *server) routeRows(list []reports.RouteReport) []*routeRow {
	table := s.control.Table()
	overrides := map[string]bool{}
	for _, o := range s.control.Overrides() {
		overrides[o.Route] = true
	}
	recent := s.reports.Sparks()
	rows := make([]*routeRow, len(list))
	for i := range list {
		row := &routeRow{RouteReport: list[i], Verdict: routeWords(&list[i]), Says: routeSays(&list[i]), State: routeState(&list[i]), Recent: recent[list[i].Name], Override: overrides[list[i].Name]}
		if table != nil {
			if route := table.Route(row.Name); route != nil {
				row.Method, row.Pattern = route.Method, route.Pattern
			}
		}
		rows[i] = row
	}
	return rows
}

// stateShares are the states of the routes of a branch as a bar.
func stateShares(t sums) template.HTML {
	parts := make([]chart.Part, states)
	for i, word := range stateWords {
		parts[i] = chart.Part{Class: "s-" + word.Class, Count: t.States[i]}
	}
	return template.HTML(chart.Shares(parts, stateText(t)))
}

// stateText is "3 differ, 12 not ready yet, 34 ready".
func stateText(t sums) string {
	var parts []string
	for i, word := range stateWords {
		if t.States[i] > 0 {
			parts = append(parts, num(t.States[i])+" "+word.Text)
		}
	}
	return strings.Join(parts, ", ")
}

// spark is the last hour, by the minute.
func spark(s reports.Spark) template.HTML {
	var compared, mismatched int64
	for i := range s.Compared {
		compared += s.Compared[i]
		mismatched += s.Mismatched[i]
	}
	says := "In the last hour " + num(compared) + " compared"
	if mismatched > 0 {
		says += ", " + num(mismatched) + " mismatched"
	}
	return template.HTML(chart.Spark(s.Compared[:], s.Mismatched[:], says))
}
