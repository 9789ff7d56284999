package admin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
)

// rowsOf are routes by "METHOD pattern", a "!" before those that differ.
func rowsOf(matches ...string) []*routeRow {
	var rows []*routeRow
	for _, match := range matches {
		row := &routeRow{State: stateReady}
		if rest, differs := strings.CutPrefix(match, "!"); differs {
			match, row.State = rest, stateDiffers
		}
		row.Method, row.Pattern, _ = strings.Cut(match, " ")
		row.RouteReport = reports.RouteReport{Name: "name of " + match, Served: 2}
		rows = append(rows, row)
	}
	return rows
}

// drawn is a tree as text, all of it open.
func drawn(b *branch) string {
	var out strings.Builder
	for _, l := range b.lines(func(*branch) bool { return true }) {
		out.WriteString(strings.Repeat("  ", l.Depth))
		if l.Branch != nil {
			fmt.Fprintf(&out, "%s (%d)\n", l.Branch.Path, l.Branch.Sum.Routes)
		} else {
			out.WriteString(l.Match() + "\n")
		}
	}
	return out.String()
}

func TestTree(t *testing.T) {
	crud := []string{"GET /a/b/{id}", "PATCH /a/b/{id}", "DELETE /a/b/{id}", "POST /a/b", "GET /a/b"}
	for _, c := range []struct {
		reason string
		routes []string
		want   string
	}{
		{"few routes are no branch", crud[:3], "GET /a/b/{id}\nPATCH /a/b/{id}\nDELETE /a/b/{id}\n"},
		{"a parameter makes no branch, and a chain is one", crud, "/a/b (5)\n  GET\n  POST\n  GET …/{id}\n  PATCH …/{id}\n  DELETE …/{id}\n"},
		{"branches within, what differs first", slices.Concat(crud, []string{"GET /a/c/1", "GET /a/c/2", "GET /a/c/3", "!GET /a/c/4", "GET /z"}),
			"/a (9)\n  /a/b (5)\n    GET\n    POST\n    GET …/{id}\n    PATCH …/{id}\n    DELETE …/{id}\n  /a/c (4)\n    GET …/4\n    GET …/1\n    GET …/2\n    GET …/3\nGET /z\n"},
		{"below a parameter", []string{"GET /{t}/x/1", "GET /{t}/x/2", "GET /{t}/x/3", "GET /{t}/x/4"}, "/{t}/x (4)\n  GET …/1\n  GET …/2\n  GET …/3\n  GET …/4\n"},
		{"a slash in an expression cuts nothing", []string{"GET /p/{rest:a/b}", "GET /p/1", "GET /p/2", "GET /p/3"}, "/p (4)\n  GET …/1\n  GET …/2\n  GET …/3\n  GET …/{rest:a/b}\n"},
		{"a branch is no prefix of letters", []string{"GET /ab/1", "GET /ab/2", "GET /ab/3", "GET /ab/4", "GET /abc"}, "/ab (4)\n  GET …/1\n  GET …/2\n  GET …/3\n  GET …/4\nGET /abc\n"},
		{"the root, and a route that has left the table", []string{"GET /", " "}, "GET /\n\n"},
	} {
		if got := drawn(grow(rowsOf(c.routes...))); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.reason, got, c.want)
		}
	}
}

// Whatever the routes, each stands in the tree once, and the sums are theirs.
func FuzzTree(f *testing.F) {
	f.Add("/a/b\n/a/{x}\n/a/b/c\n/a/b/d\n/a/b/e")
	f.Add("/{a/b\n/}\n//\n")
	f.Fuzz(func(t *testing.T, patterns string) {
		var matches []string
		for pattern := range strings.SplitSeq(patterns, "\n") {
			matches = append(matches, "GET "+pattern)
		}
		rows := rowsOf(matches...)
		root := grow(rows)
		seen := map[*routeRow]int{}
		for _, row := range root.all() {
			seen[row]++
		}
		for _, row := range rows {
			if seen[row] != 1 {
				t.Errorf("%q stands %d times", row.Pattern, seen[row])
			}
		}
		if n := int64(len(rows)); root.Sum.Routes != n || root.Sum.Served != 2*n {
			t.Errorf("%d routes, sums %+v", n, root.Sum)
		}
		if lines := root.lines(func(*branch) bool { return true }); len(lines) != root.size() {
			t.Errorf("%d lines, %d counted", len(lines), root.size())
		}
	})
}

func TestOverviewLinks(t *testing.T) {
	var matches []string
	for i := range 80 {
		matches = append(matches, fmt.Sprintf("GET /%c/%d", 'a'+i%4, i))
	}
	rows := rowsOf(matches...)
	asked := overview{Since: "24h"}
	tree := asked.tree(rows)
	if len(tree.Lines) != 4 || tree.Lines[1].Open {
		t.Fatalf("many routes do not stand folded: %d lines", len(tree.Lines))
	}
	open := asked.Fold(tree, tree.Lines[1])
	if open != "/?open=%2Fb&since=24h" {
		t.Errorf("the link that opens: %s", open)
	}
	asked.Open = []string{"/b"}
	tree = asked.tree(rows)
	if len(tree.Lines) != 4+20 || !tree.Lines[1].Open {
		t.Errorf("one open: %d lines", len(tree.Lines))
	}
	if shut := asked.Fold(tree, tree.Lines[1]); shut != "/?open=&since=24h" {
		t.Errorf("the link that folds: %s", shut)
	}
	if tree := (overview{Query: "/C/"}).tree(rows); len(tree.Lines) != 1+20 || tree.All.Routes != 20 {
		t.Errorf("searched: %d lines of %d routes", len(tree.Lines), tree.All.Routes)
	}
	rows[5].State = stateDiffers
	tree = overview{Show: "differs"}.tree(rows)
	if len(tree.Lines) != 1 || tree.Lines[0].Row != rows[5] || tree.All.Routes != 80 || tree.Chips[0].Count != 1 || !tree.Chips[0].On {
		t.Errorf("those that differ: %+v", tree)
	}
	if link := tree.Chips[0].Link; link != "/" {
		t.Errorf("the link to all: %s", link)
	}
	if link := tree.Chips[2].Link; link != "/?show=ready" {
		t.Errorf("the link to those that are ready: %s", link)
	}
	for i := range 700 {
		rows = append(rows, rowsOf(fmt.Sprintf("GET /more%d", i))...)
	}
	if tree := (overview{Open: []string{"*"}}).tree(rows); len(tree.Lines) != linesMax || tree.Left != 780+4-linesMax {
		t.Errorf("%d lines, %d left", len(tree.Lines), tree.Left)
	}
}
