package admin

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/jsontree"
)

// bodyView is two bodies side by side.
type bodyView struct {
	Rows []bodyRow
	Note string // why there are no rows, or not all
	Gaps bool   // equal lines were left out
}

// bodyRow is one line of both bodies, or a gap of equal lines.
type bodyRow struct {
	Legacy, New     string
	LegacyNo, NewNo int // line numbers from 1, 0 where the side has no such line
	Became          string
	Gap             int  // equal lines left out here
	Here            bool // the line is of the place that is looked at
	First           bool // and the first one on the page

	// LegacyParts and NewParts are the lines in pieces, where both sides have
	// one and only a piece of it has changed.
	LegacyParts, NewParts []part

	path string // generalised, as in compare.Difference
}

// What became of a line that is not the same on both sides.
const (
	lineDiffers  = "differs"
	lineForgiven = "forgiven"
)

const (
	maxRows   = 3000
	maxLine   = 2000 // bytes shown of one line
	keepAbout = 3    // equal lines shown beside one that differs
)

// viewBodies lines two bodies up.
func viewBodies(legacy, new *compare.Exchange, m *places, full bool) bodyView {
	if len(legacy.Body) == 0 && len(new.Body) == 0 {
		return bodyView{Note: unkept(legacy, new)}
	}
	var rows []bodyRow
	l, errLegacy := jsontree.Parse(legacy.Body)
	n, errNew := jsontree.Parse(new.Body)
	switch {
	case errLegacy == nil && errNew == nil:
		z := zip{places: m, digests: digests{}}
		z.pair(l, n, spot{path: "$"})
		rows = z.rows
	case utf8.Valid(legacy.Body) && utf8.Valid(new.Body):
		rows = zipLines(string(legacy.Body), string(new.Body), m.lines())
		for i := range rows {
			rows[i].path = "body"
		}
	default:
		return bodyView{Note: fmt.Sprintf("Not text: %s of legacy, %s of new.", size(int64(len(legacy.Body))), size(int64(len(new.Body))))}
	}
	v := bodyView{Rows: number(rows)}
	for i := range v.Rows {
		v.Rows[i].Here = v.Rows[i].Became != "" && m.looksAt(v.Rows[i].path)
	}
	if !full {
		v.Rows, v.Gaps = foldEqual(v.Rows)
	}
	if len(v.Rows) > maxRows {
		v.Rows = v.Rows[:maxRows]
		v.Note = fmt.Sprintf("Only the first %s lines are shown; the API gives all.", num(maxRows))
	}
	tellApart(v.Rows)
	return v
}

// maxTold bounds the work of tellApart: the sum over lines of their bytes on one
// side times those on the other.
const maxTold = 64 << 20

// tellApart finds the pieces of lines that have changed.
func tellApart(rows []bodyRow) {
	told := 0
	for i := range rows {
		r := &rows[i]
		if r.Became == "" || r.LegacyNo == 0 || r.NewNo == 0 {
			continue
		}
		if told += len(r.Legacy) * len(r.New); told > maxTold {
			return
		}
		r.LegacyParts, r.NewParts = changedParts(r.Legacy, r.New)
	}
}

// unkept says why no body can be shown.
func unkept(legacy, new *compare.Exchange) string {
	if legacy.Size == 0 && new.Size == 0 {
		return "Both answers have no body."
	}
	return fmt.Sprintf("The bodies are not kept: %s of legacy, %s of new.", size(legacy.Size), size(new.Size))
}

// number gives the lines their numbers and cuts what is too long to show.
func number(rows []bodyRow) []bodyRow {
	legacy, new := 0, 0
	for i := range rows {
		r := &rows[i]
		if r.LegacyNo >= 0 {
			legacy++
			r.LegacyNo = legacy
		} else {
			r.LegacyNo = 0
		}
		if r.NewNo >= 0 {
			new++
			r.NewNo = new
		} else {
			r.NewNo = 0
		}
		r.Legacy, r.New = cutLine(r.Legacy), cutLine(r.New)
	}
	return rows
}

func cutLine(s string) string {
	if len(s) <= maxLine {
		return s
	}
	cut := maxLine
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + " …"
}

// foldEqual leaves out runs of equal lines that are far from what differs.
func foldEqual(rows []bodyRow) (folded []bodyRow, gaps bool) {
	for start := 0; start < len(rows); {
		end := start
		for end < len(rows) && rows[end].Became == "" {
			end++
		}
		head, tail := keepAbout, keepAbout
		if start == 0 {
			head = 0
		}
		if end == len(rows) {
			tail = 0
		}
		if run := end - start; run > head+tail+2 && run < len(rows) {
			folded = append(folded, rows[start:start+head]...)
			folded = append(folded, bodyRow{Gap: run - head - tail})
			folded = append(folded, rows[end-tail:end]...)
			gaps = true
		} else {
			folded = append(folded, rows[start:end]...)
		}
		for ; end < len(rows) && rows[end].Became != ""; end++ {
			folded = append(folded, rows[end])
		}
		start = end
	}
	return folded, gaps
}

// zipLines lines up two texts.
func zipLines(legacy, new, became string) []bodyRow {
	l, n := strings.Split(strings.TrimSuffix(legacy, "\n"), "\n"), strings.Split(strings.TrimSuffix(new, "\n"), "\n")
	var rows []bodyRow
	for _, p := range align(len(l), len(n), func(i, j int) bool { return l[i] == n[j] }) {
		switch {
		case p.Legacy < 0:
			rows = append(rows, bodyRow{New: n[p.New], LegacyNo: -1, Became: became})
		case p.New < 0:
			rows = append(rows, bodyRow{Legacy: l[p.Legacy], NewNo: -1, Became: became})
		case l[p.Legacy] == n[p.New]:
			rows = append(rows, bodyRow{Legacy: l[p.Legacy], New: n[p.New]})
		default:
			rows = append(rows, bodyRow{Legacy: l[p.Legacy], New: n[p.New], Became: became})
		}
	}
	return rows
}

// zip writes two JSON values line by line beside each other, the members of
// objects in legacy's order.
type zip struct {
	places  *places
	digests digests
	rows    []bodyRow
}

// spot is where in the body a value stands.
type spot struct {
	path   string // generalised, as in compare.Difference
	indent string
	key    string // `"name": ` of a member
	last   [2]bool
}

func (p spot) comma(side int) string {
	if p.last[side] || p.indent == "" {
		return ""
	}
	return ","
}

func (z *zip) pair(l, n *jsontree.Value, at spot) {
	switch {
	case l.Bracket == '{' && n.Bracket == '{':
		z.both(at, "{")
		z.members(l, n, at)
		z.closing(at, "}")
	case l.Bracket == '[' && n.Bracket == '[':
		z.both(at, "[")
		z.items(l, n, at)
		z.closing(at, "]")
	case l.Bracket == 0 && n.Bracket == 0:
		became := ""
		if l.Text != n.Text {
			became = z.places.of(at.path)
		}
		z.rows = append(z.rows, bodyRow{Legacy: at.indent + at.key + l.Text + at.comma(0), New: at.indent + at.key + n.Text + at.comma(1), Became: became, path: at.path})
	default:
		z.single(l, 0, at)
		z.single(n, 1, at)
	}
}

// both opens an object or an array on both sides.
func (z *zip) both(at spot, bracket string) {
	line := at.indent + at.key + bracket
	z.rows = append(z.rows, bodyRow{Legacy: line, New: line})
}

func (z *zip) closing(at spot, bracket string) {
	z.rows = append(z.rows, bodyRow{Legacy: at.indent + bracket + at.comma(0), New: at.indent + bracket + at.comma(1)})
}

func (z *zip) members(l, n *jsontree.Value, at spot) {
	where := map[string]int{}
	for i, name := range n.Names {
		if _, twice := where[name]; !twice {
			where[name] = i
		}
	}
	taken := make([]bool, len(n.Names))
	for i, name := range l.Names {
		j, found := where[name]
		if found && taken[j] {
			found = false
		}
		if !found {
			z.single(l.Items[i], 0, at.member(name, [2]bool{i == len(l.Names)-1, true}))
			continue
		}
		taken[j] = true
		z.pair(l.Items[i], n.Items[j], at.member(name, [2]bool{i == len(l.Names)-1, j == len(n.Names)-1}))
	}
	for j, name := range n.Names {
		if !taken[j] {
			z.single(n.Items[j], 1, at.member(name, [2]bool{true, j == len(n.Names)-1}))
		}
	}
}

func (z *zip) items(l, n *jsontree.Value, at spot) {
	equal := func(i, j int) bool { return bytes.Equal(z.digests.of(l.Items[i]), z.digests.of(n.Items[j])) }
	for _, p := range align(len(l.Items), len(n.Items), equal) {
		item := spot{path: at.path + "[*]", indent: at.indent + "  ", last: [2]bool{p.Legacy == len(l.Items)-1, p.New == len(n.Items)-1}}
		switch {
		case p.Legacy < 0:
			z.single(n.Items[p.New], 1, item)
		case p.New < 0:
			z.single(l.Items[p.Legacy], 0, item)
		default:
			z.pair(l.Items[p.Legacy], n.Items[p.New], item)
		}
	}
}

// single writes a value that only one side has.
func (z *zip) single(v *jsontree.Value, side int, at spot) {
	became := z.places.of(at.path)
	for _, line := range linesOf(v, at.indent, at.key, at.comma(side)) {
		row := bodyRow{Legacy: line, NewNo: -1, Became: became, path: at.path}
		if side == 1 {
			row = bodyRow{New: line, LegacyNo: -1, Became: became, path: at.path}
		}
		z.rows = append(z.rows, row)
	}
}

func (p spot) member(name string, last [2]bool) spot {
	return spot{path: memberPath(p.path, name), indent: p.indent + "  ", key: jsontree.Quote(name) + ": ", last: last}
}
