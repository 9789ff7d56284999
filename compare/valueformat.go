package compare

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/decimal"
	"github.com/quackproxy/quack/compare/internal/stamp"
)

// valueFormat is what a rule with format asks of a value.
type valueFormat uint8

const (
	noFormat valueFormat = iota
	formatSame
	formatUUID
	formatULID
	formatTimestamp
	formatDate
	formatInteger
	formatNumber
	formatEmail
	formatURI
	formatHex
	formatBase64
)

var formatNames = [...]string{
	formatSame: "same", formatUUID: "uuid", formatULID: "ulid", formatTimestamp: "timestamp", formatDate: "date",
	formatInteger: "integer", formatNumber: "number", formatEmail: "email", formatURI: "uri", formatHex: "hex", formatBase64: "base64",
}

// Formats lists what a rule with format may ask for: "same", that both sides
// have the same one, and the names of formats.
func Formats() []string { return slices.Clone(formatNames[formatSame:]) }

func parseFormat(name string) (valueFormat, error) {
	if i := slices.Index(formatNames[formatSame:], name); i >= 0 {
		return valueFormat(i) + formatSame, nil
	}
	return noFormat, fmt.Errorf("format %q is not known\nuse one of %s", name, strings.Join(formatNames[formatSame:], ", "))
}

// has reports whether the value is in the format. Numbers may be integers,
// numbers and timestamps; the other formats are those of strings.
func (s scalar) has(f valueFormat) bool {
	switch f {
	case formatInteger:
		return s.integer()
	case formatNumber:
		return s.number() != nil || s.integer()
	case formatTimestamp:
		_, ok := s.stamp()
		return ok
	}
	return s.ofText() && textHas(s.text, f)
}

func textHas(s []byte, f valueFormat) bool {
	switch f {
	case formatUUID:
		return IsUUID(s)
	case formatULID:
		return isULID(s)
	case formatDate:
		_, ok := stamp.ParseDate(s)
		return ok
	case formatEmail:
		return isEmail(s)
	case formatURI:
		return isURI(s)
	case formatHex:
		return isHex(s)
	}
	return isBase64(s)
}

// integer reports whether the value is a whole number: by its value in JSON, by
// its digits, with zeros in front or not, in a string.
func (s scalar) integer() bool {
	if s.class == isNumber {
		d := decimal.Parse(s.text)
		return d.Integer()
	}
	if !s.ofText() || len(s.text) == 0 {
		return false
	}
	n := s.text
	if n[0] == '-' || n[0] == '+' {
		n = n[1:]
	}
	return len(n) > 0 && bytewise.Digits(n, 0) == len(n)
}

// stamp is the value as a timestamp: a string in one of the textual styles, or
// a number of seconds, or of parts of a second, in this century.
func (s scalar) stamp() (stamp.Stamp, bool) {
	if s.ofText() {
		if t, ok := stamp.Parse(s.text); ok || s.class == isString {
			return t, ok
		}
	}
	if s.class == isNumber || s.class == isText {
		return stamp.ParseEpoch(s.text)
	}
	return stamp.Stamp{}, false
}

// email is an address as forms take it: RFC 5321's without quotes, in which
// letters beyond ASCII stand as well.
var email = regexp.MustCompile("^[^\\s@\"(),:;<>\\[\\\\\\]\\pC]{1,64}@([\\pL\\pN]([\\pL\\pN-]{0,61}[\\pL\\pN])?\\.)*[\\pL\\pN]([\\pL\\pN-]{0,61}[\\pL\\pN])?$")

func isEmail(s []byte) bool { return len(s) <= 320 && utf8.Valid(s) && email.Match(s) }

// isURI reports whether s is a URI with a scheme (RFC 3986).
func isURI(s []byte) bool {
	if bytes.ContainsAny(s, " \t\r\n") {
		return false
	}
	u, err := url.Parse(string(s))
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "" || u.Path != "")
}

func isHex(s []byte) bool {
	for _, c := range s {
		if bytewise.HexDigit(c) < 0 {
			return false
		}
	}
	return len(s) > 0
}

// isBase64 takes both alphabets of RFC 4648, with or without padding.
func isBase64(s []byte) bool {
	if len(s) == 0 || bytes.ContainsAny(s, "\r\n") { // which the decoder skips
		return false
	}
	code := base64.RawStdEncoding
	if bytes.ContainsAny(s, "-_") {
		code = base64.RawURLEncoding
	}
	if padded := bytes.IndexByte(s, '='); padded >= 0 {
		code = code.WithPadding(base64.StdPadding)
	}
	_, err := code.DecodeString(string(s))
	return err == nil
}

// shortestHex is how many hexadecimal digits make a text a hex string and not a
// word or a number that happens to have no other ones.
const shortestHex = 16

// shape is a format in which a value was found to be, with what of it must
// agree: the version of a UUID, the length of a hex string.
type shape struct {
	format valueFormat
	detail int
}

// sameFormat reports whether two values have a format in common, or are both in
// none that is known. Base64 is not looked for: any word may be one.
func sameFormat(l, n scalar) bool {
	if l.class != n.class {
		return false
	}
	if a, ok := l.stamp(); ok {
		if b, ok := n.stamp(); ok {
			return a.Style == b.Style
		}
	}
	of, with := l.shapes(), n.shapes()
	if len(of) == 0 || len(with) == 0 {
		return len(of) == len(with)
	}
	return slices.ContainsFunc(of, func(s shape) bool { return slices.Contains(with, s) })
}

// shapes are the formats in which a value is.
func (s scalar) shapes() []shape {
	var found []shape
	add := func(f valueFormat, detail int) { found = append(found, shape{f, detail}) }
	if s.integer() {
		add(formatInteger, 0)
	} else if s.number() != nil {
		add(formatNumber, 0)
	}
	if !s.ofText() {
		return found
	}
	if IsUUID(s.text) {
		add(formatUUID, bytewise.HexDigit(s.text[14]))
	}
	if _, ok := stamp.Parse(s.text); ok {
		add(formatTimestamp, 0)
	}
	if len(s.text) >= shortestHex && isHex(s.text) {
		add(formatHex, len(s.text))
	}
	for _, f := range []valueFormat{formatULID, formatDate, formatEmail, formatURI} {
		if textHas(s.text, f) {
			add(f, 0)
		}
	}
	return found
}

// matchesWhole reports whether a pattern, of whose matches the longest counts,
// matches all of a value.
func matchesWhole(pattern *regexp.Regexp, s scalar) bool {
	if s.class == absent || s.class == isContainer {
		return false
	}
	at := pattern.FindIndex(s.text)
	return at != nil && at[0] == 0 && at[1] == len(s.text)
}

// appendFolded appends a text in which all spellings of one letter, small or
// capital, are the same. Bytes that are not UTF-8 stay as they are.
func appendFolded(to, s []byte) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r == utf8.RuneError && n == 1 {
			to = append(to, s[0])
		} else {
			to = utf8.AppendRune(to, folded(r))
		}
		s = s[n:]
	}
	return to
}

// folded is the first of the spellings of a letter.
func folded(r rune) rune {
	first := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		first = min(first, next)
	}
	return first
}
