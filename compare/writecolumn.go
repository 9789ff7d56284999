package compare

import (
	"bytes"
	"strings"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// comparedColumn is a column of two rows that are paired; a side that has none of
// the name has nil.
type comparedColumn struct {
	*writes
	rows        [2]*rowOf
	table, name string
	legacy, new *Column
	at          base
	ignored     int32 // rule that ignores the table, -1 for none
}

// columnPiece is what was found in one column.
type columnPiece struct {
	*walk
	weight float64
}

// list enters what was found as differences of kind writes.
func (c *columnPiece) list(l *ledger) {
	l.as, l.weight = KindWrites, c.weight
	c.walk.list(l)
	l.as, l.weight = "", 0
}

// compare gives nil when nothing differs.
func (c *comparedColumn) compare() piece {
	if c.legacy == nil || c.new == nil {
		return c.one(verdict{})
	}
	switch {
	case c.legacy.Unchanged && c.new.Unchanged:
		return nil
	case c.legacy.Unchanged || c.new.Unchanged:
		return c.one(verdict{reason: byUnchanged})
	}
	legacy, new := c.legacy.json(), c.new.json()
	if bytes.Equal(legacy, new) && !(c.rules != nil && c.rules.linked) {
		return nil
	}
	return c.walk(legacy, new)
}

// walk compares the two values as JSON texts.
func (c *comparedColumn) walk(legacy, new []byte) piece {
	legacy, new = alikeStamps(c.legacy, c.new, legacy, new)
	w := c.pair.newWalk(legacy, new, c.rules)
	w.start(&c.at)
	w.frames[0].ignored = c.ignored
	if !c.rules.off(Generated) {
		w.amend = c.forgiveIDs(w)
	}
	if w.compare() < 0 { // too different to be taken apart
		w.free()
		return c.one(verdict{})
	}
	if len(w.events) == 0 && len(w.equal) == 0 {
		w.free()
		return nil
	}
	return &columnPiece{walk: w}
}

// forgiveIDs forgives values that are the ids of rows which were inserted as each
// other's partners, and nothing where the two are those of others.
func (c *comparedColumn) forgiveIDs(w *walk) func(event) verdict {
	astray := c.astray()
	return func(e event) verdict {
		if astray && e.verdict.reason == ifGenerated {
			e.verdict = verdict{}
		}
		if astray || e.verdict.reason != counts || e.kind != KindValue {
			return e.verdict
		}
		table, name := c.table, c.name
		if w.homes[e.home].parent >= 0 && !e.here.element() {
			table, name = "", jsontext.Unescaped(w.name(e.here))
		}
		legacy, new := jsonScalar(w.a[e.a.from:e.a.to]), jsonScalar(w.b[e.b.from:e.b.to])
		if id, ok := c.partners(table, name, string(legacy.text), string(new.text)); ok && id.number {
			e.verdict.reason = byGenerated
		}
		return e.verdict
	}
}

// astray reports whether the two rows refer to inserted rows that are not each
// other's partners.
func (c *comparedColumn) astray() bool {
	l, n := c.rows[0].refersBy(c.legacy), c.rows[1].refersBy(c.new)
	return l != nil && n != nil && l.partner != n
}

// refersBy is the one row that a column refers to, nil when there is none or several.
func (r *rowOf) refersBy(c *Column) *rowOf {
	for i := range r.columns {
		if &r.columns[i] == c && len(r.refs[i]) == 1 {
			return r.refs[i][0]
		}
	}
	return nil
}

// one is the column as a single difference.
func (c *comparedColumn) one(v verdict) piece {
	f := finding{level: -1, verdict: v, Difference: Difference{Path: c.at.path, At: c.at.at, Kind: KindWrites, Weight: 1}}
	if c.ignored >= 0 {
		f.verdict = forgivenBy(c.ignored)
	}
	f.Legacy, f.New = c.legacy.shown(), c.new.shown()
	for _, r := range c.rules.rulesAt(&c.at) {
		if c.rules.actions[r].ignore {
			f.verdict = forgivenBy(r)
			break
		}
	}
	s := &findings{}
	s.add(f)
	return s
}

func (c *Column) shown() string {
	if c == nil {
		return ""
	}
	return show(c.String())
}

// alikeStamps gives a timestamp on a whole second the fraction that the server
// leaves out, where the other side has one: two of one column are of one format.
func alikeStamps(l, n *Column, legacy, new []byte) (_, _ []byte) {
	if !strings.HasPrefix(l.Type, "timestamp") || l.Null || n.Null {
		return legacy, new
	}
	hasL, hasN := bytes.IndexByte(legacy, '.') >= 0, bytes.IndexByte(new, '.') >= 0
	const second = 1 + len("2006-01-02 15:04:05") // behind the quote
	switch {
	case hasN && !hasL && len(legacy) > second:
		legacy = bytes.Join([][]byte{legacy[:second], legacy[second:]}, []byte(".0"))
	case hasL && !hasN && len(new) > second:
		new = bytes.Join([][]byte{new[:second], new[second:]}, []byte(".0"))
	}
	return legacy, new
}
