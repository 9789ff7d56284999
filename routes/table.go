package routes

import (
	"fmt"
	"slices"

	"github.com/quackproxy/quack/internal/redact"
)

// Table is an immutable set of routes and backends. Safe for concurrent use.
type Table struct {
	file      string
	hash      string
	root      *treeNode
	backends  []*Backend
	databases map[string]*Database
	routes    []*Route
	byName    map[string]int
	fallback  *Route
	redaction *redact.Policy
	matcher   *matcher // numbers of routes; shared by tables that differ in stages
}

// Match returns the route of a request by its method and its path as it came
// (escaped, not cleaned), or t.Default(). params gives the path parameters,
// still escaped, for Sticky path: and Rewrite. The budget is 1 µs among 2,000
// routes; it allocates the values of the parameters and nothing else.
//
// Nothing is normalised: "//", "%2F", ";" and a trailing slash are literal, and
// upper and lower case differ. Where patterns overlap, a literal wins over a
// parameter with a regular expression, that over a plain parameter, and that
// over the wildcard; of one pattern the route with the method wins over the
// one for any method. HEAD is GET without the content (RFC 9110 9.3.2): it goes
// to the GET route of the pattern, unless that pattern has a HEAD route. A
// parameter takes characters up to a slash, none also between two slashes.
func (t *Table) Match(method, escapedPath string) (*Route, Params) {
	number, values := t.matcher.find(t.routes, method, escapedPath)
	if number < 0 {
		return t.fallback, Params{}
	}
	r := t.routes[number]
	return r, Params{r.params, values}
}

// Default is the route "(default)" of requests that match no other: legacy's
// default backend, stage legacy, read-only by method unless defaults say
// otherwise.
func (t *Table) Default() *Route { return t.fallback }

// Routes are the routes in the file's order, without the default.
func (t *Table) Routes() []*Route { return slices.Clone(t.routes) }

// Route is the route of that name, nil when there is none.
func (t *Table) Route(name string) *Route {
	if i, ok := t.byName[name]; ok {
		return t.routes[i]
	}
	return nil
}

// Backends are all backends, sorted by name.
func (t *Table) Backends() []*Backend { return slices.Clone(t.backends) }

// Hash is a digest of the file's bytes, to tell tables apart: 16 hex digits of
// their SHA-256. Stages set live do not change it.
func (t *Table) Hash() string { return t.hash }

// StageSetting is a stage set live.
type StageSetting struct {
	Stage   Stage
	Percent float64 // at StageRamp, 0 to 100; else 0
}

// WithStages is t with the stages of some routes (by name) replaced, under the
// same checks as Load. Names that t does not have are returned in unknown and
// left out; a setting that is refused is an Errors.
func (t *Table) WithStages(set map[string]StageSetting) (with *Table, unknown []string, err error) {
	copied := *t
	copied.routes = slices.Clone(t.routes)
	var f faults
	for _, name := range sortedKeys(set) {
		i, ok := t.byName[name]
		if !ok {
			unknown = append(unknown, name)
			continue
		}
		copied.routes[i] = t.routes[i].withStage(set[name], &f)
	}
	if len(f.list) > 0 {
		return nil, unknown, f.inOrder()
	}
	return &copied, unknown, nil
}

// withStage is r at another stage, checked.
func (r *Route) withStage(s StageSetting, f *faults) *Route {
	at := r.ownAt(settingStage)
	if !slices.Contains(stageNames, string(s.Stage)) {
		f.add(at, r.Name, fmt.Sprintf("stage %s is not known", quoted(string(s.Stage))), choice(string(s.Stage), stageNames))
		return r
	}
	if s.Stage != StageRamp && s.Percent != 0 {
		f.add(at, r.Name, "percent has a meaning only at stage ramp", "leave the percent out, or set stage ramp")
		return r
	}
	if !isPercent(s.Percent) {
		f.add(at, r.Name, fmt.Sprintf("percent %s is not between 0 and 100", showNumber(s.Percent)), "give a number from 0 to 100")
		return r
	}
	changed, from := *r, *r.from
	from[settingStage] = &stated{value: s.Stage, pos: at, by: r.node, live: true}
	from[settingPercent] = &stated{value: s.Percent, pos: at, by: r.node, live: true}
	changed.Stage, changed.Percent, changed.from = s.Stage, s.Percent, &from
	changed.checkStage(f)
	return &changed
}
