package compare

import (
	"math/bits"

	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// uuidLength is in characters.
const uuidLength = 36

// uuid is a UUID (RFC 9562 section 4), without how it is written.
type uuid struct{ high, low uint64 }

// nibbles is the value of each hexadecimal digit, 255 for all other bytes.
var nibbles = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
		if d := bytewise.HexDigit(byte(i)); d >= 0 {
			t[i] = byte(d)
		}
	}
	return t
}()

// parseUUID takes all of s. letters is in which case the digits are.
func parseUUID(s []byte) (id uuid, letters letterCase, ok bool) {
	if len(s) != uuidLength || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, 0, false
	}
	var all byte
	part := func(v uint64, from, to int) uint64 {
		for _, c := range s[from:to] {
			d := nibbles[c]
			all |= d
			letters |= caseOf(c)
			v = v<<4 | uint64(d)
		}
		return v
	}
	id.high = part(part(part(0, 0, 8), 9, 13), 14, 18)
	id.low = part(part(0, 19, 23), 24, uuidLength)
	return id, letters, all < 16
}

// IsUUID reports whether s has the form of RFC 9562 section 4.
func IsUUID(s []byte) bool {
	_, _, ok := parseUUID(s)
	return ok
}

// letterCase is a set of bits: which kinds of characters a text has.
type letterCase uint8

const (
	upperCase letterCase = 1 << 2
	lowerCase letterCase = 1 << 3
)

// caseOf is the bit of an ASCII letter; other characters have other bits.
func caseOf(c byte) letterCase { return 1 << (c >> 5) }

// differentCase reports whether one text has small letters alone and the other
// capitals alone: that is another way to write ids.
func differentCase(a, b letterCase) bool {
	const both = lowerCase | upperCase
	return a&both == lowerCase && b&both == upperCase || a&both == upperCase && b&both == lowerCase
}

func casesOf(s []byte) letterCase {
	var c letterCase
	for _, b := range s {
		c |= caseOf(b)
	}
	return c
}

func (u uuid) version() int { return int(u.high >> 12 & 15) }

// variant reports whether it is of the variant that RFC 9562 is about.
func (u uuid) variant() bool { return u.low>>62 == 2 }

// millis is the time in a UUID of version 1, 6 or 7, in milliseconds since 1970.
func (u uuid) millis() int64 {
	if u.version() == 7 {
		return int64(u.high >> 16)
	}
	first, mid, last := u.high>>32, u.high>>16&0xffff, u.high&0xfff
	ticks := last<<48 | mid<<32 | first // version 1: the low bits come first
	if u.version() == 6 {
		ticks = first<<28 | mid<<12 | last
	}
	const epoch = 0x01b21dd213814000 // from 1582 to 1970, in tenths of microseconds
	return (int64(ticks) - epoch) / 10_000
}

// differingDigits is how many hexadecimal digits of two words differ.
func differingDigits(a, b uint64) int {
	x := a ^ b
	return bits.OnesCount64((x | x>>1 | x>>2 | x>>3) & 0x1111111111111111)
}

// alikeUUIDs reports whether two texts are UUIDs of one version that are made
// up by a clock or by chance. Those by chance must differ in much of it: an id
// with one wrong digit is no other id. (Fewer digits differ in one pair of
// 10^11, of version 7 in one of 10^8.)
func alikeUUIDs(legacy, new []byte) bool {
	l, lettersL, okL := parseUUID(legacy)
	n, lettersN, okN := parseUUID(new)
	if !okL || !okN || l.version() != n.version() || !l.variant() || !n.variant() || differentCase(lettersL, lettersN) {
		return false
	}
	switch l.version() {
	case 1, 6:
		return sameMoment(l.millis(), n.millis())
	case 4:
		return differingDigits(l.high, n.high)+differingDigits(l.low, n.low) >= 15
	case 7:
		return sameMoment(l.millis(), n.millis()) && differingDigits(l.low, n.low) >= 6
	}
	return false
}
