package compare

import (
	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/stamp"
)

// hashAll computes the hashes of all nodes, children before parents.
func (t *tree) hashAll() *tree {
	sums := make([]uint64, len(t.names.list))
	for i, name := range t.names.list {
		sums[i] = bytewise.Hash([]byte(name))
	}
	for id := len(t.nodes) - 1; id >= 0; id-- {
		n := &t.nodes[id]
		if n.name == noName {
			if id > 0 {
				n.exact = bytewise.Hash(t.text[n.text.from:n.text.to])
				n.soft = hashSoft(t.text[n.text.from:n.text.to], nil)
			}
			continue
		}
		n.exact = bytewise.Mix(sums[n.name], sums[n.space])
		n.soft = n.exact
		for _, a := range t.attributes(n) {
			name, value := bytewise.Mix(sums[a.name], sums[a.space]), t.text[a.value.from:a.value.to]
			n.exact = bytewise.Mix(n.exact, bytewise.Mix(name, bytewise.Hash(value)))
			if !a.token {
				n.soft = bytewise.Mix(n.soft, bytewise.Mix(name, hashSoft(value, []byte(t.names.list[a.name]))))
			}
		}
		n.exact, n.soft = bytewise.Mix(n.exact, 12), bytewise.Mix(n.soft, 12)
		for c := n.first; c != 0; c = t.nodes[c].next {
			n.exact = bytewise.Mix(n.exact, t.nodes[c].exact)
			n.soft = bytewise.Mix(n.soft, t.nodes[c].soft)
		}
	}
	return t
}

// hashSoft leaves out of a value what is forgiven without a rule.
func hashSoft(value, name []byte) uint64 {
	if len(value) < 64 {
		if s, ok := stamp.Parse(value); ok {
			return hashStamp(s, leniency{})
		}
		if s, ok := stamp.ParseEpoch(value); ok && stamp.IsName(name) {
			return hashStamp(s, leniency{})
		}
	}
	return bytewise.Hash(value)
}

// hash is the soft hash of a child that stands at a place, without what rules
// forgive there as well.
func (w *treeWalk) hash(t *tree, id int32, at set) uint64 {
	n := &t.nodes[id]
	if w.budget--; at.empty() || w.budget < 0 {
		return n.soft
	}
	ignored, valued := false, false
	w.tracker.rules(at, func(r int32) {
		act := &w.rules.actions[r]
		ignored = ignored || act.ignore
		valued = valued || !act.ignore && !act.unordered
	})
	name := bytewise.Mix(bytewise.Hash([]byte(t.name(n))), 13)
	if ignored {
		return name
	}
	for _, a := range t.attributes(n) {
		below := w.tracker.member(at, []byte("@"+t.names.list[a.name]))
		if below.empty() && !a.token {
			name = bytewise.Mix(name, bytewise.Mix(uint64(a.name), hashSoft(t.text[a.value.from:a.value.to], []byte(t.names.list[a.name]))))
		}
		w.tracker.pop(below)
	}
	var seen map[int32]int32
	for c := n.first; c != 0; c = t.nodes[c].next {
		kid := &t.nodes[c]
		if kid.name == noName {
			if !valued {
				name = bytewise.Mix(name, kid.soft)
			}
			continue
		}
		if seen == nil {
			seen = map[int32]int32{}
		}
		below := w.tracker.sibling(at, t.name(kid), seen[kid.name])
		seen[kid.name]++
		name = bytewise.Mix(name, w.hash(t, c, below))
		w.tracker.pop(below)
	}
	return name
}
