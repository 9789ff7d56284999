package reports

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
)

// facetKind is in what respect requests of a route differ.
type facetKind uint8

const (
	facetStatus facetKind = iota
	facetMethod
	facetQuery
	facetBody
	facetKinds
)

// facetNames are the kinds as they are told.
var facetNames = [facetKinds]string{"status", "method", "query", "body"}

const (
	// shapeMax bounds the text of a facet in bytes; what is longer ends in shapeCut.
	shapeMax = 256

	// shapeRead is how much of a body is looked at for its shape, in bytes.
	shapeRead = 4 << 10

	// shapeNames is how many names one object, form or query may have that are
	// told apart; with more it is a map, as in comparisons.
	shapeNames = 50

	// nameMax is how long a name may be before it is taken for data, in bytes.
	nameMax = 64

	shapeCut = "…"
	dataName = "*" // stands for all names that look like data
)

// shaper makes the shapes of one request; the pool keeps it from being made anew
// for each.
type shaper struct {
	text  []byte
	lists [3]names // of the query or a form, and by level of JSON
}

var shapers = sync.Pool{New: func() any { return &shaper{text: make([]byte, 0, 1<<10)} }}

// shapes of a request's query and body; they are gone with release.
func shapesOf(target string, h http.Header, body []byte, bodied bool) (s *shaper, query, bodyShape []byte) {
	s = shapers.Get().(*shaper)
	_, asked, _ := strings.Cut(target, "?")
	s.query(asked)
	at := len(s.text)
	s.body(h, body, bodied)
	return s, s.text[:at], s.text[at:]
}

func (s *shaper) release() {
	if s.text = s.text[:0]; cap(s.text) <= 8<<10 {
		shapers.Put(s)
	}
}

// span is a piece of the text.
type span struct{ from, to int }

// names are those of one object, form or query, at the end of the text.
type names struct {
	n     int
	spans [shapeNames]span
	more  bool // than there is room for
}

func (l *names) begin() { l.n, l.more = 0, false }

// name notes that the text from from on is a name.
func (s *shaper) name(l *names, from int) {
	if l.n == len(l.spans) {
		l.more = true
		s.text = s.text[:from]
		return
	}
	l.spans[l.n] = span{from, len(s.text)}
	l.n++
}

// join puts the names in place of what stands from start on: sorted, each once,
// with commas between. What is behind the text serves as scratch.
func (s *shaper) join(l *names, start int) {
	text := s.text
	if l.more {
		s.text = append(text[:start], dataName...)
		return
	}
	list := l.spans[:l.n]
	if len(list) == 1 {
		return
	}
	for i := 1; i < len(list); i++ { // few, and mostly in order
		for j := i; j > 0 && bytes.Compare(text[list[j].from:list[j].to], text[list[j-1].from:list[j-1].to]) < 0; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	end := len(text)
	for i, w := range list {
		if i > 0 {
			before := list[i-1]
			if bytes.Equal(text[w.from:w.to], text[before.from:before.to]) {
				continue
			}
			text = append(text, ',')
		}
		text = append(text, text[w.from:w.to]...)
	}
	s.text = text[:start+copy(text[start:], text[end:])]
}

// query appends the names of a query's parameters: sorted, each once.
func (s *shaper) query(query string) {
	if query == "" {
		return
	}
	list := &s.lists[0]
	list.begin()
	start := len(s.text)
	for query != "" {
		var pair string
		if i := strings.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			pair, query = query, ""
		}
		if pair == "" {
			continue
		}
		name, valued := pair, false
		if i := strings.IndexByte(pair, '='); i >= 0 {
			name, valued = pair[:i], true
		}
		from := len(s.text)
		s.text = appendParameter(s.text, name)
		if !valued && bytes.ContainsAny(s.text[from:], "0123456789") {
			s.text = append(s.text[:from], dataName...) // as in /confirm?x5f2b8c: more likely a value
		}
		s.name(list, from)
	}
	s.join(list, start)
	s.text = cutShape(s.text, start)
}

// cutShape ends what is too long. Names may be cut in the middle: it is the same for
// the same names.
func cutShape(dst []byte, start int) []byte {
	if len(dst)-start <= shapeMax {
		return dst
	}
	end := start + wholeRunes(dst[start:], shapeMax-len(shapeCut))
	return append(dst[:end], shapeCut...)
}

// appendParameter appends the name of a parameter, its escapes undone:
// "filter[12]" as "filter[*]", and dataName where it looks like data.
func appendParameter[T string | []byte](dst []byte, name T) []byte {
	start := len(dst)
	if len(name) > 3*nameMax {
		return append(dst, dataName...)
	}
	if letters(name) {
		return append(dst, name...)
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '%' && i+2 < len(name) {
			high, low := fromHex(name[i+1]), fromHex(name[i+2])
			if high < 16 && low < 16 {
				c = high<<4 | low
				i += 2
			}
		}
		dst = append(dst, c)
	}
	whole := dst[start:]
	base, rest := whole, []byte(nil)
	if i := bytes.IndexByte(whole, '['); i > 0 {
		base, rest = whole[:i], whole[i:]
	}
	if !isName(base, ".:") {
		return append(dst[:start], dataName...)
	}
	end := start + len(base)
	for len(rest) > 0 {
		to := bytes.IndexByte(rest, ']')
		if rest[0] != '[' || to < 0 {
			return append(dst[:start], dataName...)
		}
		inner := rest[1:to]
		rest = rest[to+1:]
		dst = append(dst[:end], '[') // never beyond what was read of rest
		if len(inner) > 0 && !isName(inner, ".:") {
			dst = append(dst, dataName[0])
		} else {
			dst = append(dst, inner...)
		}
		dst = append(dst, ']')
		end = len(dst)
	}
	return dst[:end]
}

// letters reports whether a name is one by its letters alone, as most are.
func letters[T string | []byte](name T) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= nameMax
}

func fromHex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

// isName reports whether a name is one that a program has, and no data: it does
// not begin with a digit, has no symbol but _ and -, those of also, and a $ or @
// in front, and is no token: neither long nor full of digits.
func isName(name []byte, also string) bool {
	if letters(name) {
		return true
	}
	if len(name) == 0 || len(name) > nameMax || '0' <= name[0] && name[0] <= '9' {
		return false
	}
	digits, ascii := 0, true
	for i, c := range name {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-':
		case '0' <= c && c <= '9':
			digits++
		case c >= utf8.RuneSelf:
			ascii = false
		case (c == '$' || c == '@') && i == 0, strings.IndexByte(also, c) >= 0:
		default:
			return false
		}
	}
	return (len(name) < 16 || digits < 4) && (ascii || allShows(name))
}

// allShows reports whether a name that is not ASCII can be shown as it is.
func allShows(name []byte) bool {
	return utf8.Valid(name) && strings.IndexFunc(string(name), wording.Invisible) < 0
}

// body appends the shape of a request's body: its media type, and of JSON and
// forms the names in it. Nothing for a request without a body; the media type
// alone where there is no copy of the body, or one that is encoded.
func (s *shaper) body(h http.Header, body []byte, bodied bool) {
	if !bodied {
		return
	}
	start := len(s.text)
	s.text = appendMedia(s.text, h)
	media := s.text[start:]
	switch {
	case len(body) == 0 || len(h["Content-Encoding"]) > 0:
		return
	case bytes.HasSuffix(media, []byte("/json")), bytes.HasSuffix(media, []byte("+json")):
		s.json(body)
	case string(media) == "application/x-www-form-urlencoded":
		s.form(body)
	}
	s.text = cutShape(s.text, start)
}

func (s *shaper) form(body []byte) {
	s.text = append(s.text, '{')
	whole := len(body) <= shapeRead
	if !whole {
		body = body[:bytes.LastIndexByte(body[:shapeRead], '&')+1]
	}
	list := &s.lists[0]
	list.begin()
	start := len(s.text)
	for len(body) > 0 {
		pair := body
		if i := bytes.IndexByte(body, '&'); i >= 0 {
			pair, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		if len(pair) == 0 {
			continue
		}
		if i := bytes.IndexByte(pair, '='); i >= 0 {
			pair = pair[:i]
		}
		from := len(s.text)
		s.text = appendParameter(s.text, pair)
		s.name(list, from)
	}
	s.join(list, start)
	if !whole {
		s.text = append(s.text, shapeCut...)
	}
	s.text = append(s.text, '}')
}

// appendMedia appends a media type without its parameters, in lower case.
func appendMedia(dst []byte, h http.Header) []byte {
	values := h["Content-Type"]
	if len(values) == 0 {
		return append(dst, "(no type)"...)
	}
	media, _, _ := strings.Cut(values[0], ";")
	media = strings.TrimSpace(media)
	start := len(dst)
	if len(media) > nameMax {
		return append(dst, "(no type)"...)
	}
	for _, c := range []byte(media) {
		switch {
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("/+-._*", c) >= 0:
		default:
			return append(dst[:start], "(no type)"...)
		}
		dst = append(dst, c)
	}
	return dst
}

// standsFor is the status that a request is counted with: a 304 stands for the
// 200 that its answer would have been without a condition (RFC 9110 section
// 15.4.5), as which it is compared.
func standsFor(status int) int {
	if status == http.StatusNotModified {
		return http.StatusOK
	}
	return status
}

// knownMethods are the methods that are told apart: those of RFC 9110, RFC 5789
// and RFC 4918. Others are facetOther.
var knownMethods = []string{
	"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "REPORT",
}

func methodOf(method string) string {
	if slices.Contains(knownMethods, method) {
		return method
	}
	return facetOther
}
