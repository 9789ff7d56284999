package compare

import (
	"encoding/binary"
	"math/bits"
)

// The scanners below take what most values and names are, within a run. They
// give the position behind it, or one of these.
const (
	leftToWalk = -1 // out of the ordinary
	endOfRun   = -2 // it does not end within the run
	aContainer = -3
)

// specials marks the bytes of a word that can not stand in a string as they
// are: quotes, backslashes, control characters. Only the lowest mark is exact.
func specials(v uint64) uint64 {
	// For each character as for a zero byte: v - ones has the high bit there,
	// and v has not, nor has v with a character of ASCII in it.
	return (((v ^ ones*'"') - ones) | ((v ^ ones*'\\') - ones) | (v - ones*' ')) &^ v & highs
}

// smalls marks the bytes of a word that are small letters, _ or `. Marks are
// exact up to the first byte beyond ASCII.
func smalls(v uint64) uint64 {
	// The high bit of a byte is set in the first sum from '_' on, in the
	// second beyond 'z', in v itself beyond ASCII.
	return (v + ones*(0x80-'_')) &^ (v + ones*(0x7f-'z')) &^ v & highs
}

// scanPlainName scans a member name and the colon behind it. Names that are
// plain have only small letters and _ in them.
func scanPlainName(a []byte, i int) (end int, plain bool) {
	if a[i] != '"' {
		return leftToWalk, false
	}
	i++
	from, letters := i, uint64(highs)
	for ; i+8 <= len(a); i += 8 {
		v := binary.LittleEndian.Uint64(a[i:])
		m := specials(v)
		if m == 0 {
			letters &= smalls(v)
			continue
		}
		n := bits.TrailingZeros64(m) &^ 7
		i += n / 8
		if i+1 >= len(a) {
			return endOfRun, false
		}
		if a[i] != '"' || a[i+1] != ':' {
			return leftToWalk, false
		}
		letters &= smalls(v) | ^uint64(0)<<n
		return i + 2, letters&highs == highs && i-from <= maxNameLength
	}
	return endOfRun, false
}

// scanPlain scans a scalar without escapes.
func scanPlain(a []byte, i int) int {
	switch c := a[i]; c {
	case '"':
		for i++; i+8 <= len(a); i += 8 {
			if m := specials(binary.LittleEndian.Uint64(a[i:])); m != 0 {
				if i += bits.TrailingZeros64(m) / 8; a[i] != '"' {
					return leftToWalk
				}
				return i + 1
			}
		}
		return endOfRun
	case '{', '[':
		return aContainer
	case 't':
		return plainLiteral(a, i, "true")
	case 'f':
		return plainLiteral(a, i, "false")
	case 'n':
		return plainLiteral(a, i, "null")
	}
	return plainNumber(a, i)
}

func plainLiteral(a []byte, i int, word string) int {
	if i+len(word) > len(a) {
		return endOfRun
	}
	return max(leftToWalk, scanLiteral(a, i, word))
}

// plainNumber scans a number that ends within the run: what follows it decides
// where it ends.
func plainNumber(a []byte, i int) int {
	from := i
	if i = digits(a, i); i == from || a[from] == '0' || i < len(a) && (a[i] == '.' || a[i]|0x20 == 'e') {
		if i = scanNumber(a, from); i < 0 {
			return leftToWalk
		}
	}
	if i >= len(a) {
		return endOfRun
	}
	return i
}
