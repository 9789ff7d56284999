package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/redact"
)

// ofPolicy reports whether a route has a policy: whether what is stored of it may
// have been stored under another one.
func (r *Reports) ofPolicy(route string) bool {
	return r.config.Redaction != nil && r.config.Redaction(route) != nil
}

// reread is a stored comparison under the policy in force. Without one, it is as
// it was stored.
func (r *Reports) reread(c *Comparison, err error) (*Comparison, error) {
	if err != nil || !r.ofPolicy(c.Route) {
		return c, err
	}
	return cleaner{r.redactorOf(c.Route), true}.clean(c), nil
}

// rereadGroup is a stored group under the policy in force.
func (r *Reports) rereadGroup(g *Group) {
	if !r.ofPolicy(g.Route) {
		return
	}
	by, path := r.redactorOf(g.Route), g.Path
	g.Path = cleanPath(by, path)
	for i := range g.Samples {
		rereadSample(by, path, &g.Samples[i])
	}
}

// rereadFacets are facets that were counted before the policy in force.
func (r *Reports) rereadFacets(c *RouteCoverage) {
	if !r.ofPolicy(c.Route) {
		return
	}
	by := r.redactorOf(c.Route)
	for i := range c.Facets {
		c.Facets[i].Value = by.Text(c.Facets[i].Value)
	}
}

func rereadSample(by *redact.Redactor, path string, s *Sample) {
	s.Place = cleanPath(by, s.Place)
	s.Legacy, s.New = by.Value(path, s.Legacy), by.Value(path, s.New)
}

// rereadCalibration is a stored calibration under the policy in force.
func (r *Reports) rereadCalibration(c *Calibration) {
	if !r.ofPolicy(c.Route) {
		return
	}
	by := r.redactorOf(c.Route)
	for i := range c.Places {
		p := &c.Places[i]
		for j := range p.Samples {
			rereadSample(by, p.Path, &p.Samples[j])
		}
		p.Path = cleanPath(by, p.Path)
	}
	for i := range c.Forgiven {
		c.Forgiven[i].Path = cleanPath(by, c.Forgiven[i].Path)
	}
}

// storedPaths are the paths that the store has for one that is shown: itself, and
// those that are shown so under the policy in force.
func (r *Reports) storedPaths(ctx context.Context, f Filter) ([]string, error) {
	paths := []string{f.Path}
	if f.Path == "" || !redact.IsRedacted(f.Path) {
		return paths, nil
	}
	rows, err := r.db.QueryContext(ctx, `SELECT DISTINCT route, path FROM reports_groups WHERE ?1 = '' OR route = ?1`, f.Route)
	if err != nil {
		return nil, fmt.Errorf("read paths of differences: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var route, path string
		if err := rows.Scan(&route, &path); err != nil {
			return nil, fmt.Errorf("read paths of differences: %w", err)
		}
		if !slices.Contains(paths, path) && r.ofPolicy(route) && cleanPath(r.redactorOf(route), path) == f.Path {
			paths = append(paths, path)
		}
	}
	return paths, rows.Err()
}

// pathsAsJSON are storedPaths for a query: "[]" when any will do.
func (r *Reports) pathsAsJSON(ctx context.Context, f Filter) (string, error) {
	if f.Path == "" {
		return "[]", nil
	}
	paths, err := r.storedPaths(ctx, f)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(paths)
	return string(b), err
}

// cleanedPath is the path of a group without secrets, under a policy.
type cleanedPath struct {
	path  string
	under *redact.Policy
}

// cleanKey is the key of a group without secrets. Its path is that of a
// comparison that has it, where there is one: in that one all secrets of the
// exchange were known.
func (w *writer) cleanKey(r *Reports, k groupKey, e example) groupKey {
	var under *redact.Policy
	if r.config.Redaction != nil {
		under = r.config.Redaction(k.route)
	}
	known, some := w.paths[k]
	switch {
	case some && known.under == under:
		k.path = known.path
	case e.c != nil && k.path != compare.OtherPlaces:
		path := pathOf(clean(r.redactorOf(k.route), e.c), e.o)
		w.paths[k] = cleanedPath{path, under}
		k.path = path
	default:
		k.path = cleanPath(r.redactorOf(k.route), k.path)
	}
	return k
}

// learnPath notes what a comparison that was packed makes of the path of its
// group: others may have known fewer secrets.
func (w *writer) learnPath(k groupKey, c *Comparison, o occurrence) {
	if known, some := w.paths[k]; some && k.path != compare.OtherPlaces {
		known.path = pathOf(c, o)
		w.paths[k] = known
	}
}

func pathOf(c *Comparison, o occurrence) string {
	if o.forgiven {
		return c.Forgiven[o.index].Path
	}
	return c.Differences[o.index].Path
}
