package txshadow

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file reads dictionaries of structured fields (RFC 9651 section 4.2.2)
// and writes their strings.

// sfItem is an item, or a list of items, with its parameters. Values are
// int64, string (String and Display String), bool, or sfOther.
type sfItem struct {
	value  any
	isList bool
	list   []sfItem
	params map[string]any
}

// sfOther is a value of a type that no field of ours has: a decimal, a token,
// a byte sequence or a date, as it was written.
type sfOther string

// formatString writes s as a String, or as a Display String when it has
// characters that a String can not hold.
func formatString(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] >= 0x20 && s[i] < 0x7f
	}
	if plain {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	var b strings.Builder
	b.WriteString(`%"`)
	for _, c := range []byte(strings.ToValidUTF8(s, "\uFFFD")) {
		if c < 0x20 || c >= 0x7f || c == '%' || c == '"' {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}

type sfParser struct {
	in  string
	pos int
}

func parseDictionary(in string) (map[string]sfItem, error) {
	p := &sfParser{in: strings.Trim(in, " ")}
	members := map[string]sfItem{}
	for p.pos < len(p.in) {
		key, item, err := p.member()
		if err != nil {
			return nil, fmt.Errorf("%w at byte %d", err, p.pos)
		}
		members[key] = item
		p.skip(" \t")
		if p.pos == len(p.in) {
			break
		}
		if !p.take(',') {
			return nil, fmt.Errorf("no comma at byte %d", p.pos)
		}
		if p.skip(" \t"); p.pos == len(p.in) {
			return nil, errors.New("a comma at the end")
		}
	}
	return members, nil
}

func (p *sfParser) member() (key string, item sfItem, err error) {
	if key, err = p.key(); err != nil {
		return "", item, err
	}
	item.value = true
	if p.take('=') {
		if item, err = p.itemOrList(); err != nil {
			return "", item, err
		}
		return key, item, nil
	}
	item.params, err = p.parameters()
	return key, item, err
}

func (p *sfParser) itemOrList() (sfItem, error) {
	if !p.take('(') {
		return p.item()
	}
	l := sfItem{isList: true}
	for {
		p.skip(" ")
		if p.take(')') {
			var err error
			l.params, err = p.parameters()
			return l, err
		}
		item, err := p.item()
		if err != nil {
			return l, err
		}
		l.list = append(l.list, item)
		if c := p.peek(); c != ' ' && c != ')' {
			return l, errors.New("a list does not go on")
		}
	}
}

func (p *sfParser) item() (item sfItem, err error) {
	if item.value, err = p.bare(); err != nil {
		return item, err
	}
	item.params, err = p.parameters()
	return item, err
}

func (p *sfParser) parameters() (map[string]any, error) {
	params := map[string]any{}
	for p.take(';') {
		p.skip(" ")
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		params[key] = true
		if p.take('=') {
			if params[key], err = p.bare(); err != nil {
				return nil, err
			}
		}
	}
	return params, nil
}

func (p *sfParser) key() (string, error) {
	if c := p.peek(); c != '*' && (c < 'a' || c > 'z') {
		return "", errors.New("no key")
	}
	return p.while(func(c byte) bool {
		return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("_-.*", c) >= 0
	}), nil
}

func (p *sfParser) bare() (any, error) {
	switch c := p.peek(); {
	case c == '"':
		return p.str()
	case c == '%':
		return p.display()
	case c == '?':
		return p.boolean()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case c == ':':
		return p.bytes()
	case c == '@':
		p.pos++
		n, err := p.number()
		if _, ok := n.(int64); err != nil || !ok {
			return nil, errors.New("a date that is not a whole number")
		}
		return sfOther("@"), nil
	case c == '*' || isAlnum(c):
		return sfOther(p.while(func(c byte) bool { return isAlnum(c) || strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0 })), nil
	default:
		return nil, errors.New("no value")
	}
}

func (p *sfParser) boolean() (any, error) {
	p.pos++
	switch {
	case p.take('1'):
		return true, nil
	case p.take('0'):
		return false, nil
	}
	return nil, errors.New("a boolean that is neither 0 nor 1")
}

func (p *sfParser) number() (any, error) {
	start := p.pos
	p.take('-')
	digits := p.while(func(c byte) bool { return '0' <= c && c <= '9' })
	if p.peek() == '.' {
		p.pos++
		fraction := p.while(func(c byte) bool { return '0' <= c && c <= '9' })
		if digits == "" || len(digits) > 12 || fraction == "" || len(fraction) > 3 {
			return nil, errors.New("a decimal of a wrong length")
		}
		return sfOther(p.in[start:p.pos]), nil
	}
	if digits == "" || len(digits) > 15 {
		return nil, errors.New("an integer of a wrong length")
	}
	return strconv.ParseInt(p.in[start:p.pos], 10, 64)
}

func (p *sfParser) str() (any, error) {
	var b strings.Builder
	for p.pos++; p.pos < len(p.in); p.pos++ {
		switch c := p.in[p.pos]; {
		case c == '"':
			p.pos++
			return b.String(), nil
		case c == '\\':
			if p.pos++; p.peek() != '"' && p.peek() != '\\' {
				return nil, errors.New("a wrong escape")
			}
			b.WriteByte(p.in[p.pos])
		case c < 0x20 || c >= 0x7f:
			return nil, errors.New("a character that no string may have")
		default:
			b.WriteByte(c)
		}
	}
	return nil, errors.New("a string without end")
}

func (p *sfParser) display() (any, error) {
	if p.pos++; !p.take('"') {
		return nil, errors.New("no quote after %")
	}
	var b strings.Builder
	for ; p.pos < len(p.in); p.pos++ {
		switch c := p.in[p.pos]; {
		case c == '"':
			p.pos++
			if !utf8.ValidString(b.String()) {
				return nil, errors.New("a string that is not UTF-8")
			}
			return b.String(), nil
		case c == '%':
			octet, err := p.octet()
			if err != nil {
				return nil, err
			}
			b.WriteByte(octet)
		case c < 0x20 || c >= 0x7f:
			return nil, errors.New("a character that no string may have")
		default:
			b.WriteByte(c)
		}
	}
	return nil, errors.New("a string without end")
}

// octet reads the two lower-case hex digits after a "%" and stays on the last.
func (p *sfParser) octet() (byte, error) {
	if p.pos+2 >= len(p.in) || strings.Trim(p.in[p.pos+1:p.pos+3], "0123456789abcdef") != "" {
		return 0, errors.New("a wrong escape")
	}
	n, err := strconv.ParseUint(p.in[p.pos+1:p.pos+3], 16, 8)
	p.pos += 2
	return byte(n), err
}

func (p *sfParser) bytes() (any, error) {
	start := p.pos
	p.pos++
	text := p.while(func(c byte) bool { return isAlnum(c) || strings.IndexByte("+/=", c) >= 0 })
	if _, err := base64.StdEncoding.DecodeString(text); err != nil || !p.take(':') {
		return nil, errors.New("wrong base64")
	}
	return sfOther(p.in[start:p.pos]), nil
}

// peek is the next byte, 0 at the end.
func (p *sfParser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

func (p *sfParser) take(c byte) bool {
	if p.pos < len(p.in) && p.in[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *sfParser) skip(set string) {
	for p.pos < len(p.in) && strings.IndexByte(set, p.in[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *sfParser) while(ok func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.in) && ok(p.in[p.pos]) {
		p.pos++
	}
	return p.in[start:p.pos]
}
