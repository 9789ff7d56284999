package jsontext

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// letters reads the characters of a JSON string, without its quotes, as bytes
// of UTF-8, escapes resolved. Half of a surrogate pair, which JSON can write
// and UTF-8 can not, comes out as the three bytes that it would have (WTF-8),
// so that each half equals only itself. Bytes that are not UTF-8 come out as
// they are.
type letters struct {
	raw  []byte
	held [utf8.UTFMax]byte // what an escape stands for
}

// chunk is the next bytes, nil at the end. They are valid until the next call.
func (l *letters) chunk() []byte {
	if len(l.raw) == 0 {
		return nil
	}
	if l.raw[0] != '\\' {
		n := bytes.IndexByte(l.raw, '\\')
		if n < 0 {
			n = len(l.raw)
		}
		c := l.raw[:n]
		l.raw = l.raw[n:]
		return c
	}
	r := rune(l.raw[1])
	switch r {
	case 'u':
		r = unit(l.raw)
		l.raw = l.raw[6:]
		if utf16.IsSurrogate(r) && len(l.raw) >= 6 && l.raw[0] == '\\' && l.raw[1] == 'u' {
			if pair := utf16.DecodeRune(r, unit(l.raw)); pair != utf8.RuneError {
				r = pair
				l.raw = l.raw[6:]
			}
		}
		return l.encode(r)
	case 'b':
		r = '\b'
	case 'f':
		r = '\f'
	case 'n':
		r = '\n'
	case 'r':
		r = '\r'
	case 't':
		r = '\t'
	}
	l.raw = l.raw[2:]
	return l.encode(r)
}

// unit is the UTF-16 code unit of an escape such as \u0041.
func unit(s []byte) rune {
	var r rune
	for _, c := range s[2:6] {
		r = r<<4 | rune(bytewise.HexDigit(c))
	}
	return r
}

func (l *letters) encode(r rune) []byte {
	if utf16.IsSurrogate(r) {
		l.held = [4]byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6)&0x3f, 0x80 | byte(r)&0x3f}
		return l.held[:3]
	}
	return l.held[:utf8.EncodeRune(l.held[:], r)]
}

// EqualStrings compares two JSON strings, without their quotes, by value.
func EqualStrings(a, b []byte) bool {
	la, lb := letters{raw: a}, letters{raw: b}
	var ca, cb []byte
	for {
		if len(ca) == 0 {
			ca = la.chunk()
		}
		if len(cb) == 0 {
			cb = lb.chunk()
		}
		n := min(len(ca), len(cb))
		if n == 0 {
			return len(ca) == len(cb)
		}
		if !bytes.Equal(ca[:n], cb[:n]) {
			return false
		}
		ca, cb = ca[n:], cb[n:]
	}
}

// AppendUnescaped appends the value of a JSON string given without its quotes.
func AppendUnescaped(to, raw []byte) []byte {
	l := letters{raw: raw}
	for c := l.chunk(); c != nil; c = l.chunk() {
		to = append(to, c...)
	}
	return to
}

func Unescaped(raw []byte) string { return string(AppendUnescaped(nil, raw)) }

// HasEscapes reports whether a JSON string, without its quotes, has any.
func HasEscapes(raw []byte) bool { return bytes.IndexByte(raw, '\\') >= 0 }

// Quote writes a text as a JSON string.
func Quote(s []byte) []byte {
	q := append(make([]byte, 0, len(s)+2), '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			q = append(q, '\\', c)
		case c == '\n':
			q = append(q, `\n`...)
		case c < ' ':
			q = append(q, `\u00`...)
			q = append(q, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			q = append(q, c)
		}
	}
	return append(q, '"')
}
