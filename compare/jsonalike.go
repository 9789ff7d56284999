package compare

import (
	"cmp"
	"slices"

	"github.com/quackproxy/quack/compare/internal/align"
	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// likeness tells which elements of two arrays stand for each other when their
// hashes say too little, as when each has a field that differs. It looks for a
// key among the members, and else for the elements with the most in common.
type likeness struct {
	*walk
	x      *arrays
	ha, hb []uint64
	a, b   traits
}

// likenessOf takes elements of the arrays on top apart: those in x that have
// these hashes. It is false when that is too much.
func (w *walk) likenessOf(x *arrays, ha, hb []uint64) (l likeness, ok bool) {
	bytes := 0
	for _, list := range [][]span{x.a, x.b} {
		for _, e := range list {
			bytes += int(e.to - e.from)
		}
	}
	if !w.spend(bytes) {
		return l, false
	}
	l = likeness{walk: w, x: x, ha: ha, hb: hb}
	if l.a, ok = w.traitsOf(w.a, x.a); !ok || len(l.a.list) == 0 {
		return l, false
	}
	l.b, ok = w.traitsOf(w.b, x.b)
	return l, ok && len(l.b.list) > 0
}

// ordered pairs elements whose order counts, given the pairs that the hashes
// make. A key that is found pairs elements in another order too, unless what
// it pairs has clearly less in common: then it only numbers them.
func (l *likeness) ordered(pairs []align.Pair) (better []align.Pair, reordered bool) {
	ka, kb, ok := l.keys()
	if !ok {
		return l.refine(pairs), false
	}
	keyed, restA, restB := matchKeys(ka, kb)
	// No pairs have more in common than one side's traits.
	if score := 4 * l.score(keyed); score < 3*min(len(l.a.list), len(l.b.list)) {
		if better = l.refine(pairs); score < 3*l.score(better) {
			return better, false
		}
	}
	restA, restB = append(restA, without(ka)...), append(restB, without(kb)...)
	keyed = align.Complete(append(keyed, l.nearest(restA, restB)...), len(l.ha), len(l.hb))
	return keyed, align.IsMoved(keyed)
}

// unordered pairs elements whose order does not matter.
func (l *likeness) unordered() []align.Pair {
	ka, kb, ok := l.keys()
	if !ok {
		ka, kb = make([]uint64, len(l.ha)), make([]uint64, len(l.hb))
	}
	pairs, restA, restB := matchKeys(ka, kb)
	restA, restB = append(restA, without(ka)...), append(restB, without(kb)...)
	return append(pairs, l.nearest(restA, restB)...)
}

// score is how many traits the elements of all pairs have in common.
func (l *likeness) score(pairs []align.Pair) int {
	n := 0
	for _, p := range pairs {
		if p.Legacy >= 0 && p.New >= 0 {
			n += common(l.a.of(p.Legacy), l.b.of(p.New))
		}
	}
	return n
}

// The cost of pairing two elements that differ, beside that of one that stands
// alone (edit): below two of these, so that elements with nothing in common
// are still paired when as many stand on both sides.
const (
	edit     = 64
	stranger = 112
	familiar = 16
)

// change is the cost of pairing legacy's element i with new's j.
func (l *likeness) change(i, j int) int32 {
	if l.ha[i] == l.hb[j] {
		return 0
	}
	if typeOf(l.walk.a[l.x.a[i].from]) != typeOf(l.walk.b[l.x.b[j].from]) {
		return stranger
	}
	a, b := l.a.of(int32(i)), l.b.of(int32(j))
	if most := max(len(a), len(b)); most > 0 {
		return int32(stranger - (stranger-familiar)*common(a, b)/most)
	}
	return edit
}

// refine pairs anew what stands between elements of equal hash, as far as the
// steps allow it.
func (l *likeness) refine(pairs []align.Pair) []align.Pair {
	better := make([]align.Pair, 0, len(pairs))
	for len(pairs) > 0 {
		n := slices.IndexFunc(pairs, l.anchors)
		if n == 0 {
			better = append(better, pairs[0])
			pairs = pairs[1:]
			continue
		}
		if n < 0 {
			n = len(pairs)
		}
		better = append(better, l.between(pairs[:n])...)
		pairs = pairs[n:]
	}
	return better
}

func (l *likeness) anchors(p align.Pair) bool {
	return p.Legacy >= 0 && p.New >= 0 && l.ha[p.Legacy] == l.hb[p.New]
}

// between pairs the elements of neighbouring pairs anew, in their order, so
// that most is in common.
func (l *likeness) between(run []align.Pair) []align.Pair {
	first, count := align.Pair{Legacy: -1, New: -1}, align.Pair{}
	for _, p := range run {
		if p.Legacy >= 0 {
			if count.Legacy++; first.Legacy < 0 {
				first.Legacy = p.Legacy
			}
		}
		if p.New >= 0 {
			if count.New++; first.New < 0 {
				first.New = p.New
			}
		}
	}
	longer, shorter := max(count.Legacy, count.New), min(count.Legacy, count.New)
	if shorter == 0 || longer == 1 {
		return run
	}
	size := (len(l.a.list)+len(l.b.list))/(len(l.ha)+len(l.hb)) + 1
	rows := int(count.Legacy) + 1
	band := min(int(longer), (min(l.steps, align.MaxCells)/(rows*size)-1)/2)
	if band <= int(longer-shorter) {
		return run
	}
	t := align.NewTable(l.ha[first.Legacy:first.Legacy+count.Legacy], l.hb[first.New:first.New+count.New], band)
	l.steps -= rows * t.Width * size
	t.Edit = edit
	t.Change = func(i, j int) int32 { return l.change(int(first.Legacy)+i, int(first.New)+j) }
	t.Fill()
	pairs := t.Trace()
	for k := range pairs {
		if pairs[k].Legacy >= 0 {
			pairs[k].Legacy += first.Legacy
		}
		if pairs[k].New >= 0 {
			pairs[k].New += first.New
		}
	}
	return pairs
}

// mostNearest is how many elements nearest looks at on a side.
const mostNearest = 64

// nearest pairs elements that have at least half of their traits in common, the
// most alike first; of those equally alike the ones further in front.
func (l *likeness) nearest(restA, restB []int32) []align.Pair {
	if len(restA) > mostNearest || len(restB) > mostNearest {
		return nil
	}
	type candidate struct {
		align.Pair
		share float64
	}
	var all []candidate
	for _, i := range restA {
		for _, j := range restB {
			a, b := l.a.of(i), l.b.of(j)
			if n, most := common(a, b), max(len(a), len(b)); 2*n >= most && n > 0 {
				all = append(all, candidate{align.Pair{Legacy: i, New: j}, float64(n) / float64(most)})
			}
		}
	}
	slices.SortFunc(all, func(p, q candidate) int {
		return cmp.Or(cmp.Compare(q.share, p.share), cmp.Compare(p.Legacy+p.New, q.Legacy+q.New), cmp.Compare(p.Legacy, q.Legacy))
	})
	takenA, takenB := map[int32]bool{}, map[int32]bool{}
	var pairs []align.Pair
	for _, c := range all {
		if !takenA[c.Legacy] && !takenB[c.New] {
			takenA[c.Legacy], takenB[c.New] = true, true
			pairs = append(pairs, c.Pair)
		}
	}
	return pairs
}

// keyNames are the names that keys usually have, the best first.
var keyNames = func() (hashes []uint64) {
	for _, n := range []string{
		"id", "_id", "Id", "ID", "@id", "uuid", "guid", "uid", "key", "code", "sku", "slug", "ref", "reference", "number",
		"isbn", "ean", "iban", "symbol", "email", "login", "username", "handle", "href", "url", "path", "name", "title", "label",
	} {
		hashes = append(hashes, bytewise.Hash([]byte(n)))
	}
	return hashes
}()

// keys finds a member that tells elements apart: one with a usual name, in
// nine elements of ten at least, with no value twice on a side, and half of
// the values (of the shorter side) on both. It gives each element's key.
func (l *likeness) keys() (ka, kb []uint64, ok bool) {
	ka, kb = make([]uint64, len(l.a.ends)-1), make([]uint64, len(l.b.ends)-1)
	for _, name := range keyNames {
		if !l.a.column(name, ka) || !l.b.column(name, kb) {
			continue
		}
		pairs, _, _ := matchKeys(ka, kb)
		if 2*len(pairs) >= min(len(ka), len(kb)) {
			return ka, kb, true
		}
	}
	return nil, nil, false
}

// column sets keys to the value that the member with a name has in each
// element. It is false when that is no key.
func (p *traits) column(name uint64, keys []uint64) bool {
	spare := len(keys) / 10
	for k := range keys {
		keys[k] = noKey
		for _, m := range p.of(int32(k)) {
			if m.name == name && m.key != noKey {
				keys[k] = m.key
			}
		}
		if keys[k] == noKey {
			if spare--; spare < 0 {
				return false
			}
		}
	}
	return !align.Repeat(align.Pick(keys, having(keys)))
}
