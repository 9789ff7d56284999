package compare

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth bounds how deep arrays and objects may stand in each other. Deeper
// bodies can not be compared: Result.Err.
const maxDepth = 512

// The scanners below take a position and return the one behind what they
// scanned, or one of these. They hold to RFC 8259, except that they let
// invalid UTF-8 in strings pass: two bodies that have it can still be compared
// byte by byte.
const (
	notJSON = -1
	tooDeep = -2
	tooLong = -3 // given by walks only: see walk.lists
)

// blank skips white space.
func blank(s []byte, i int) int {
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

// scanString scans a string from its opening quote, and says whether it has escapes.
func scanString(s []byte, i int) (end int, escapes bool) {
	i++
	for {
		i += plainPrefix(s, i)
		if i >= len(s) {
			return notJSON, escapes
		}
		switch s[i] {
		case '"':
			return i + 1, escapes
		case '\\':
			n := escapeLength(s[i:])
			if n == 0 {
				return notJSON, true
			}
			escapes = true
			i += n
		default:
			return notJSON, escapes
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
			if hexDigit(c) < 0 {
				return 0
			}
		}
		return 6
	}
	return 0
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// scanNumber scans a number.
func scanNumber(s []byte, i int) int {
	if i < len(s) && s[i] == '-' {
		i++
	}
	from := i
	i = digits(s, i)
	if i == from || s[from] == '0' && i > from+1 {
		return notJSON
	}
	if i < len(s) && s[i] == '.' {
		from = i + 1
		if i = digits(s, from); i == from {
			return notJSON
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		from = i
		if i = digits(s, from); i == from {
			return notJSON
		}
	}
	return i
}

func digits(s []byte, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

// scanValue scans a value that stands depth containers deep.
func scanValue(s []byte, i, depth int) int {
	if i >= len(s) {
		return notJSON
	}
	switch c := s[i]; c {
	case '"':
		end, _ := scanString(s, i)
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
	return scanNumber(s, i)
}

func scanLiteral(s []byte, i int, word string) int {
	if i+len(word) > len(s) || string(s[i:i+len(word)]) != word {
		return notJSON
	}
	return i + len(word)
}

// scanContainer scans an array or an object.
func scanContainer(s []byte, i, depth int) int {
	if depth >= maxDepth {
		return tooDeep
	}
	object := s[i] == '{'
	closing := s[i] + 2 // in ASCII for both
	if i = blank(s, i+1); i < len(s) && s[i] == closing {
		return i + 1
	}
	for {
		if object {
			if i = scanName(s, i); i < 0 {
				return i
			}
		}
		if i = scanValue(s, i, depth+1); i < 0 {
			return i
		}
		if i = blank(s, i); i >= len(s) || s[i] != ',' && s[i] != closing {
			return notJSON
		}
		if s[i] == closing {
			return i + 1
		}
		i = blank(s, i+1)
	}
}

// scanName scans a member name, the colon and the white space behind it.
func scanName(s []byte, i int) int {
	if i >= len(s) || s[i] != '"' {
		return notJSON
	}
	if i, _ = scanString(s, i); i < 0 {
		return i
	}
	return scanColon(s, i)
}

// scanColon scans a colon and the white space around it.
func scanColon(s []byte, i int) int {
	if i = blank(s, i); i >= len(s) || s[i] != ':' {
		return notJSON
	}
	return blank(s, i+1)
}

// scanDocument is notJSON or tooDeep when s is not one JSON text.
func scanDocument(s []byte) int {
	i := scanValue(s, blank(s, 0), 0)
	if i < 0 {
		return i
	}
	if blank(s, i) != len(s) {
		return notJSON
	}
	return len(s)
}
