package reports

import "bytes"

// json appends which members a document has, two levels deep:
// "{id,name,tags[]}", "[]{id}" for an array at the root, nothing for a value
// that has no members. Of an array the first element speaks for all. What lies
// beyond shapeRead bytes is not looked at, and shapeCut says so.
func (s *shaper) json(body []byte) {
	d := document{shaper: s, s: body}
	if len(body) > shapeRead {
		d.s, d.partial = body[:shapeRead], true
	}
	start := len(s.text)
	d.value(2)
	d.blank()
	switch {
	case d.bad, !d.partial && d.i < len(d.s):
		s.text = append(s.text[:start], "{not JSON}"...)
	case d.partial:
		s.text = append(s.text, shapeCut...)
	}
}

// document reads JSON for its members alone. It takes what is no JSON for JSON
// where that costs it nothing; it ends at the end of s whatever stands there.
type document struct {
	*shaper
	s       []byte
	i       int
	bad     bool
	partial bool // s is the beginning of more
}

// depthMax is how deep values may be nested before the document is given up.
const depthMax = 100

func (d *document) blank() {
	for d.i < len(d.s) {
		switch d.s[d.i] {
		case ' ', '\t', '\r', '\n':
			d.i++
		default:
			return
		}
	}
}

// next is the byte that the next token begins with, 0 at the end.
func (d *document) next() byte {
	d.blank()
	if d.i >= len(d.s) {
		d.ends()
		return 0
	}
	return d.s[d.i]
}

// ends notes an end in the middle: of a part that is all right.
func (d *document) ends() { d.bad = d.bad || !d.partial }

// value appends the members of a value, and of values in it down to so many
// levels.
func (d *document) value(levels int) {
	switch d.next() {
	case '{':
		if levels > 0 {
			d.object(levels)
			return
		}
	case '[':
		d.text = append(d.text, "[]"...)
		d.array(levels)
		return
	}
	d.skip()
}

// array appends the members of the first element.
func (d *document) array(levels int) {
	open := d.i
	d.i++
	if c := d.next(); c == '{' && levels > 0 {
		d.object(levels)
		if d.bad || d.i >= len(d.s) {
			d.ends()
			return
		}
	}
	d.i = open
	d.skip() // from the start: nesting is counted there
}

func (d *document) object(levels int) {
	d.i++ // {
	d.text = append(d.text, '{')
	list := &d.lists[levels]
	list.begin()
	start := len(d.text)
	for first := true; ; first = false {
		c := d.next()
		if c == '}' && first {
			d.i++
			break
		}
		if c != '"' {
			d.bad = d.bad || c != 0
			break
		}
		from := len(d.text)
		d.member()
		if d.next() != ':' {
			d.bad = d.bad || d.i < len(d.s)
			d.text = d.text[:from]
			break
		}
		d.i++
		d.value(levels - 1)
		d.name(list, from)
		if c = d.next(); c == ',' {
			d.i++
			continue
		}
		d.bad = d.bad || c != '}' && c != 0
		d.i++
		break
	}
	d.join(list, start)
	d.text = append(d.text, '}')
}

// member appends the name that begins at the position, or dataName.
func (d *document) member() {
	from := d.i + 1
	d.quoted()
	to := d.i - 1
	if to < from || !isName(d.s[from:to], "") {
		d.text = append(d.text, dataName...)
		return
	}
	d.text = append(d.text, d.s[from:to]...)
}

// quoted goes behind the string that begins at the position.
func (d *document) quoted() {
	from := d.i + 1
	for at := from; ; {
		end := bytes.IndexByte(d.s[min(at, len(d.s)):], '"')
		if end < 0 {
			d.i = len(d.s)
			d.ends()
			return
		}
		at += end + 1
		escapes := at - 1
		for escapes > from && d.s[escapes-1] == '\\' {
			escapes--
		}
		if (at-1-escapes)%2 == 0 {
			d.i = at
			return
		}
	}
}

// skip goes behind the value that begins at the position, whatever is in it.
func (d *document) skip() {
	depth := 0
	for d.i < len(d.s) {
		switch c := d.s[d.i]; c {
		case '"':
			d.quoted()
		case '{', '[':
			d.i++
			if depth++; depth > depthMax {
				d.bad = true
				return
			}
			continue
		case '}', ']':
			if depth == 0 {
				d.bad = true // a value was to come
				return
			}
			d.i++
			depth--
		default:
			if !between[c] {
				d.literal()
				break
			}
			if depth == 0 {
				d.bad = true
				return
			}
			d.i++
			continue
		}
		if depth == 0 {
			return
		}
	}
	d.ends()
}

// literal goes behind a number or a word.
func (d *document) literal() {
	i := d.i
	for i < len(d.s) && !ending[d.s[i]] {
		i++
	}
	d.i = i
}

// between is what stands between two values or a name and its value, ending what
// ends a number or a word.
var between, ending = func() (between, ending [256]bool) {
	for _, c := range []byte(",: \t\r\n") {
		between[c], ending[c] = true, true
	}
	for _, c := range []byte("{}[]\"") {
		ending[c] = true
	}
	return between, ending
}()
