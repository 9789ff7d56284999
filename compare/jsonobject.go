package compare

import (
	"unicode/utf8"

	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// An object is a map, whose keys are data and not names, when it has more
// names than this, or when at least half of them look like data.
const (
	maxNames      = 50
	maxNameLength = 100 // characters
)

// enterObject enters two objects. While they have the same names in the same
// order they are walked side by side; from the first that differs on, they are
// paired by name.
func (w *walk) enterObject() want {
	if !w.push(true) {
		return w.fail(jsontext.TooDeep)
	}
	w.advance(w.i + 1)
	return wantMember
}

// startMember goes to the value of a member.
func (w *walk) startMember() want {
	f := &w.frames[len(w.frames)-1]
	if !w.alike() {
		return w.members(f.places)
	}
	if w.a[w.i] == '}' && f.places == 0 {
		return w.leave(w.i+1, w.j+1)
	}
	if w.a[w.i] != '"' {
		return w.members(f.places)
	}
	e, escapes := jsontext.ScanString(w.a, w.i)
	if e < 0 || !w.alikeTo(e) {
		return w.members(f.places)
	}
	w.visit(stride{from: int32(w.i + 1), to: int32(e - 1), escapes: escapes}, f.places)
	w.advance(e)
	w.sync()
	if !w.alike() || w.a[w.i] != ':' {
		return w.fail(jsontext.NotJSON)
	}
	w.advance(w.i + 1)
	return wantValue
}

// moreMembers goes on behind the value of a member.
func (w *walk) moreMembers(f *frame) want {
	if w.alike() {
		switch w.a[w.i] {
		case ',':
			w.advance(w.i + 1)
			return wantMember
		case '}':
			return w.leave(w.i+1, w.j+1)
		}
	}
	return w.members(f.places)
}

// looksLikeData reports whether a name, unescaped, is more likely a key of a
// map: it begins with a digit, has a symbol other than _ and - in it (a $ or @
// in front is a habit of names, as in @odata.context), is a UUID, or is very long.
func looksLikeData(name []byte) bool {
	if len(name) == 0 {
		return false
	}
	if bytewise.IsDigit(name[0]) || len(name) == uuidLength && IsUUID(name) {
		return true
	}
	annotation := name[0] == '$' || name[0] == '@'
	if annotation {
		name = name[1:]
	}
	for _, c := range name {
		if symbol[c] && !(annotation && c == '.') {
			return true
		}
	}
	return len(name) > maxNameLength && utf8.RuneCount(name) > maxNameLength
}

// symbol is the characters of ASCII that names do not have.
var symbol = func() (t [256]bool) {
	for _, c := range []byte("!\"#$%&'()*+,./:;<=>?@[\\]^{|}~") {
		t[c] = true
	}
	return t
}()

// member is one member of an object: its name and its value as written.
type member struct {
	name    span // without quotes
	value   span
	escapes bool
	paired  bool
}

func (m *member) stride(ofNew bool) stride {
	return stride{from: m.name.from, to: m.name.to, ofNew: ofNew, escapes: m.escapes}
}

// listMembers lists the members of an object, all of them valid, and gives the
// position behind it, or one below zero.
func listMembers(s []byte, i, depth int) ([]member, int) {
	var list []member
	i = jsontext.Blank(s, i+1)
	if i < len(s) && s[i] == '}' {
		return nil, i + 1
	}
	for {
		if i >= len(s) || s[i] != '"' {
			return nil, jsontext.NotJSON
		}
		e, escapes := jsontext.ScanString(s, i)
		if e < 0 {
			return nil, e
		}
		from := jsontext.ScanColon(s, e)
		if from < 0 {
			return nil, from
		}
		to := jsontext.ScanValue(s, from, depth)
		if to < 0 {
			return nil, to
		}
		list = append(list, member{name: span{int32(i + 1), int32(e - 1)}, value: span{int32(from), int32(to)}, escapes: escapes})
		i = jsontext.Blank(s, to)
		switch {
		case i >= len(s) || s[i] != ',' && s[i] != '}':
			return nil, jsontext.NotJSON
		case s[i] == '}':
			return list, i + 1
		}
		i = jsontext.Blank(s, i+1)
	}
}

// members compares two objects by listing the members of both. The first done
// of each are compared already. A name that stands more than once is paired in
// order, the first with the first; what one side has too often is a difference
// of kind body, since what readers make of it is anybody's guess (RFC 8259
// section 4).
func (w *walk) members(done int32) want {
	top := len(w.frames) - 1
	la, endA := listMembers(w.a, int(w.frames[top].startA), top)
	if endA < 0 {
		return w.fail(endA)
	}
	lb, endB := listMembers(w.b, int(w.frames[top].startB), top)
	if endB < 0 {
		return w.fail(endB)
	}
	if w.lists -= endA - int(w.frames[top].startA) + endB - int(w.frames[top].startB); w.lists < 0 {
		return w.fail(tooLong)
	}
	n := done
	inNew, inLegacy := &memberIndex{text: w.b, list: lb}, &memberIndex{text: w.a, list: la}
	aliases := w.aliases()
	for k := done; k < int32(len(la)); k++ {
		m := &la[k]
		w.visit(m.stride(false), n)
		n++
		o := inNew.find(w.a, m, done)
		if o < 0 && aliases != nil {
			o = w.renamed(aliases, memberName(w.a, m), inLegacy, inNew)
		}
		if o < 0 {
			w.differ(inNew.kindOf(w.a, m, KindMissing), m.value, span{})
			continue
		}
		lb[o].paired = true
		if w.jump(m.value.from, lb[o].value.from); !w.value() {
			return broken
		}
	}
	for k := done; k < int32(len(lb)); k++ {
		if m := &lb[k]; !m.paired {
			w.visit(m.stride(true), n)
			n++
			w.differ(inLegacy.kindOf(w.b, m, KindAdded), span{}, m.value)
		}
	}
	return w.leave(endA, endB)
}

// visit moves the frame on top to a member.
func (w *walk) visit(here stride, ordinal int32) {
	f := &w.frames[len(w.frames)-1]
	f.here, f.ordinal = here, ordinal
	f.places++
	name := w.name(here)
	if here.escapes {
		name = jsontext.AppendUnescaped(nil, name)
	}
	if looksLikeData(name) {
		f.dataLike++
	}
}
