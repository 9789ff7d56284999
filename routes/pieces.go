package routes

import (
	"bytes"
	"slices"
	"strings"
)

// pieces reads a file one route at a time. The YAML parser has no pauses, and
// takes a tenth of a second for thousands of routes; nor has it to keep more
// than one of them in memory then.
//
// Only lists of routes are cut out, where lines alone tell the items apart. Whatever
// is not taken as it stands makes the whole file be read in one go: what is said
// of a fault, and what is none, is never a matter of where the text was cut.
type pieces struct {
	document
	lines [][]byte
	last  int // line that is not blank
}

// inPieces is the file's document, nil when it has to be read as a whole.
func (d document) inPieces(src []byte) *yamlNode {
	if bytes.Count(src, []byte("\r")) != bytes.Count(src, []byte("\r\n")) {
		return nil // a line for the parser, and none for bytes.Lines
	}
	d.faults = &faults{}
	p := pieces{document: d, lines: slices.Collect(bytes.Lines(src))}
	for p.last = len(p.lines) - 1; p.last >= 0 && isBlank(p.lines[p.last]); p.last-- {
	}
	n := p.read(0, len(p.lines), 0, "")
	if len(d.list) > 0 {
		return nil
	}
	return n
}

// read is the value that stands in the lines from first to before end; nil when
// it could not be read so. A list of routes stands below a key with that many
// spaces before it. behind is a line to read with it.
func (p pieces) read(first, end, indent int, behind string) *yamlNode {
	key, from, to := p.list(first, end, indent)
	var text bytes.Buffer
	for _, line := range p.lines[first:from] {
		text.Write(line)
	}
	for _, line := range p.lines[to:end] {
		text.Write(line)
	}
	text.WriteString(behind)
	file, err := parseYAML(text.Bytes())
	if err != nil || len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil
	}
	d := p.document
	d.before, d.gap = first, gap{from - first + 1, to - from}
	n := d.convert(file.Docs[0].Body)
	p.step()
	if from < to && !p.fill(n, key, from, to) {
		return nil
	}
	return n
}

// list finds the list of routes in the lines from first to before end: the line
// of its key, and the lines of its items. from is to when there is none.
func (p pieces) list(first, end, indent int) (key, from, to int) {
	for key = first; key < end && !isRoutesKey(p.lines[key], indent); key++ {
	}
	for from = key + 1; from < end && isBlank(p.lines[from]); from++ {
	}
	if from >= end || !isItem(p.lines[from], spaces(p.lines[from])) || spaces(p.lines[from]) < indent {
		return key, end, end
	}
	column := spaces(p.lines[from])
	for to = from; to < end && (isBlank(p.lines[to]) || spaces(p.lines[to]) > column || isItem(p.lines[to], column)); to++ {
	}
	return key, from, to
}

// fill puts the list in the lines from from to before to in its place: below
// the key of n that stands in the line key, which must be without a value.
func (p pieces) fill(n *yamlNode, key, from, to int) bool {
	if n.kind == yamlSequence && len(n.items) > 0 {
		n = n.items[0]
	}
	at := slices.IndexFunc(n.entries, func(e yamlEntry) bool { return e.key == "routes" && e.pos.Line == key+1 })
	if at < 0 || n.entries[at].val.kind != yamlNull {
		return false
	}
	column := spaces(p.lines[from])
	list := &yamlNode{kind: yamlSequence, pos: Position{p.file, from + 1, column + 1}}
	for first := from; first < to; {
		next := first + 1
		for next < to && !isItem(p.lines[next], column) {
			next++
		}
		item := p.item(first, next, column)
		if item == nil {
			return false
		}
		list.items = append(list.items, item)
		first = next
	}
	n.entries[at].val = list
	return true
}

// item is the value of the item in the lines from first to before end, whose
// dash is in that column; nil when it could not be read by itself.
func (p pieces) item(first, end, column int) *yamlNode {
	want, behind := 1, ""
	if end <= p.last {
		// At the end of a text the parser places a value of several lines otherwise.
		want, behind = 2, strings.Repeat(" ", column)+"- 0\n"
	}
	n := p.read(first, end, column+1+spaces(p.lines[first][column+1:]), behind)
	if n == nil || n.kind != yamlSequence || len(n.items) != want {
		return nil
	}
	return n.items[0]
}

// isRoutesKey reports whether a line is the key of a list of routes that begins
// in a line below.
func isRoutesKey(line []byte, indent int) bool {
	rest, is := bytes.CutPrefix(line[min(indent, len(line)):], []byte("routes:"))
	if !is || spaces(line) != indent {
		return false
	}
	return isBlank(rest) && (len(bytes.TrimSpace(rest)) == 0 || rest[0] == ' ')
}

// isItem reports whether a line begins an item of a list in that column.
func isItem(line []byte, column int) bool {
	return spaces(line) == column && bytes.HasPrefix(line[column:], []byte("- "))
}

// isBlank reports whether a line has nothing in it, or a comment alone.
func isBlank(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}

// spaces is how many spaces a line begins with.
func spaces(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }
