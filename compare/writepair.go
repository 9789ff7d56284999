package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// pairRows pairs the rows of the two sides: first those in which the same was
// written, ids being taken for what they stand for; then, in each table, those
// with the same key; then those that are most alike. What has been paired tells
// which rows the ids in the others stand for, so it goes round.
func (w *writes) pairRows() {
	for _, s := range w.sides {
		for i := range s.rows {
			s.rows[i].plain = w.plainHash(&s.rows[i])
		}
		s.hash(3)
	}
	rest := w.tables()
	for {
		for _, table := range w.tables() {
			w.pairEqual(table)
		}
		if len(rest) == 0 {
			return
		}
		next := w.next(rest)
		rest = slices.DeleteFunc(rest, func(t string) bool { return t == next })
		w.pairByKey(next)
		w.pairAlike(next)
		for _, s := range w.sides {
			s.hash(1)
		}
	}
}

// tables are those that both sides wrote, sorted.
func (w *writes) tables() []string {
	var both []string
	for _, name := range slices.Sorted(maps.Keys(w.sides[0].tables)) {
		if w.sides[1].tables[name] != nil {
			both = append(both, name)
		}
	}
	return both
}

// next is the table whose rows refer least to rows of the others.
func (w *writes) next(rest []string) string {
	open := func(table string) (n int) {
		for _, r := range w.sides[0].tables[table] {
			for _, refs := range r.refs {
				for _, to := range refs {
					if to.partner == nil && to.Table != table && slices.Contains(rest, to.Table) {
						n++
					}
				}
			}
		}
		return n
	}
	return slices.MinFunc(rest, func(a, b string) int { return cmp.Compare(open(a), open(b)) })
}

// plainHash is the hash of a row without ids. A column for which there are rules
// is left out: what they make of it is not known yet.
func (w *writes) plainHash(r *rowOf) uint64 {
	sum := bytewise.Hash([]byte(r.Op))
	at := tableBase(r.Table)
	for i := range r.columns {
		c := &r.columns[i]
		if r.isID(c) || len(r.refs[i]) > 0 || c.Unchanged || w.isRuled(&at, r.Table, c.Name) {
			continue
		}
		text := c.json()
		h := hasher{walk: &walk{a: text, b: text, rules: &Rules{options: w.rules.Options()}, loose: !w.rules.off(Generated)}, text: text}
		value, _ := h.value(0, set{}, []byte(c.Name))
		sum += bytewise.Mix(bytewise.Hash([]byte(c.Name)), value)
	}
	return sum
}

// isRuled reports whether there is a rule for a column, or for what is in it.
func (w *writes) isRuled(at *base, table, column string) bool {
	if w.rules == nil || !w.rules.inBody {
		return false
	}
	key := table + "\x00" + column
	ruled, known := w.ruled[key]
	if !known {
		if w.ruled == nil {
			w.ruled = map[string]bool{}
		}
		b := at.member(column, -1)
		var t tracker
		ruled = !t.startAt(&w.rules.paths, &b).empty()
		w.ruled[key] = ruled
	}
	return ruled
}

// hash hashes all rows of a side with what their ids stand for: what is in the
// rows that they refer to, and so on, for so many rounds.
func (s *wrote) hash(rounds int) {
	for round := range rounds + 1 {
		sums := make([]uint64, len(s.rows))
		for i := range s.rows {
			sums[i] = s.rows[i].hashed(round > 0)
		}
		type class struct {
			table string
			hash  uint64
		}
		seen := map[class]uint64{}
		for i := range s.rows {
			r := &s.rows[i]
			r.hash = sums[i]
			k := class{r.Table, r.hash}
			r.again = seen[k]
			seen[k]++
		}
	}
}

// hashed is the hash with what is known of the rows that it refers to.
func (r *rowOf) hashed(known bool) uint64 {
	sum := r.plain
	for i, refs := range r.refs {
		if len(refs) == 0 {
			continue
		}
		token := uint64(1)
		for _, to := range refs {
			if known {
				token += to.token()
			}
		}
		sum += bytewise.Mix(bytewise.Hash([]byte(r.columns[i].Name)), token)
	}
	return sum
}

// token stands for a row where another refers to it.
func (r *rowOf) token() uint64 {
	if r.number > 0 {
		return bytewise.Mix(r.number, 21)
	}
	return bytewise.Mix(bytewise.Mix(r.hash, r.again), bytewise.Hash([]byte(r.Table)))
}

func (w *writes) join(l, n *rowOf) {
	w.pairs++
	l.partner, n.partner = n, l
	l.number, n.number = w.pairs, w.pairs
}

// free are the rows of a table that have no partner.
func (w *writes) free(table string) (legacy, new []*rowOf) {
	paired := func(r *rowOf) bool { return r.partner != nil }
	return slices.DeleteFunc(slices.Clone(w.sides[0].tables[table]), paired),
		slices.DeleteFunc(slices.Clone(w.sides[1].tables[table]), paired)
}

// pairEqual pairs rows of equal hash; of several, those that are most alike.
func (w *writes) pairEqual(table string) {
	legacy, new := w.free(table)
	byHash := map[uint64][]*rowOf{}
	for _, n := range new {
		byHash[n.hash] = append(byHash[n.hash], n)
	}
	mine := map[uint64][]*rowOf{}
	for _, l := range legacy {
		mine[l.hash] = append(mine[l.hash], l)
	}
	for _, l := range legacy {
		if l.partner == nil && len(byHash[l.hash]) > 0 {
			w.pairMost(mine[l.hash], byHash[l.hash], func(*rowOf, *rowOf, rowLikeness) bool { return true })
			byHash[l.hash] = nil
		}
	}
}

// pairByKey pairs rows with the same key, whatever was done to them.
func (w *writes) pairByKey(table string) {
	legacy, new := w.free(table)
	byKey := map[string][]*rowOf{}
	for _, n := range new {
		if key := n.key(); key != "" {
			byKey[key] = append(byKey[key], n)
		}
	}
	for _, same := range []bool{true, false} { // the same operation first
		for _, l := range legacy {
			i := slices.IndexFunc(byKey[l.key()], func(n *rowOf) bool { return n.partner == nil && (n.Op == l.Op) == same })
			if l.partner == nil && i >= 0 {
				w.join(l, byKey[l.key()][i])
			}
		}
	}
}

// key is the columns that tell the row apart, "" when they are not known or are
// made while it is inserted.
func (r *rowOf) key() string {
	if r.Op == OpTruncate {
		return ""
	}
	key := ""
	for _, c := range r.keys() {
		if r.isID(c) {
			return ""
		}
		value := c.Value
		if refs := r.refs[slices.IndexFunc(r.columns, func(o Column) bool { return o.Name == c.Name })]; len(refs) == 1 {
			value = fmt.Sprint("row ", refs[0].token())
		}
		key += c.Name + "\x00" + value + "\x00"
	}
	return key
}
