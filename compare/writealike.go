package compare

import (
	"cmp"
	"slices"

	"github.com/quackproxy/quack/compare/internal/align"
)

// pairAlike pairs rows to which the same was done and that have something in common.
func (w *writes) pairAlike(table string) {
	legacy, new := w.free(table)
	w.pairMost(legacy, new, func(l, n *rowOf, k rowLikeness) bool {
		if l.Op != n.Op || l.Op == OpTruncate {
			return false
		}
		if key := l.key(); l.Op != OpInsert && key != "" && n.key() != "" && key != n.key() {
			return false // two other rows, whatever is in them
		}
		return k.compared <= 2 || 3*k.equal >= k.compared
	})
}

// maxAlike bounds the pairs that are looked at.
const maxAlike = 1 << 14

// pairMost pairs those that are most alike first, and of these the first ones.
// Of very many rows it pairs those of equal hash, and the others by index.
func (w *writes) pairMost(legacy, new []*rowOf, may func(l, n *rowOf, k rowLikeness) bool) {
	if len(legacy)*len(new) > maxAlike {
		for _, p := range align.Edits(hashesOf(legacy), hashesOf(new)) {
			if p.Legacy >= 0 && p.New >= 0 && may(legacy[p.Legacy], new[p.New], w.alike(legacy[p.Legacy], new[p.New])) {
				w.join(legacy[p.Legacy], new[p.New])
			}
		}
		return
	}
	type candidate struct {
		l, n *rowOf
		rowLikeness
	}
	var all []candidate
	for _, l := range legacy {
		for _, n := range new {
			if k := w.alike(l, n); may(l, n, k) {
				all = append(all, candidate{l, n, k})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.equal+b.close, a.equal+a.close), cmp.Compare(abs(a.l.index-a.n.index), abs(b.l.index-b.n.index)))
	})
	for _, c := range all {
		if c.l.partner == nil && c.n.partner == nil {
			w.join(c.l, c.n)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func hashesOf(rows []*rowOf) []uint64 {
	sums := make([]uint64, len(rows))
	for i, r := range rows {
		sums[i] = r.hash
	}
	return sums
}

// rowLikeness is in how many columns two rows agree.
type rowLikeness struct {
	compared int // columns that say something of the row
	equal    int // of these
	close    int // timestamps of about one moment, and others not among those compared
}

func (w *writes) alike(l, n *rowOf) (k rowLikeness) {
	for i := range l.columns {
		a := &l.columns[i]
		b := n.column(a.Name)
		switch {
		case b == nil || l.isID(a) || a.Unchanged || b.Unchanged || a.Null && b.Null:
		case a.Type == b.Type && a.Null == b.Null && a.Value == b.Value || w.isPartner(l.Table, a.Name, a.Value, b.Value):
			k.compared++
			k.equal++
		case closeStamps(a.Value, b.Value):
			k.close++
		default:
			k.compared++
		}
	}
	return k
}

func (w *writes) isPartner(table, column, legacy, new string) bool {
	_, ok := w.partners(table, column, legacy, new)
	return ok
}

func closeStamps(legacy, new string) bool {
	l, ok := stampOf([]byte(legacy), false)
	if !ok {
		return false
	}
	n, ok := stampOf([]byte(new), false)
	return ok && l.Apart(n.Instant) <= TimestampBound
}
