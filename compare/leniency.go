package compare

import (
	"bytes"
	"slices"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// leniency is what the rules at a place take out of a hash. It may be more than
// they forgive, since what is paired is compared.
type leniency struct {
	ignored, unordered, within, tolerance, linked bool

	exactTimes bool // timestamps are values like any other
	free       bool // another value of the type
	types      bool // any value
	optional   bool // that it is there
	lone       bool // that it is there, where the other side has no such member
	empty      bool // that it is there when it is empty
	folded     bool
	rewritten  bool
}

// leniencyAt is that of a place, the containers around it included.
func (h hasher) leniencyAt(at set) leniency {
	l := h.outer
	l.exactTimes = h.rules.off(Timestamps)
	if at.empty() {
		return l
	}
	h.tracker.rules(at, func(r int32) {
		act := &h.rules.actions[r]
		l.add(act)
		// A rule for all members would leave nothing of an object to tell it by.
		l.optional = l.optional || act.named && (act.partial == KindMissing || act.partial == KindAdded)
		l.ignored = l.ignored || act.ignore
		l.unordered = l.unordered || act.unordered
		l.within = l.within || act.within > 0
		l.tolerance = l.tolerance || act.tolerance != nil
		l.linked = l.linked || act.link > 0
		l.empty = l.empty || act.empty
		l.free = l.free || act.matches != nil || act.format != noFormat
		l.folded = l.folded || act.fold
		l.rewritten = l.rewritten || act.rewrite != nil
	})
	l.exactTimes = l.exactTimes && !l.within
	return l
}

// add adds what an action takes out at its place and below.
func (l *leniency) add(act *action) {
	switch act.partial {
	case KindValue, KindFormat:
		l.free = true
	case KindType:
		l.types = true
	case KindMissing, KindAdded:
		l.lone = true
	case KindOrder:
		l.unordered = true
	}
}

// below is what holds in a container as well.
func (h hasher) below(at set) leniency {
	l := h.outer
	if !at.empty() {
		h.tracker.rules(at, func(r int32) { l.add(&h.rules.actions[r]) })
	}
	return l
}

// newHasher hashes values of the array on top, which stand in text. The frame
// is resolved.
func (w *walk) newHasher(text []byte) hasher {
	h := hasher{walk: w, text: text, side: legacySide}
	// An array is in the text, so that it has a first byte.
	if &text[0] == &w.b[0] {
		h.side = newSide
	}
	if w.rules == nil || !w.rules.partial {
		return h
	}
	for k := 1; k < len(w.frames); k++ {
		h.outer = h.below(w.frames[k].rules)
	}
	if w.rules.optional {
		top := &w.frames[len(w.frames)-1]
		h.names = map[string]struct{}{}
		if h.side == legacySide {
			listNames(w.b, int(top.startB), h.names)
		} else {
			listNames(w.a, int(top.startA), h.names)
		}
	}
	return h
}

// listNames lists the names of all members at any depth in the valid value at i.
func listNames(s []byte, i int, into map[string]struct{}) {
	end := jsontext.ScanValue(s, i, 0)
	for i < end {
		if s[i] != '"' {
			i++
			continue
		}
		e, escapes := jsontext.ScanString(s, i)
		if colon := jsontext.Blank(s, e); colon < end && s[colon] == ':' {
			if raw := s[i+1 : e-1]; escapes {
				into[jsontext.Unescaped(raw)] = struct{}{}
			} else if _, known := into[string(raw)]; !known {
				into[string(raw)] = struct{}{}
			}
		}
		i = e
	}
}

// leavesOut reports whether a member, whose value is at i, does not go into the
// hash of its object.
func (h hasher) leavesOut(at set, name []byte, i int) bool {
	l := h.leniencyAt(at)
	switch {
	case l.ignored || l.optional:
		return true
	case l.empty && jsonScalar(h.text[i:jsontext.ScanValue(h.text, i, 0)]).empty():
		return true
	case l.lone && h.names != nil:
		_, known := h.names[string(name)]
		return !known
	}
	return false
}

// rewrite is the value of a string as the rules of its place rewrite it.
func (h hasher) rewrite(at set, s []byte) []byte {
	var rules []int32
	h.tracker.rules(at, func(r int32) {
		if h.rules.actions[r].rewritesOn(h.side) {
			rules = append(rules, r)
		}
	})
	slices.Sort(rules)
	for _, r := range rules {
		act := h.rules.actions[r].rewrite
		s = bytes.ReplaceAll(s, act.from, act.to)
	}
	return s
}
