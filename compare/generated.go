package compare

import (
	"bytes"

	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/stamp"
)

// An id that is made up while an answer is made is another one on each side,
// and on each run. Two values that differ are taken for such ids when
//
//   - both look made up: UUIDs of the same version (RFC 9562) or ULIDs, also
//     as parts of strings that are equal otherwise (/orders/UUID/lines); under
//     the name id, ObjectIds; under the name of a request id, values of one
//     shape. Ids that carry a time say that they were made at the same moment,
//     at most TimestampBound apart;
//   - the request names neither;
//   - neither stands anywhere in the other side's answer;
//   - they map one to one throughout the answer.
//
// The first is known where they stand (looksMadeUp), the rest at the end of the
// answer (mapping). An id with no time in it (UUID version 4) may still be a
// stored one: asking legacy again tells, and whoever can ask should.

// In characters; of MongoDB's ObjectId in hexadecimal.
const (
	ulidLength     = 26
	objectIDLength = 24
)

// Request ids have so many characters.
const minRequestID, maxRequestID = 8, 256

// looksMadeUp reports whether two different texts both look made up, and visit
// says yes to each of the ids in which they differ. name is the field that
// they stand in.
func looksMadeUp(legacy, new []byte, name []byte, visit func(legacy, new []byte) bool) bool {
	if len(legacy) != len(new) || len(legacy) < minRequestID {
		return false
	}
	found, refused := eachID(legacy, new, visit)
	if found || refused {
		return found
	}
	if !isObjectID(legacy, new, name) && !(sameShape(legacy, new) && isRequestIDName(name)) {
		return false
	}
	return visit(legacy, new)
}

// visitIDs calls visit with the ids in which two texts differ that look made
// up, which may be the whole texts, and reports whether it said yes each time.
func visitIDs(legacy, new []byte, visit func(legacy, new []byte) bool) bool {
	found, refused := eachID(legacy, new, visit)
	return found || !refused && visit(legacy, new)
}

// eachID calls visit with the ids in which two texts differ, and stops when it
// says no (refused). found says that it did not, and that the texts are equal
// otherwise.
func eachID(legacy, new []byte, visit func(legacy, new []byte) bool) (found, refused bool) {
	if len(legacy) != len(new) {
		return false, false
	}
	done := 0
	for {
		at := done + bytewise.CommonPrefix(legacy[done:], new[done:])
		if at == len(legacy) {
			return done > 0, false
		}
		from, to := idAround(legacy, new, done, at)
		if to == 0 {
			return false, false
		}
		if !visit(legacy[from:to], new[from:to]) {
			return false, true
		}
		done = to
	}
}

// idAround finds the ids of both texts around the first place where they
// differ; to is 0 when there is none.
func idAround(legacy, new []byte, done, at int) (from, to int) {
	for from = max(done, at-uuidLength+1); from <= at && from+uuidLength <= len(legacy); from++ {
		if l, n := legacy[from:from+uuidLength], new[from:from+uuidLength]; l[8] == '-' && n[8] == '-' && alikeUUIDs(l, n) {
			return from, alone(legacy, new, from, from+uuidLength)
		}
	}
	for from = at; from > done && isWordByte[legacy[from-1]]; from-- {
	}
	if to = from + ulidLength; to <= len(legacy) && alikeULIDs(legacy[from:to], new[from:to]) {
		return from, alone(legacy, new, from, to)
	}
	return 0, 0
}

// alone is to when neither text goes on with a letter or digit around from and
// to, else 0.
func alone(legacy, new []byte, from, to int) int {
	if from > 0 && isWordByte[legacy[from-1]] || to < len(legacy) && (isWordByte[legacy[to]] || isWordByte[new[to]]) {
		return 0
	}
	return to
}

// isWordByte is ASCII's letters and digits, isTokenByte also what request ids
// are parted by.
var isWordByte, isTokenByte = func() (word, token [256]bool) {
	for _, c := range []byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		word[c], token[c] = true, true
	}
	for _, c := range []byte("-_.:") {
		token[c] = true
	}
	return word, token
}()

// alikeULIDs reports whether two texts are ULIDs made at the same moment.
func alikeULIDs(legacy, new []byte) bool {
	return isULID(legacy) && isULID(new) && !differentCase(casesOf(legacy), casesOf(new)) &&
		sameMoment(ulidMillis(legacy), ulidMillis(new)) && differing(legacy[10:], new[10:]) >= 8
}

func differing(a, b []byte) int {
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// sameShape reports whether two values can be request ids made in one way: as
// long as each other, parted alike, and of letters and digits of one alphabet,
// as far as chance allows to tell.
func sameShape(a, b []byte) bool {
	if len(a) > maxRequestID {
		return false
	}
	var beyondHex, letters [2]bool
	for i := range a {
		for side, c := range [2]byte{a[i], b[i]} {
			if !isTokenByte[c] {
				return false
			}
			beyondHex[side] = beyondHex[side] || isWordByte[c] && bytewise.HexDigit(c) < 0
			letters[side] = letters[side] || isWordByte[c] && !bytewise.IsDigit(c)
		}
		if isWordByte[a[i]] != isWordByte[b[i]] || !isWordByte[a[i]] && a[i] != b[i] {
			return false
		}
	}
	switch {
	// A short value in which few characters differ, or of few digits, is a
	// number of something.
	case differing(a, b) < 4 && len(a) < 20, len(a) < 16 && !letters[0] && !letters[1]:
		return false
	case len(a) >= 16 && differentCase(casesOf(a), casesOf(b)), len(a) >= 32 && beyondHex[0] != beyondHex[1], len(a) >= 64 && letters[0] != letters[1]:
		return false
	}
	return true
}

// isObjectID reports whether two texts are ObjectIds made at the same moment,
// in a field for them.
func isObjectID(a, b, name []byte) bool {
	if len(a) != objectIDLength || len(b) != objectIDLength || differentCase(casesOf(a), casesOf(b)) {
		return false
	}
	timeA, okA := objectIDMillis(a)
	timeB, okB := objectIDMillis(b)
	return okA && okB && sameMoment(timeA, timeB) && isIDName(name)
}

// isIDName reports whether a field holds the id of what it stands in: "id",
// "_id", "ID".
func isIDName(name []byte) bool {
	return string(bytes.ToLower(bytes.Trim(name, "_-"))) == "id"
}

// requestIDNames are the names of fields that say which request an answer is
// to, as small letters without what parts words.
var requestIDNames = map[string]bool{
	"requestid": true, "reqid": true, "traceid": true, "spanid": true, "correlationid": true, "traceparent": true,
	"xrequestid": true, "xtraceid": true, "xspanid": true, "xcorrelationid": true, "xb3traceid": true, "xb3spanid": true,
	"xamzrequestid": true, "xamznrequestid": true, "awsrequestid": true, "parentspanid": true,
}

func isRequestIDName(name []byte) bool {
	if len(name) > 32 {
		return false
	}
	held := make([]byte, 0, 32)
	for _, c := range name {
		if isWordByte[c] {
			held = append(held, c|0x20)
		} else if !isTokenByte[c] {
			return false
		}
	}
	return requestIDNames[string(held)]
}

// sameMoment reports whether two ids were made at most TimestampBound apart, by
// the times in them in milliseconds, both since the year 2000: ids that were
// made up by hand are often full of zeros.
func sameMoment(a, b int64) bool {
	const since = 946684800_000
	bound := stamp.Bound.Milliseconds()
	return a >= since && b >= since && a-b <= bound && b-a <= bound
}

// objectIDMillis is the time in an ObjectId, in milliseconds since 1970:
// seconds, in its first four bytes.
func objectIDMillis(id []byte) (int64, bool) {
	sec, ok := parseHex(id[:8])
	_, okMid := parseHex(id[8:16])
	_, okLast := parseHex(id[16:])
	return int64(sec) * 1000, ok && okMid && okLast
}

// parseHex takes at most 16 digits.
func parseHex(s []byte) (uint64, bool) {
	var v uint64
	for _, c := range s {
		d := bytewise.HexDigit(c)
		if d < 0 {
			return 0, false
		}
		v = v<<4 | uint64(d)
	}
	return v, true
}

// crockford is the value of each character of a ULID, 255 for all others.
var crockford = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range []byte("0123456789ABCDEFGHJKMNPQRSTVWXYZ") {
		t[c], t[c|0x20] = byte(i), byte(i)
	}
	return t
}()

// isULID reports whether s has the form of a ULID: 26 characters of
// Crockford's base 32 that hold 128 bits.
func isULID(s []byte) bool {
	if len(s) != ulidLength || s[0] > '7' {
		return false
	}
	for _, c := range s {
		if crockford[c] == 255 {
			return false
		}
	}
	return true
}

// ulidMillis is the time in a ULID, in milliseconds since 1970.
func ulidMillis(id []byte) int64 {
	var v int64
	for _, c := range id[:10] {
		v = v<<5 | int64(crockford[c])
	}
	return v
}

// anyID is said of ids of which more is known at the end of the answer.
func anyID(_, _ []byte) bool { return true }
