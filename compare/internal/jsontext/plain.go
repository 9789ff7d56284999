package jsontext

import (
	"encoding/binary"
	"math/bits"

	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// The scanners below take what most values and names are, within a run. They
// give the position behind it, or one of these.
const (
	Unusual   = -1 // out of the ordinary
	EndOfRun  = -2 // it does not end within the run
	Container = -3
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

// ScanPlainName scans a member name and the colon behind it. Names that are
// plain have only small letters and _ in them.
func ScanPlainName(a []byte, i int) (end int, plain bool) {
	if a[i] != '"' {
		return Unusual, false
	}
	i++
	letters := uint64(highs)
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
			return EndOfRun, false
		}
		if a[i] != '"' || a[i+1] != ':' {
			return Unusual, false
		}
		letters &= smalls(v) | ^uint64(0)<<n
		return i + 2, letters&highs == highs
	}
	return EndOfRun, false
}

// ScanPlain scans a scalar without escapes.
func ScanPlain(a []byte, i int) int {
	switch c := a[i]; c {
	case '"':
		for i++; i+8 <= len(a); i += 8 {
			if m := specials(binary.LittleEndian.Uint64(a[i:])); m != 0 {
				if i += bits.TrailingZeros64(m) / 8; a[i] != '"' {
					return Unusual
				}
				return i + 1
			}
		}
		return EndOfRun
	case '{', '[':
		return Container
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
		return EndOfRun
	}
	return max(Unusual, scanLiteral(a, i, word))
}

// plainNumber scans a number that ends within the run: what follows it decides
// where it ends.
func plainNumber(a []byte, i int) int {
	from := i
	if i = bytewise.Digits(a, i); i == from || a[from] == '0' || i < len(a) && (a[i] == '.' || a[i]|0x20 == 'e') {
		if i = ScanNumber(a, from); i < 0 {
			return Unusual
		}
	}
	if i >= len(a) {
		return EndOfRun
	}
	return i
}
