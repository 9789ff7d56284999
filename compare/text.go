package compare

import (
	"bytes"
	"strings"
)

// compareLines compares texts, which have to be UTF-8 by now.
func (p *pair) compareLines(c *content) (*bodies, error) {
	if !c.isText() {
		return compareBytes(c), nil
	}
	return p.compareText(c), nil
}

// compareText compares texts line by line, with as few differences as there
// are edits. How lines end, and whether the last one does, is one difference.
func (p *pair) compareText(c *content) *bodies {
	if len(c.base.steps) > 0 && bytes.IndexByte(c.legacy, '\n') < 0 && bytes.IndexByte(c.new, '\n') < 0 {
		return p.compareValue(c)
	}
	w := &lineWalk{findings: findings{levels: []level{{parent: -1}}, listing: &p.listing}, rules: p.rules, base: &c.base}
	legacy, new := c.compareLineEnds(&w.findings)
	if count := max(lines(legacy), lines(new)); count > maxPairedOf(len(legacy)+len(new)) {
		w.byPosition(legacy, new, count)
	} else {
		w.aligned(splitLines(legacy), splitLines(new))
	}
	return &bodies{[]piece{&w.findings}}
}

// compareValue compares the one line of a part.
func (p *pair) compareValue(c *content) *bodies {
	s := &findings{}
	applicable := p.rules.rulesAt(&c.base)
	legacy, new := string(c.legacy), string(c.new)
	if legacy == new {
		for _, r := range applicable {
			if link := p.rules.actions[r].link; link > 0 {
				s.equal = append(s.equal, equalLink{link - 1, linkText(legacy)})
			}
		}
		return &bodies{[]piece{s}}
	}
	f := finding{Difference: Difference{Path: c.base.path, At: c.base.at, Kind: KindValue, Weight: 1, Legacy: show(legacy), New: show(new)}, level: -1}
	f.judge(p.rules, applicable, c.base.name(), legacy, new)
	s.add(f)
	return &bodies{[]piece{s}}
}

// compareLineEnds enters a difference in how the lines end, and gives the
// texts without it.
func (c *content) compareLineEnds(s *findings) (legacy, new []byte) {
	legacy, new = c.legacy, c.new
	l, n := lineEnds(legacy), lineEnds(new)
	lines := l.line != "" && n.line != "" && l.line != n.line
	if !lines && l.last == n.last {
		return legacy, new
	}
	s.add(finding{Difference: Difference{
		Path: c.base.whole, At: c.base.wholeAt, Kind: KindFormat, Weight: 1,
		Legacy: l.text(lines, l.last != n.last), New: n.text(lines, l.last != n.last),
	}, level: -1})
	return withoutEnds(legacy, lines), withoutEnds(new, lines)
}

// ends is how the lines of a text end.
type ends struct {
	line string // how each does, "" when they do so differently or there is no end
	last bool   // the last line has an end
}

func lineEnds(text []byte) ends {
	lf, crlf := bytes.Count(text, []byte("\n")), bytes.Count(text, []byte("\r\n"))
	e := ends{last: bytes.HasSuffix(text, []byte("\n"))}
	switch {
	case lf == 0:
	case crlf == lf:
		e.line = `\r\n`
	case crlf == 0:
		e.line = `\n`
	}
	return e
}

// text says what is asked for.
func (e ends) text(lines, last bool) string {
	var parts []string
	if lines {
		parts = append(parts, "lines end in "+e.line)
	}
	if last && e.last {
		parts = append(parts, "the last line has an end")
	} else if last {
		parts = append(parts, "the last line has no end")
	}
	return strings.Join(parts, ", ")
}

// withoutEnds is a text without an end of its last line, and with plain ends
// of the others where it is the ends that differ.
func withoutEnds(text []byte, plain bool) []byte {
	if plain {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
}
