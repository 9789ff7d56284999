package compare

import (
	"bytes"
	"slices"
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
	inNew, inLegacy := indexMembers(w.b, lb), indexMembers(w.a, la)
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

// memberIndex finds members by name.
type memberIndex struct {
	text   []byte
	list   []member
	byName map[string][]int32 // by unescaped name, those that find may still give; nil for short lists
}

// shortList is how many members are searched one by one.
const shortList = 16

func indexMembers(text []byte, list []member) *memberIndex {
	x := &memberIndex{text: text, list: list}
	if len(list) > shortList {
		x.byName = make(map[string][]int32, len(list))
		for k := range list {
			name := memberName(text, &list[k])
			x.byName[name] = append(x.byName[name], int32(k))
		}
	}
	return x
}

func memberName(text []byte, m *member) string {
	if raw := text[m.name.from:m.name.to]; m.escapes {
		return jsontext.Unescaped(raw)
	}
	return string(text[m.name.from:m.name.to])
}

// find is the first member, from the index done on and not yet paired, that
// has the name of m in text. One that can not be found is not looked at again,
// so that a name which stands very often takes no longer than as many names.
func (x *memberIndex) find(text []byte, m *member, done int32) int32 {
	if x.byName != nil {
		name := memberName(text, m)
		left, known := x.byName[name]
		for len(left) > 0 && (left[0] < done || x.list[left[0]].paired) {
			left = left[1:]
		}
		if known {
			x.byName[name] = left
		}
		if len(left) == 0 {
			return -1
		}
		return left[0]
	}
	for k := done; k < int32(len(x.list)); k++ {
		if o := &x.list[k]; !o.paired && x.sameName(o, text, m) {
			return k
		}
	}
	return -1
}

// kindOf is the kind of a member m in text that has no partner here: alone, or
// body when there is one of its name that has another partner.
func (x *memberIndex) kindOf(text []byte, m *member, alone Kind) Kind {
	if x.has(text, m) {
		return KindBody
	}
	return alone
}

// has reports whether any member, paired or not, has the name of m in text.
func (x *memberIndex) has(text []byte, m *member) bool {
	if x.byName != nil {
		_, known := x.byName[memberName(text, m)]
		return known
	}
	return slices.ContainsFunc(x.list, func(o member) bool { return x.sameName(&o, text, m) })
}

func (x *memberIndex) sameName(o *member, text []byte, m *member) bool {
	a, b := x.text[o.name.from:o.name.to], text[m.name.from:m.name.to]
	if o.escapes || m.escapes {
		return jsontext.EqualStrings(a, b)
	}
	return bytes.Equal(a, b)
}
