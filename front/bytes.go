package front

import (
	"encoding/binary"
)

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// set makes a table of the letters, the digits and more.
func set(more string) (t [256]bool) {
	for c := byte('0'); c <= 'z'; c++ {
		t[c] = isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	for _, c := range []byte(more) {
		t[c] = true
	}
	return t
}

var (
	isToken = set("!#$%&'*+-.^_`|~") // RFC 9110 section 5.6.2
	isHost  = set("-._~!$&'()*+;=")  // RFC 3986 section 3.2.2, without the comma
	isPath  = set("-._~/$&+,:;=@")   // a path that is the same escaped and not, as net/url does it
)

func tokenBytes(b []byte) bool {
	for _, c := range b {
		if !isToken[c] {
			return false
		}
	}
	return len(b) > 0
}

// foldEqual compares with a text in lower case; letters count in any case.
func foldEqual(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// validValue reports whether b has no control characters but tabs (RFC 9110
// section 5.5). Eight bytes at a time are cleared of suspicion.
func validValue(b []byte) bool {
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		low := (x - ones*0x20) &^ x & highs // a byte below 0x20
		del := x ^ ones*0x7f                // zero where there is 0x7f
		if low|(del-ones)&^del&highs != 0 && !plainValue(b[:8]) {
			return false
		}
		b = b[8:]
	}
	return plainValue(b)
}

func plainValue(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// lookalike reports whether a name turns into one that frames a message where
// underscores become hyphens, as they do in CGI and its heirs.
func lookalike(name []byte) bool {
	const length, coding = "content-length", "transfer-encoding"
	if len(name) != len(length) && len(name) != len(coding) {
		return false
	}
	hidden := false
	var plain [len(coding)]byte
	for i, c := range name {
		if c == '_' {
			c, hidden = '-', true
		}
		plain[i] = c
	}
	return hidden && (foldEqual(plain[:len(name)], length) || foldEqual(plain[:len(name)], coding))
}
