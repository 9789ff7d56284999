// Package bytewise is what all of the comparison does to bytes, word by word
// where that is quicker: how far two texts are alike ([CommonPrefix]), hashes
// ([Hash], [Mix]) and digits.
package bytewise

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// CommonPrefix is how many bytes a and b begin with in common.
func CommonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	const block = 256 // comparing as strings is quicker, from some length on
	i := 0
	for i+block <= n && string(a[i:i+block]) == string(b[i:i+block]) {
		i += block
	}
	for ; i+8 <= n; i += 8 {
		if d := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); d != 0 {
			return i + bits.TrailingZeros64(d)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// Hash is quick and the same on every run. It need not withstand those
// who look for collisions: what is paired is compared.
func Hash(s []byte) uint64 {
	sum := Mix(uint64(len(s)), 11)
	for ; len(s) >= 8; s = s[8:] {
		sum = Mix(sum, binary.LittleEndian.Uint64(s))
	}
	var tail uint64
	for _, c := range slices.Backward(s) {
		tail = tail<<8 | uint64(c)
	}
	return Mix(sum, tail)
}

// Mix folds the product of two words, as wyhash does.
func Mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return high ^ low
}

func HexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func Digits(s []byte, i int) int {
	for i < len(s) && IsDigit(s[i]) {
		i++
	}
	return i
}

func IsDigit(c byte) bool { return '0' <= c && c <= '9' }
