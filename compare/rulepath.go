package compare

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// segment is one step of a rule's path.
type segment struct {
	descend bool // at any depth below
	wild    bool
	name    string // when index < 0 and not wild
	index   int32
	each    bool // a wildcard in brackets: in trees it may stand for an index too
}

// supported ends every message about a path.
const supported = "supported: names (.a, ['a']), wildcards (.*, [*]), indexes ([0]) and descendants (..a)"

// parsePath parses the part of RFC 9535 JSONPath that rules may use: from the
// root, names, wildcards, indexes and descendants. Filters, slices, unions,
// functions and indexes from the end are refused: each may select other
// places on the two sides.
func parsePath(path string) ([]segment, error) { return parsePathAs(path, path, 0) }

// parsePathAs parses a path of which a person has written another form: that,
// and where in it the fault is, so many characters further on, stand in errors.
func parsePathAs(path, written string, shift int) ([]segment, error) {
	p := pathParser{text: path, pos: 1}
	var segments []segment
	if !utf8.ValidString(path) {
		return nil, fmt.Errorf("path %q is not UTF-8\n%s", written, supported)
	}
	for p.pos < len(path) {
		s, err := p.segment()
		if err != nil {
			return nil, fmt.Errorf("path %q, at character %d: %w\n%s", written, utf8.RuneCountInString(path[:p.pos])+shift+1, err, supported)
		}
		segments = append(segments, s)
	}
	return segments, nil
}

// parseKey parses the key of an element, relative to the element: names alone,
// since a key is one value.
func parseKey(key string) ([]segment, error) {
	const remedy = "write the names that lead from the element to its key, such as $.id or $.product.sku"
	if !strings.HasPrefix(key, "$") {
		return nil, fmt.Errorf("%q is not a path in the element\n%s", key, remedy)
	}
	segments, err := parsePath(key)
	if err != nil {
		return nil, err
	}
	for _, s := range segments {
		if s.wild || s.descend || s.index >= 0 {
			return nil, fmt.Errorf("%q may stand for more than one value or for another in each answer\n%s", key, remedy)
		}
	}
	if len(segments) == 0 {
		return nil, fmt.Errorf("%q is the whole element\n%s; elements without a key are paired by their values with unordered alone", key, remedy)
	}
	return segments, nil
}

// wildcardsOnly reports whether a path names nothing, so that all of an answer
// (or all below its outer levels) stands under it.
func wildcardsOnly(segments []segment) bool {
	for _, s := range segments {
		if !s.wild {
			return false
		}
	}
	return true
}

type pathParser struct {
	text string
	pos  int
}

// next is the byte at the position, 0 at the end.
func (p *pathParser) next() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *pathParser) segment() (segment, error) {
	p.blanks()
	switch {
	case p.next() == '[':
		return p.bracket()
	case strings.HasPrefix(p.text[p.pos:], ".."):
		p.pos += 2
		s, err := segment{}, error(nil)
		if p.next() == '[' {
			s, err = p.bracket()
		} else {
			s, err = p.shorthand()
		}
		s.descend = true
		return s, err
	case p.next() == '.':
		p.pos++
		return p.shorthand()
	case p.next() == '(':
		return segment{}, errors.New("functions are not supported")
	case p.next() == 0:
		return segment{}, errors.New("blanks at the end")
	}
	return segment{}, errors.New("a dot or a bracket is missing")
}

// blanks skips what RFC 9535 allows between segments and inside brackets.
func (p *pathParser) blanks() {
	for strings.IndexByte(" \t\r\n", p.next()) >= 0 && p.next() != 0 {
		p.pos++
	}
}

// shorthand parses what stands behind a dot.
func (p *pathParser) shorthand() (segment, error) {
	if p.next() == '*' {
		p.pos++
		return segment{wild: true, index: -1}, nil
	}
	from := p.pos
	for isNameByte(p.next()) || p.pos > from && bytewise.IsDigit(p.next()) {
		p.pos++
	}
	switch name := p.text[from:p.pos]; {
	case name == "" && p.next() == '[':
		return segment{}, errors.New("a bracket behind a dot: leave the dot out")
	case name == "" && bytewise.IsDigit(p.next()):
		return segment{}, errors.New("a name that begins with a digit needs brackets: ['1st'], an index [0]")
	case name == "":
		return segment{}, errors.New("a name is missing behind the dot")
	case p.next() == '(':
		return segment{}, errors.New("functions are not supported")
	case p.next() != 0 && strings.IndexByte(".[ \t\r\n", p.next()) < 0:
		return segment{}, fmt.Errorf("a name with %q in it needs brackets: ['%s…']", p.rune(), name+string(p.rune()))
	default:
		return segment{name: name, index: -1}, nil
	}
}

func (p *pathParser) rune() rune {
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	return r
}

// isNameByte: ALPHA, "_" and all beyond ASCII (RFC 9535 section 2.5.1.1).
func isNameByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= utf8.RuneSelf
}

// bracket parses one selector in brackets.
func (p *pathParser) bracket() (segment, error) {
	p.pos++
	p.blanks()
	s := segment{index: -1}
	var err error
	switch c := p.next(); {
	case c == '*':
		p.pos++
		s.wild, s.each = true, true
	case c == '\'' || c == '"':
		s.name, err = p.quoted(c)
	case c == '-':
		err = errors.New("an index from the end is not supported: it may mean other elements on the two sides")
	case bytewise.IsDigit(c):
		s.index, err = p.number()
	case c == '?':
		err = errors.New("filters are not supported")
	case c == ':':
		err = errors.New("slices are not supported")
	default:
		err = errors.New("a bracket holds a quoted name, an index or *")
	}
	if err != nil {
		return s, err
	}
	p.blanks()
	switch p.next() {
	case ']':
		p.pos++
		return s, nil
	case ',':
		return s, errors.New("several selectors in one bracket are not supported: write one rule for each")
	case ':':
		return s, errors.New("slices are not supported")
	}
	return s, errors.New("the closing bracket is missing")
}

// number parses an index without leading zeros.
func (p *pathParser) number() (int32, error) {
	from := p.pos
	for bytewise.IsDigit(p.next()) {
		p.pos++
	}
	text := p.text[from:p.pos]
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || len(text) > 1 && text[0] == '0' {
		p.pos = from
		return 0, fmt.Errorf("%q is not an index", text)
	}
	return int32(n), nil
}

// quoted parses a name in quotes, with the escapes of RFC 9535 section 2.3.1.1:
// those of JSON, and \' in single quotes where JSON has \".
func (p *pathParser) quoted(quote byte) (string, error) {
	var json strings.Builder
	for p.pos++; p.next() != quote; p.pos++ {
		switch c := p.next(); {
		case p.pos >= len(p.text):
			return "", errors.New("the closing quote is missing")
		case c < ' ':
			return "", errors.New("a control character in a name: write it as an escape")
		case c == '"':
			json.WriteString(`\"`)
		case c == '\\' && p.pos+1 < len(p.text):
			p.pos++
			if err := writeEscape(&json, p.next(), quote); err != nil {
				return "", err
			}
		default:
			json.WriteByte(c)
		}
	}
	p.pos++
	text := `"` + json.String() + `"`
	if end, _ := jsontext.ScanString([]byte(text), 0); end != len(text) {
		return "", errors.New("an escape that JSON does not have")
	}
	name := jsontext.Unescaped([]byte(text[1 : len(text)-1]))
	if !utf8.ValidString(name) {
		return "", errors.New("half of a surrogate pair")
	}
	return name, nil
}

// writeEscape writes the escape of c in a name in these quotes as JSON.
func writeEscape(json *strings.Builder, c, quote byte) error {
	switch {
	case c == '\'' && quote == '\'':
		json.WriteByte(c)
	case c == '"' && quote == '\'':
		return errors.New(`the escape \" is not one in single quotes`)
	default:
		json.WriteByte('\\')
		json.WriteByte(c)
	}
	return nil
}
