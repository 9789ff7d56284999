package compare

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// reason says why a difference does not count.
type reason uint8

const (
	counts      reason = iota // it does
	byTimestamp               // timestamps of one format, close to each other
	byGenerated               // ids that each side made up
	byVolatile                // a header whose value is free
	byLength                  // Content-Length of bodies that match
	byValidator               // ETag, Last-Modified of bodies that match
	byBody                    // Content-Length, ETag, digests of bodies that are reported themselves
	byCoding                  // ETag, Vary beside a Content-Encoding that is reported itself
	byStatus                  // all that differs beside a status of another class
	byToken                   // a token against forgery, new with every page
	byBoundary                // the boundary of a multipart body
	byUnchanged               // a value that an update left alone on one side, and that the log does not have
	byRule                    // verdict.rule forgives it
	ifLinked                  // verdict.rule forgives it if its mapping holds, which is known at the end only
	ifGenerated               // it is forgiven if the ids turn out to be made up, which is known at the end only
)

var reasonTexts = [...]string{
	byTimestamp: ReasonTimestamp,
	byGenerated: ReasonGenerated,
	byVolatile:  ReasonVolatile,
	byLength:    ReasonLength,
	byValidator: ReasonValidator,
	byBody:      ReasonBody,
	byCoding:    ReasonCoding,
	byStatus:    ReasonStatus,
	byToken:     ReasonToken,
	byBoundary:  ReasonBoundary,
	byUnchanged: ReasonUnchanged,
	ifGenerated: "",
}

// verdict is what became of a difference.
type verdict struct {
	reason reason
	rule   int32 // with byRule and ifLinked
}

// forgivenBy is the verdict of a rule.
func forgivenBy(rule int32) verdict { return verdict{byRule, rule} }

// finding is a difference and its verdict.
type finding struct {
	Difference
	verdict verdict
	ruled   bool          // some rule is for the field
	derived string        // name of a header field that hangs on the body; "" when it does not
	drift   time.Duration // of timestamps that are forgiven
	link    [2]linkValue

	// In bodies:
	level, ordinal int32 // its place in findings.levels
	more           int   // others like it, which are not kept: forgiven on the same ground
}

// The limits of a Result.
const (
	maxDifferences = 500
	maxPerPlace    = 50
	maxForgiven    = 1000
	maxShown       = 1024 // bytes of a value or path
)

// ledger collects the Result and holds it to its limits.
type ledger struct {
	rules  *Rules
	result Result
	as     Kind           // that all are entered as; "" for their own
	weight float64        // that all are entered with; 0 for their own
	listed map[ground]int // number of Differences
	groups map[ground]int // index in Result.Forgiven
}

// ground is what differences are counted by.
type ground struct {
	path    string
	kind    Kind
	verdict verdict
}

// room reports whether a difference that counts may be listed, and counts it
// as left out when not.
func (l *ledger) room(g ground) bool {
	if len(l.result.Differences) >= maxDifferences || l.listed[g] >= maxPerPlace {
		l.result.Truncated++
		return false
	}
	if l.listed == nil {
		l.listed = map[ground]int{}
	}
	l.listed[g]++
	return true
}

// forgiven counts a forgiven difference and gives the index of its entry;
// fresh says that At and the values have still to be filled in.
func (l *ledger) forgiven(g ground) (entry int, fresh bool) {
	i, ok := l.groups[g]
	if !ok && len(l.result.Forgiven) >= maxForgiven {
		g.path = OtherPlaces
		i, ok = l.groups[g]
	}
	if ok {
		l.result.Forgiven[i].Count++
		return i, false
	}
	if l.groups == nil {
		l.groups = map[ground]int{}
		l.result.Forgiven = make([]Forgiven, 0, 4)
	}
	l.groups[g] = len(l.result.Forgiven)
	f := Forgiven{Path: g.path, At: g.path, Kind: g.kind, Rule: -1, Count: 1, Reason: reasonTexts[g.verdict.reason]}
	if g.verdict.reason == byRule {
		f.Rule, f.Reason = int(g.verdict.rule), l.rules.reasons[g.verdict.rule]
	}
	l.result.Forgiven = append(l.result.Forgiven, f)
	return l.groups[g], g.path != OtherPlaces
}

// add enters a finding whose verdict is settled.
func (l *ledger) add(f finding) {
	g := ground{f.Path, f.Kind, f.verdict}
	if f.verdict.reason == counts {
		if l.room(g) {
			l.result.Differences = append(l.result.Differences, f.Difference)
		}
		return
	}
	i, fresh := l.forgiven(g)
	entry := &l.result.Forgiven[i]
	entry.Count += f.more
	if fresh {
		entry.At, entry.Legacy, entry.New = f.At, f.Legacy, f.New
	}
	if l.rules.ofTime(f.verdict) {
		entry.Drift.Add(f.drift)
	}
}

// addAll enters findings in order.
func (l *ledger) addAll(found []finding) {
	for _, f := range found {
		l.add(f)
	}
}

// byPosition enters places that were compared by position.
func (l *ledger) byPosition(places []string) {
	l.result.ByPosition = append(l.result.ByPosition, places[:min(len(places), shownPlaces-len(l.result.ByPosition))]...)
}

// counting is how many of the findings count.
func counting(found []finding) int {
	n := 0
	for _, f := range found {
		if f.verdict.reason == counts {
			n++
		}
	}
	return n
}

// show is a value for a person: at most 1 KiB, cut between characters, bytes
// that are not UTF-8 as \xNN.
func show[T string | []byte](value T) string {
	s := string(value[:min(len(value), maxShown)])
	cut := len(s) < len(value)
	if cut {
		s = dropBroken(s)
	}
	if !utf8.ValidString(s) {
		s = escapeInvalid(s)
	}
	if cut || len(s) > maxShown {
		s = cutRunes(s, maxShown-len("…")) + "…"
	}
	return s
}

// dropBroken removes a last character that was cut in two.
func dropBroken(s string) string {
	for k := len(s) - 1; k >= 0 && k >= len(s)-utf8.UTFMax; k-- {
		if utf8.RuneStart(s[k]) {
			if !utf8.FullRuneInString(s[k:]) {
				return s[:k]
			}
			break
		}
	}
	return s
}

// cutRunes cuts valid UTF-8 to at most n bytes.
func cutRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func escapeInvalid(s string) string {
	var out []byte
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			out = fmt.Appendf(out, `\x%02x`, s[i])
		} else {
			out = append(out, s[i:i+n]...)
		}
		i += n
	}
	return string(out)
}
