package redact

import "strings"

const (
	cardMin = 13 // digits of a payment card number, ISO/IEC 7812-1 and the schemes' ranges
	cardMax = 19
)

// cardAt looks for a payment card number that begins at s[0], a digit that no
// digit precedes: 13 to 19 digits with at most one space or dash between two
// (a space also as "+", "%20" or one that does not break), the first digits of a card scheme, and a right Luhn check digit. It returns
// the number's length in s, 0 when there is none.
//
// The first digits are looked at because one number in ten has a right check
// digit: clocks count milliseconds in 13 digits, and those begin with 1.
func cardAt(s string) int {
	var digits [cardMax]byte
	n, length := 0, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			if n == cardMax {
				return length
			}
			digits[n] = c - '0'
			n++
			// A number ends where its digits do, not inside of a group.
			if n >= cardMin && (i+1 == len(s) || s[i+1] < '0' || s[i+1] > '9') && isCard(digits[:n]) {
				length = i + 1
			}
		case i > 0 && '0' <= s[i-1] && s[i-1] <= '9' && between(s[i:]) > 0:
			i += between(s[i:]) - 1
		default:
			return length
		}
	}
	return length
}

// between is the length of what may part groups of digits, and s begins with.
func between(s string) int {
	switch s[0] {
	case ' ', '-', '+':
		return 1
	case '%', 0xc2, 0xe2:
		for _, separator := range []string{"%20", "\u00a0", "\u202f"} {
			if strings.HasPrefix(s, separator) {
				return len(separator)
			}
		}
	}
	return 0
}

func isCard(d []byte) bool {
	four := int(d[0])*1000 + int(d[1])*100 + int(d[2])*10 + int(d[3])
	scheme := d[0] >= 3 && d[0] <= 6 || four >= 2221 && four <= 2720 || len(d) == 15 && (four == 1800 || four == 2131)
	if !scheme {
		return false
	}
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i])
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// onlyDigits is a card number without its separators, so that one number has
// one fingerprint.
func onlyDigits(s string) string {
	b := make([]byte, 0, len(s))
	for _, c := range []byte(strings.ReplaceAll(s, "%20", "")) {
		if '0' <= c && c <= '9' {
			b = append(b, c)
		}
	}
	return string(b)
}
