// Package stamp reads timestamps as they are written in answers: textual ones
// ([Parse]), days ([ParseDate]) and numbers ([ParseEpoch]). Two of one [Style] are
// told apart by their [Instant]; whether a number is one at all, the name of its
// field says ([IsName]).
package stamp

import (
	"bytes"
	"time"

	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// Bound is how far apart two timestamps may be that mean one moment,
// where nothing else is said.
const Bound = 60 * time.Second

// family is a way of writing timestamps.
type family uint8

const (
	rfc3339  family = iota + 1 // 2006-01-02T15:04:05.999Z, zone optional (ISO 8601)
	sqlTime                    // 2006-01-02 15:04:05.999+00, zone optional
	httpDate                   // RFC 9110 section 5.6.7, in its three forms, and the dashes of cookies
	epoch                      // seconds, or a thousandth, a millionth, a billionth of them, since 1970
	dateOnly                   // 2006-01-02: a day, not an instant; counts under a within rule only
)

// Style is all of a timestamp's format: two timestamps are in the same format
// when their styles are equal. The length of the fraction is no part of it,
// because writers that strip zeros vary it.
type Style struct {
	family   family
	fraction bool
	zone     zone
	offset   int16 // minutes east of UTC
	variant  uint8 // letter between date and time, HTTP form, epoch unit
}

// zone is how the zone is written.
type zone uint8

const (
	zoneNone    zone = iota
	zoneZ            // Z
	zoneSmallZ       // z
	zoneUTC          // " UTC"
	zoneColon        // +01:00
	zoneCompact      // +0100
	zoneHours        // +01
	zoneSpaced       // added to the three above when a space stands in front
)

// Hash is one number for all timestamps of one style.
func (st Style) Hash() uint64 {
	return bytewise.Mix(uint64(st.family)<<32|uint64(st.zone)<<16|uint64(uint16(st.offset)), uint64(st.variant))
}

// Instant is a point in time, without the fraction beyond nanoseconds.
type Instant struct{ Sec, Nsec int64 }

// Stamp is a timestamp as it was written.
type Stamp struct {
	Instant
	Style Style
}

// After is how much later t is than u, at most about 290 years.
func (t Instant) After(u Instant) time.Duration {
	sec := t.Sec - u.Sec
	const most = int64(1<<63-1)/int64(time.Second) - 1
	sec = max(-most, min(most, sec))
	return time.Duration(sec)*time.Second + time.Duration(t.Nsec-u.Nsec)
}

// Apart is the distance of two instants.
func (t Instant) Apart(u Instant) time.Duration { return t.After(u).Abs() }

// Parse parses a timestamp in one of the textual families.
func Parse(s []byte) (Stamp, bool) {
	if len(s) < 19 || len(s) > 64 {
		return Stamp{}, false
	}
	if !bytewise.IsDigit(s[0]) {
		return parseHTTPDate(s)
	}
	day, ok := parseDay(s[:10])
	if !ok || s[13] != ':' || s[16] != ':' {
		return Stamp{}, false
	}
	st := Style{variant: s[10], family: rfc3339}
	switch s[10] {
	case 'T', 't':
	case ' ':
		st.family = sqlTime
	default:
		return Stamp{}, false
	}
	h, m, sec := number2(s[11:]), number2(s[14:]), number2(s[17:])
	if h < 0 || h > 23 || m < 0 || m > 59 || sec < 0 || sec > 60 { // 60: a leap second
		return Stamp{}, false
	}
	t := Instant{Sec: day + int64(h*3600+m*60+sec)}
	rest := s[19:]
	if len(rest) > 0 && rest[0] == '.' {
		n := bytewise.Digits(rest, 1)
		if n == 1 {
			return Stamp{}, false
		}
		t.Nsec, st.fraction = fraction(rest[1:n]), true
		rest = rest[n:]
	}
	if !st.parseZone(rest) {
		return Stamp{}, false
	}
	t.Sec -= int64(st.offset) * 60
	return Stamp{t, st}, true
}

// ParseDate parses a day without a time.
func ParseDate(s []byte) (Stamp, bool) {
	if len(s) != 10 {
		return Stamp{}, false
	}
	day, ok := parseDay(s)
	return Stamp{Instant{Sec: day}, Style{family: dateOnly}}, ok
}

// parseDay is a date such as 2006-01-02, in seconds since 1970.
func parseDay(s []byte) (int64, bool) {
	hundreds, years, month, day := number2(s), number2(s[2:]), number2(s[5:]), number2(s[8:])
	if hundreds < 0 || years < 0 || month < 1 || month > 12 || day < 1 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	t := time.Date(hundreds*100+years, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t.Unix(), t.Day() == day // else the month has no such day
}

// number2 is the two digits that s begins with, -1 when they are none.
func number2(s []byte) int {
	if len(s) < 2 || !bytewise.IsDigit(s[0]) || !bytewise.IsDigit(s[1]) {
		return -1
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}

// fraction is the nanoseconds that the digits of a fraction stand for.
func fraction(s []byte) int64 {
	var n int64
	for k := range 9 {
		n *= 10
		if k < len(s) {
			n += int64(s[k] - '0')
		}
	}
	return n
}

// parseZone parses all that stands behind the time.
func (st *Style) parseZone(s []byte) bool {
	switch string(s) {
	case "":
		return true
	case "Z":
		st.zone = zoneZ
		return true
	case "z":
		st.zone = zoneSmallZ
		return true
	case " UTC":
		st.zone = zoneUTC
		return true
	}
	if s[0] == ' ' {
		st.zone = zoneSpaced
		s = s[1:]
	}
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return false
	}
	h, m := number2(s[1:]), 0
	switch {
	case len(s) == 3:
		st.zone += zoneHours
	case len(s) == 5:
		st.zone += zoneCompact
		m = number2(s[3:])
	case len(s) == 6 && s[3] == ':':
		st.zone += zoneColon
		m = number2(s[4:])
	default:
		return false
	}
	st.offset = int16(h*60 + m)
	if s[0] == '-' {
		st.offset = -st.offset
	}
	return h >= 0 && h <= 23 && m >= 0 && m <= 59
}

// httpLayouts are the forms of an HTTP date, and those that cookies, mail and
// feeds use.
var httpLayouts = [...]string{
	"Mon, 02 Jan 2006 15:04:05 GMT", "Mon, 02-Jan-2006 15:04:05 GMT",
	"Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC,
	"Mon, 02 Jan 2006 15:04:05 -0700", "Mon, _2 Jan 2006 15:04:05 -0700", // RFC 5322 section 3.3, of mail and feeds
}

func parseHTTPDate(s []byte) (Stamp, bool) {
	if len(s) > 33 || bytes.Count(s, []byte(":")) != 2 {
		return Stamp{}, false
	}
	for k, layout := range httpLayouts {
		if t, err := time.Parse(layout, string(s)); err == nil {
			_, east := t.Zone()
			return Stamp{Instant{Sec: t.Unix()}, Style{family: httpDate, variant: uint8(k), offset: int16(east / 60)}}, true
		}
	}
	return Stamp{}, false
}

// ParseEpoch takes a JSON number for seconds since 1970, or for thousandths,
// millionths, billionths of a second, whichever puts it in the years 2000 to
// 2099. The four ranges do not meet.
func ParseEpoch(s []byte) (Stamp, bool) {
	n := bytewise.Digits(s, 0)
	if n < 9 || n > 19 {
		return Stamp{}, false
	}
	var v int64
	for _, c := range s[:n] {
		v = v*10 + int64(c-'0') // 19 digits may wrap, to a negative number
	}
	const from, to = 946684800, 4102444800
	perSecond := int64(1)
	for unit := uint8(0); unit < 4; unit++ {
		if v >= from*perSecond && v < to*perSecond {
			t := Instant{Sec: v / perSecond, Nsec: v % perSecond * (1e9 / perSecond)}
			if n == len(s) {
				return Stamp{t, Style{family: epoch, variant: unit}}, true
			}
			if s[n] != '.' || bytewise.Digits(s, n+1) != len(s) {
				break
			}
			t.Nsec += fraction(s[n+1:]) / perSecond
			return Stamp{t, Style{family: epoch, variant: unit, fraction: true}}, true
		}
		perSecond *= 1000
	}
	return Stamp{}, false
}

// timeWords are the words that make a name one of a point in time, as its last
// word: "expires", "lastModified", "start-time"; not "candidate", not
// "created_by".
var timeWords = map[string]bool{
	"time": true, "date": true, "datetime": true, "timestamp": true, "ts": true, "epoch": true,
	"created": true, "updated": true, "modified": true, "deleted": true, "changed": true,
	"expires": true, "expiry": true, "expiration": true, "expired": true, "started": true, "ended": true,
	"finished": true, "issued": true, "seen": true, "now": true, "since": true, "until": true,
	"iat": true, "exp": true, "nbf": true, "reset": true,
}

// unitWords may stand behind it.
var unitWords = map[string]bool{
	"s": true, "sec": true, "secs": true, "seconds": true, "ms": true, "msec": true, "millis": true, "milliseconds": true,
	"us": true, "micros": true, "microseconds": true, "ns": true, "nanos": true, "nanoseconds": true,
	"utc": true, "gmt": true, "unix": true,
}

// IsName reports whether a field of this name is likely to hold a timestamp
// even when its value is a plain number: its last word, units left out, is in
// timeWords, or it has several and that is "at" or "on".
func IsName(name []byte) bool {
	var held [32]byte
	word, words, is := held[:0], 0, false
	for i := 0; i <= len(name); i++ {
		end := i == len(name)
		letter := !end && 'a' <= name[i]|0x20 && name[i]|0x20 <= 'z'
		camel := letter && i > 0 && name[i] < 'a' && name[i-1] >= 'a'
		if (!letter || camel) && len(word) > 0 {
			if words == 0 || !unitWords[string(word)] {
				is = timeWords[string(word)] || words > 0 && (string(word) == "at" || string(word) == "on")
			}
			words++
			word = word[:0]
		}
		if letter {
			word = append(word, name[i]|0x20)
		}
	}
	return is
}
