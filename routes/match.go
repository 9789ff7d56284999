package routes

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/go-chi/chi/v5"
)

// Params are the path parameters of a match.
type Params struct {
	names  []string // the route's
	values []string
}

// Get is the value of a parameter as it came, still escaped; "*" names the
// wildcard. It is "" when the pattern has no such parameter.
func (p Params) Get(name string) string {
	for i, n := range p.names {
		if n == name {
			return p.values[i]
		}
	}
	return ""
}

// matcher finds the number of a request's route. It keeps one chi tree for each
// method that the file names, and one for all others, which holds the routes
// of any method. chi's own handling of methods would allocate for each path
// that has another method, and knows a fixed list of them.
type matcher struct {
	byMethod map[string]*tree
	other    *tree
}

// tree is a chi tree. The method that it is filled under has no meaning.
type tree struct {
	mux     *chi.Mux
	numbers map[string]int // of routes, by the pattern as given to chi
}

// contexts are reused: a search needs one, and nothing of it is kept.
var contexts = sync.Pool{New: func() any { return chi.NewRouteContext() }}

// newMatcher makes a matcher of routes. Routes that chi does not take are
// reported, though the check of patterns should have found them.
func newMatcher(routes []*Route, f *faults, p *pace) *matcher {
	m := &matcher{byMethod: map[string]*tree{}, other: newTree()}
	for _, r := range routes {
		if r.Method != "" && m.byMethod[r.Method] == nil {
			m.byMethod[r.Method] = newTree()
		}
	}
	if m.byMethod[http.MethodGet] != nil && m.byMethod[http.MethodHead] == nil {
		m.byMethod[http.MethodHead] = newTree()
	}
	// A later entry of the same shape wins: first any method, then GET for HEAD,
	// then the method itself.
	for i, r := range routes {
		p.step()
		if r.Method == "" {
			m.other.add(i, r, f)
			for _, t := range m.byMethod {
				t.add(i, r, f)
			}
		}
	}
	for i, r := range routes {
		p.step()
		if r.Method == http.MethodGet {
			m.byMethod[http.MethodHead].add(i, r, f)
		}
	}
	for i, r := range routes {
		p.step()
		if r.Method != "" {
			m.byMethod[r.Method].add(i, r, f)
		}
	}
	return m
}

func newTree() *tree { return &tree{mux: chi.NewMux(), numbers: map[string]int{}} }

func (t *tree) add(number int, r *Route, f *faults) {
	defer func() {
		if p := recover(); p != nil {
			f.add(r.Position, r.Name, fmt.Sprintf("the pattern %s is not taken: %v", quoted(r.Pattern), p), "write it otherwise")
		}
	}()
	pattern := r.node.pattern.chi()
	t.mux.Get(pattern, http.NotFound)
	t.numbers[pattern] = number
}

// find is the number of the route that a request is for, and the values of its
// parameters; -1 when there is none.
func (m *matcher) find(routes []*Route, method, escapedPath string) (number int, values []string) {
	t := m.byMethod[method]
	if t == nil {
		t = m.other
	}
	if escapedPath == "" || escapedPath[0] != '/' { // OPTIONS *
		return -1, nil
	}
	c := contexts.Get().(*chi.Context)
	defer contexts.Put(c)
	c.Reset()
	pattern := t.mux.Find(c, http.MethodGet, escapedPath)
	number, ok := t.numbers[pattern]
	if !ok || pattern == "" {
		return -1, nil
	}
	for i, isRegexp := range routes[number].regexps {
		// chi lets a regular expression pass an empty value unseen.
		if isRegexp && c.URLParams.Values[i] == "" {
			return -1, nil
		}
	}
	if len(c.URLParams.Values) > 0 {
		values = append(values, c.URLParams.Values...)
	}
	return number, values
}
