package compare

import (
	"bytes"
	"net/http"
	"slices"
)

// idSet answers whether an id stands anywhere in some texts. They are read
// when it is asked for the first time, once for all UUIDs and once for each
// length of other ids, so that an answer with none of them costs nothing, and
// one with thousands no more than two or three reads.
type idSet struct {
	answer  *Exchange // nil for the request's
	content []byte    // the answer's body, without content coding
	request *Request

	uuids map[uuid]struct{}
	words map[wordShape]map[string]struct{}
}

// wordShape is what ids other than UUIDs are collected by.
type wordShape struct {
	length int
	token  bool // with the characters that part request ids
}

// maxShapes bounds how often the texts are read; beyond, every id is taken to
// stand in them.
const maxShapes = 16

func (s *idSet) has(id []byte) bool {
	if u, _, ok := parseUUID(id); ok {
		if s.uuids == nil {
			s.uuids = map[uuid]struct{}{}
			s.texts(s.addUUIDs)
		}
		_, found := s.uuids[u]
		return found
	}
	shape := wordShape{len(id), slices.ContainsFunc(id, func(c byte) bool { return !isWordByte[c] })}
	words := s.words[shape]
	if words == nil {
		if len(s.words) >= maxShapes {
			return true
		}
		words = map[string]struct{}{}
		if s.words == nil {
			s.words = map[wordShape]map[string]struct{}{}
		}
		s.words[shape] = words
		s.texts(func(text []byte) { addWords(words, shape, text) })
	}
	_, found := words[string(bytes.ToLower(id))]
	return found
}

// addUUIDs adds all UUIDs of a text, whatever stands around them.
func (s *idSet) addUUIDs(text []byte) {
	for at := 0; ; {
		dash := bytes.IndexByte(text[at:], '-')
		if dash < 0 {
			return
		}
		from := at + dash - 8
		at += dash + 1
		if from < 0 || from+uuidLength > len(text) || text[from+13] != '-' {
			continue
		}
		if u, _, ok := parseUUID(text[from : from+uuidLength]); ok {
			s.uuids[u] = struct{}{}
			at = from + uuidLength
		}
	}
}

// addWords adds the words of a text that have this shape.
func addWords(words map[string]struct{}, shape wordShape, text []byte) {
	in := &isWordByte
	if shape.token {
		in = &isTokenByte
	}
	for i := 0; i < len(text); i++ {
		from := i
		for i < len(text) && in[text[i]] {
			i++
		}
		if i-from == shape.length {
			words[string(bytes.ToLower(text[from:i]))] = struct{}{}
		}
	}
}

// idSets are the ids of both answers and of the request.
type idSets struct{ legacy, new, asked idSet }

func newIDSets(legacy, new *Exchange) *idSets {
	return &idSets{legacy: idSet{answer: legacy}, new: idSet{answer: new}, asked: idSet{request: legacy.Request}}
}

// contents notes the bodies of both answers, when they have been decoded.
func (s *idSets) contents(legacy, new []byte) {
	if s != nil {
		s.legacy.content, s.new.content = legacy, new
	}
}

// texts calls yield with the body, the values of all fields of an answer and of
// what was written, or with what there is of the request.
func (s *idSet) texts(yield func(text []byte)) {
	if s.answer == nil {
		s.askedTexts(yield)
		return
	}
	if s.content == nil && whole(s.answer) {
		s.content, _ = decode(s.answer) // what can not be decoded is an error elsewhere
	}
	yield(s.content)
	for _, section := range []http.Header{s.answer.Header, s.answer.Trailer} {
		for _, values := range section {
			for _, v := range values {
				yield([]byte(v))
			}
		}
	}
	for i := range s.answer.Writes {
		for _, c := range s.answer.Writes[i].Row() {
			yield([]byte(c.Value))
		}
	}
}

// askedTexts are those of the request. Nothing is known of one that is not there.
func (s *idSet) askedTexts(yield func(text []byte)) {
	if s.request == nil {
		return
	}
	target := []byte(s.request.Target)
	yield(target)
	if bytes.IndexByte(target, '%') >= 0 {
		yield(unescapedTarget(target))
	}
	for _, values := range s.request.Header {
		for _, v := range values {
			yield([]byte(v))
		}
	}
	yield(s.request.Body)
}

// unescapedTarget resolves percent-encodings, as far as they are valid.
func unescapedTarget(target []byte) []byte {
	out := make([]byte, 0, len(target))
	for i := 0; i < len(target); i++ {
		if target[i] == '%' && i+2 < len(target) {
			if v, ok := parseHex(target[i+1 : i+3]); ok {
				out = append(out, byte(v))
				i += 2
				continue
			}
		}
		out = append(out, target[i])
	}
	return out
}

// apart reports whether neither of two ids stands in the other side's answer.
func (s *idSets) apart(legacy, new []byte) bool {
	return !s.legacy.has(new) && !s.new.has(legacy)
}

// mapping is the one-to-one mapping of the ids that each side made up for one
// answer.
type mapping struct {
	ids   *idSets
	uuids oneToOne[uuid]
	words oneToOne[string]
}

// hold enters a pair of ids, and reports whether they are made up.
func (m *mapping) hold(legacy, new []byte) bool {
	if m.ids.asked.has(legacy) || m.ids.asked.has(new) || !m.ids.apart(legacy, new) {
		return false
	}
	l, _, okL := parseUUID(legacy)
	n, _, okN := parseUUID(new)
	if okL && okN {
		return m.uuids.hold(l, n)
	}
	return m.words.hold(string(bytes.ToLower(legacy)), string(bytes.ToLower(new)))
}

// settleGenerated decides on all ids that look made up, over the whole answer.
func (p *pair) settleGenerated(head []finding, body *bodies, tail []finding, written *bodies) {
	var m *mapping
	settle := func(v *verdict, legacy, new []byte) {
		if m == nil {
			m = &mapping{ids: p.ids}
		}
		*v = verdict{}
		if visitIDs(legacy, new, m.hold) {
			v.reason = byGenerated
		}
	}
	settleFound(head, settle)
	body.settleGenerated(settle)
	settleFound(tail, settle)
	written.settleGenerated(settle)
}

func settleFound(found []finding, settle func(*verdict, []byte, []byte)) {
	for i := range found {
		if f := &found[i]; f.verdict.reason == ifGenerated {
			settle(&f.verdict, []byte(f.link[0].text), []byte(f.link[1].text))
		}
	}
}

func (w *walk) settleGenerated(settle func(*verdict, []byte, []byte)) {
	for i := range w.events {
		e := &w.events[i]
		if e.verdict.reason != ifGenerated {
			continue
		}
		if e.note > 0 { // rewritten before they were looked at
			link := w.notes[e.note-1].link
			settle(&e.verdict, []byte(link[0].text), []byte(link[1].text))
		} else {
			settle(&e.verdict, jsonScalar(w.a[e.a.from:e.a.to]).text, jsonScalar(w.b[e.b.from:e.b.to]).text)
		}
		if e.verdict.reason == counts {
			w.countLate(e)
		}
	}
}
