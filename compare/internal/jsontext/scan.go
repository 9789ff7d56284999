// Package jsontext reads JSON where it stands: nothing is decoded, and what is
// found is a position behind it. Start with [ScanValue]; strings are compared
// and read by their escapes with [EqualStrings] and [AppendUnescaped], and
// [ScanPlain] is the quick way through what needs no care.
package jsontext

import (
	"encoding/binary"
	"math/bits"

	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// MaxDepth bounds how deep arrays and objects may stand in each other. Deeper
// bodies can not be compared: Result.Err.
const MaxDepth = 512

// The scanners below take a position and return the one behind what they
// scanned, or one of these. They hold to RFC 8259, except that they let
// invalid UTF-8 in strings pass: two bodies that have it can still be compared
// byte by byte.
const (
	NotJSON = -1
	TooDeep = -2
)

// Blank skips white space.
func Blank(s []byte, i int) int {
	for i < len(s) && s[i] <= ' ' && (s[i] == ' ' || s[i] == '\n' || s[i] == '\r' || s[i] == '\t') {
		i++
	}
	return i
}

// Each byte of a word at once: see "Determine if a word has a byte less than n"
// in Bit Twiddling Hacks. Only the lowest mark is exact, and only that is used.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainPrefix is how many bytes from i on are neither a quote nor a backslash
// nor a control character.
func plainPrefix(s []byte, i int) int {
	from := i
	for ; i+8 <= len(s); i += 8 {
		if m := specials(binary.LittleEndian.Uint64(s[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8 - from
		}
	}
	for i < len(s) && s[i] != '"' && s[i] != '\\' && s[i] >= ' ' {
		i++
	}
	return i - from
}

// ScanString scans a string from its opening quote, and says whether it has escapes.
func ScanString(s []byte, i int) (end int, escapes bool) {
	i++
	for {
		i += plainPrefix(s, i)
		if i >= len(s) {
			return NotJSON, escapes
		}
		switch s[i] {
		case '"':
			return i + 1, escapes
		case '\\':
			n := escapeLength(s[i:])
			if n == 0 {
				return NotJSON, true
			}
			escapes = true
			i += n
		default:
			return NotJSON, escapes
		}
	}
}

// escapeLength is the length of the escape that s begins with, 0 when it is none.
func escapeLength(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(s) < 6 {
			return 0
		}
		for _, c := range s[2:6] {
			if bytewise.HexDigit(c) < 0 {
				return 0
			}
		}
		return 6
	}
	return 0
}

// ScanNumber scans a number.
func ScanNumber(s []byte, i int) int {
	if i < len(s) && s[i] == '-' {
		i++
	}
	from := i
	i = bytewise.Digits(s, i)
	if i == from || s[from] == '0' && i > from+1 {
		return NotJSON
	}
	if i < len(s) && s[i] == '.' {
		from = i + 1
		if i = bytewise.Digits(s, from); i == from {
			return NotJSON
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		from = i
		if i = bytewise.Digits(s, from); i == from {
			return NotJSON
		}
	}
	return i
}

// ScanValue scans a value that stands depth containers deep.
func ScanValue(s []byte, i, depth int) int {
	if i >= len(s) {
		return NotJSON
	}
	switch c := s[i]; c {
	case '"':
		end, _ := ScanString(s, i)
		return end
	case '{', '[':
		return scanContainer(s, i, depth)
	case 't':
		return scanLiteral(s, i, "true")
	case 'f':
		return scanLiteral(s, i, "false")
	case 'n':
		return scanLiteral(s, i, "null")
	}
	return ScanNumber(s, i)
}

func scanLiteral(s []byte, i int, word string) int {
	if i+len(word) > len(s) || string(s[i:i+len(word)]) != word {
		return NotJSON
	}
	return i + len(word)
}

// scanContainer scans an array or an object.
func scanContainer(s []byte, i, depth int) int {
	if depth >= MaxDepth {
		return TooDeep
	}
	object := s[i] == '{'
	closing := s[i] + 2 // in ASCII for both
	if i = Blank(s, i+1); i < len(s) && s[i] == closing {
		return i + 1
	}
	for {
		if object {
			if i = scanName(s, i); i < 0 {
				return i
			}
		}
		if i = ScanValue(s, i, depth+1); i < 0 {
			return i
		}
		if i = Blank(s, i); i >= len(s) || s[i] != ',' && s[i] != closing {
			return NotJSON
		}
		if s[i] == closing {
			return i + 1
		}
		i = Blank(s, i+1)
	}
}

// scanName scans a member name, the colon and the white space behind it.
func scanName(s []byte, i int) int {
	if i >= len(s) || s[i] != '"' {
		return NotJSON
	}
	if i, _ = ScanString(s, i); i < 0 {
		return i
	}
	return ScanColon(s, i)
}

// ScanColon scans a colon and the white space around it.
func ScanColon(s []byte, i int) int {
	if i = Blank(s, i); i >= len(s) || s[i] != ':' {
		return NotJSON
	}
	return Blank(s, i+1)
}

// ScanDocument is NotJSON or TooDeep when s is not one JSON text.
func ScanDocument(s []byte) int {
	i := ScanValue(s, Blank(s, 0), 0)
	if i < 0 {
		return i
	}
	if Blank(s, i) != len(s) {
		return NotJSON
	}
	return len(s)
}
