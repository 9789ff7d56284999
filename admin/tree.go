package admin

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// branch is what stands below one prefix of the paths of routes. The tree is
// grown from the patterns, not from the file: a node of the file that has only
// settings is no place to look for a route.
type branch struct {
	Path     string // "/api/v1"; "" at the root
	Branches []*branch
	Rows     []*routeRow
	Sum      sums // over all routes below
}

// fewest is how many routes make a branch. What has fewer stands in the branch
// above.
const fewest = 4

// grow makes the tree of rows. Routes that are in no pattern, the default one and
// those that have left the table, stand at the root.
func grow(rows []*routeRow) *branch {
	root := &seedling{}
	for _, row := range rows {
		at := root
		for _, segment := range segmentsOf(row.Pattern) {
			at = at.below(segment)
		}
		at.rows = append(at.rows, row)
	}
	return root.grown("")
}

// segmentsOf cuts a pattern at its slashes; one in the expression of a parameter
// cuts nothing.
func segmentsOf(pattern string) []string {
	braces := 0
	return strings.FieldsFunc(pattern, func(r rune) bool {
		switch r {
		case '{':
			braces++
		case '}':
			braces--
		}
		return r == '/' && braces == 0
	})
}

// seedling is a segment of the patterns, before it is known whether it is worth
// a branch.
type seedling struct {
	next map[string]*seedling
	rows []*routeRow
}

func (s *seedling) below(segment string) *seedling {
	if s.next == nil {
		s.next = map[string]*seedling{}
	}
	if s.next[segment] == nil {
		s.next[segment] = &seedling{}
	}
	return s.next[segment]
}

func (s *seedling) grown(path string) *branch {
	b := &branch{Path: path, Rows: s.rows}
	for _, segment := range slices.Sorted(maps.Keys(s.next)) {
		child := s.next[segment].grown(path + "/" + segment)
		switch {
		case child.Sum.Routes < fewest:
			b.Rows = append(b.Rows, child.all()...)
		case strings.HasPrefix(segment, "{"): // /accounts and /accounts/{id} are read together
			b.Rows, b.Branches = append(b.Rows, child.Rows...), append(b.Branches, child.Branches...)
		case len(child.Rows) == 0 && len(child.Branches) == 1:
			b.Branches = append(b.Branches, child.Branches[0])
		default:
			b.Branches = append(b.Branches, child)
		}
	}
	for _, row := range b.Rows {
		b.Sum.merge(sumsOf(row))
	}
	for _, child := range b.Branches {
		b.Sum.merge(&child.Sum)
	}
	slices.SortStableFunc(b.Rows, compareRows)
	return b
}

// all are the rows of a branch and of those below.
func (b *branch) all() []*routeRow {
	rows := slices.Clone(b.Rows)
	for _, child := range b.Branches {
		rows = append(rows, child.all()...)
	}
	return rows
}

// methods in the order in which they are read.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// compareRows puts what differs first, then the order of paths; what has no path
// comes last.
func compareRows(a, b *routeRow) int {
	none := func(r *routeRow) int { return one(r.Pattern == "") }
	return cmp.Or(cmp.Compare(one(a.State != stateDiffers), one(b.State != stateDiffers)), cmp.Compare(none(a), none(b)),
		cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(slices.Index(methods, a.Method), slices.Index(methods, b.Method)), cmp.Compare(a.Name, b.Name))
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// line is one row of the table: a branch or a route.
type line struct {
	Depth  int // 0 at the root
	Branch *branch
	Open   bool
	Row    *routeRow
	Under  string // the path of the branch that it stands in
}

// Match is what a route is for, from where its branch ends, where its name does
// not say it.
func (l line) Match() string {
	match := strings.TrimSpace(l.Row.Method + " " + l.Row.Pattern)
	if match == l.Row.Name {
		return ""
	}
	if rest, is := strings.CutPrefix(l.Row.Pattern, l.Under); is && l.Under != "" {
		if rest != "" {
			rest = "…" + rest
		}
		return strings.TrimSpace(l.Row.Method + " " + rest)
	}
	return match
}

// lines are what is seen of a tree where the branches that open says are open.
func (b *branch) lines(open func(*branch) bool) []line { return b.linesAt(0, open, nil) }

func (b *branch) linesAt(depth int, open func(*branch) bool, list []line) []line {
	for _, child := range b.Branches {
		is := open(child)
		list = append(list, line{Depth: depth, Branch: child, Open: is, Under: b.Path})
		if is {
			list = child.linesAt(depth+1, open, list)
		}
	}
	for _, row := range b.Rows {
		list = append(list, line{Depth: depth, Row: row, Under: b.Path})
	}
	return list
}

// size is how many lines the whole tree has.
func (b *branch) size() int {
	n := len(b.Rows)
	for _, child := range b.Branches {
		n += 1 + child.size()
	}
	return n
}
