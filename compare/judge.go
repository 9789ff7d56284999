package compare

import (
	"bytes"
	"time"

	"github.com/quackproxy/quack/compare/internal/jsontext"
	"github.com/quackproxy/quack/compare/internal/stamp"
)

// TimestampBound is how far apart two timestamps of the same format may be to
// be forgiven without a rule. The two sides of a request run within seconds of
// each other; a created_at that is days off is a fault. A rule with within
// sets another bound at its path.
const TimestampBound = stamp.Bound

// judge decides on one place where two values differ: of JSON, of a header or
// trailer field, of a cookie, of a line of text. It goes through, in order,
//
//  1. rules that ignore all differences there,
//  2. rules that rewrite a value, which goes on rewritten,
//  3. whether the values are equal now,
//  4. timestamps,
//  5. the other rules, the first that forgives being named,
//  6. rules that ignore differences of one kind, the kind being known now,
//  7. mappings, which hold or not at the end of the comparison,
//  8. ids that look made up, which turn out to be or not then as well.
type judge struct {
	rules      *Rules
	applicable []int32 // rules for the place, in order; those that ignore one kind also when they are for a container around it
	name       []byte  // of the nearest field: whether a number may be an epoch

	// apart says whether neither of two ids is known to stand in the other
	// side's answer; nil where ids that look made up are not looked for.
	apart func(legacy, new []byte) bool

	// What is decided. Kind and values are given as they were found.
	kind        Kind
	legacy, new scalar
	verdict     verdict
	drift       time.Duration // of timestamps that are forgiven, new after legacy
	rewritten   bool          // a value is not the one that was written
}

// class is what a scalar is.
type class uint8

const (
	absent      class = iota
	isNull            // null
	isBool            // true and false
	isNumber          // a JSON number
	isString          // a JSON string
	isText            // text outside JSON, which may be a number as well
	isContainer       // a JSON array or object
)

// scalar is what one side has at a place.
type scalar struct {
	class class
	text  []byte // a string's value without quotes and escapes; all others as written
}

// jsonScalar is that of a JSON value as written, absent when it is empty.
func jsonScalar(raw []byte) scalar {
	if len(raw) == 0 {
		return scalar{}
	}
	switch raw[0] {
	case '"':
		s := raw[1 : len(raw)-1]
		if jsontext.HasEscapes(s) {
			s = jsontext.AppendUnescaped(nil, s)
		}
		return scalar{isString, s}
	case 'n':
		return scalar{isNull, raw}
	case 't', 'f':
		return scalar{isBool, raw}
	case '{', '[':
		return scalar{isContainer, raw}
	}
	return scalar{isNumber, raw}
}

// ofText reports whether the value is a string or text.
func (s scalar) ofText() bool { return s.class == isString || s.class == isText }

// empty reports whether the value says no more than its absence would.
func (s scalar) empty() bool {
	switch s.class {
	case absent, isNull:
		return true
	case isString:
		return len(s.text) == 0
	case isText:
		return len(bytes.Trim(s.text, " ,")) == 0 // of a field with several lines
	case isContainer:
		return jsontext.Blank(s.text, 1) == len(s.text)-1
	}
	return false
}

// number is the value as a JSON number, nil when it is none: numbers, and
// strings that hold nothing else.
func (s scalar) number() []byte {
	if s.class == isNumber || s.ofText() && len(s.text) > 0 && jsontext.ScanNumber(s.text, 0) == len(s.text) {
		return s.text
	}
	return nil
}

// link is the value under a rule with same.
func (s scalar) link() linkValue {
	switch {
	case s.ofText():
		return linkText(string(s.text))
	case s.class == isNumber:
		return linkOf(s.text)
	}
	return linkValue{}
}

// decide sets the verdict, and the kind where it turns out to be another.
func (j *judge) decide() {
	for _, r := range j.applicable {
		if j.rules.actions[r].ignore {
			j.verdict = forgivenBy(r)
			return
		}
	}
	if j.ofValue() && (j.rewrite() || j.timestamps()) {
		return
	}
	if j.byRules() {
		return
	}
	for _, r := range j.applicable {
		if j.rules.actions[r].partial == j.kind {
			j.verdict = forgivenBy(r)
			return
		}
	}
	j.linked()
	if j.verdict.reason == counts {
		j.generated()
	}
}

// ofValue reports whether both sides have a value of one type there.
func (j *judge) ofValue() bool { return j.kind == KindValue || j.kind == KindHeader }

// rewrite rewrites the values as the rules say. It is true when that has made
// them equal.
func (j *judge) rewrite() bool {
	for _, r := range j.applicable {
		act := &j.rules.actions[r]
		if act.rewrite == nil {
			continue
		}
		of := &j.new
		if act.rewritesOn(legacySide) {
			of = &j.legacy
		}
		if !of.ofText() || !bytes.Contains(of.text, act.rewrite.from) {
			continue
		}
		of.text = bytes.ReplaceAll(of.text, act.rewrite.from, act.rewrite.to)
		j.rewritten = true
		if bytes.Equal(j.legacy.text, j.new.text) {
			j.verdict = forgivenBy(r)
			return true
		}
	}
	return false
}

// timestamps forgives two of one format that are close to each other. Two of
// other formats that mean about the same are a difference of kind format.
func (j *judge) timestamps() bool {
	bound, v := j.rules.timeBound(j.applicable)
	l, n, ok := j.stamps(v.reason == byRule)
	if !ok || l.Apart(n.Instant) > bound {
		return false
	}
	if l.Style != n.Style {
		j.kind = KindFormat
		return false
	}
	j.verdict, j.drift = v, n.After(l.Instant)
	return true
}

// stamps parses both values as timestamps. Numbers, and texts that hold nothing
// else, are epochs where the field
// has the name of one or a rule says that it is (ruled); dates without a time
// count only where a rule does.
func (j *judge) stamps(ruled bool) (l, n stamp.Stamp, ok bool) {
	if j.legacy.ofText() {
		if l, ok = stampOf(j.legacy.text, ruled); ok {
			n, ok = stampOf(j.new.text, ruled)
		}
		if ok {
			return l, n, true
		}
	} else if j.legacy.class != isNumber {
		return l, n, false
	}
	if l, ok = stamp.ParseEpoch(j.legacy.text); !ok {
		return l, n, false
	}
	if n, ok = stamp.ParseEpoch(j.new.text); ok {
		ok = ruled || stamp.IsName(j.name)
	}
	return l, n, ok
}

// stampOf parses a text as a timestamp, or as a date where those count.
func stampOf(s []byte, dates bool) (stamp.Stamp, bool) {
	if dates {
		if t, ok := stamp.ParseDate(s); ok {
			return t, true
		}
	}
	return stamp.Parse(s)
}

// byRules applies the rules that say something of the values. Where one asks
// for a format and none forgives, the kind is format.
func (j *judge) byRules() bool {
	misshapen := false
	for _, r := range j.applicable {
		act := &j.rules.actions[r]
		if act.kind != "" && act.kind != j.kind {
			continue
		}
		if j.accepts(act) {
			j.verdict = forgivenBy(r)
			return true
		}
		misshapen = misshapen || act.format != noFormat && j.ofValue()
	}
	if misshapen {
		j.kind = KindFormat
	}
	return false
}

// accepts reports whether an action forgives the difference.
func (j *judge) accepts(act *action) bool {
	if act.empty && !j.ofValue() {
		return j.legacy.empty() && j.new.empty() && (j.kind == KindMissing || j.kind == KindAdded || j.kind == KindType)
	}
	if !j.ofValue() && j.kind != KindFormat {
		return false
	}
	switch {
	case act.tolerance != nil:
		l, n := j.legacy.number(), j.new.number()
		return l != nil && n != nil && act.tolerance.Holds(l, n)
	case act.matches != nil:
		return (!act.side.asks(legacySide) || matchesWhole(act.matches, j.legacy)) &&
			(!act.side.asks(newSide) || matchesWhole(act.matches, j.new))
	case act.format == formatSame:
		return sameFormat(j.legacy, j.new)
	case act.format != noFormat:
		return (!act.side.asks(legacySide) || j.legacy.has(act.format)) &&
			(!act.side.asks(newSide) || j.new.has(act.format))
	case act.fold:
		return j.legacy.ofText() && bytes.Equal(appendFolded(nil, j.legacy.text), appendFolded(nil, j.new.text))
	}
	return false
}

// linked leaves the verdict to the first mapping of the place.
func (j *judge) linked() {
	if !j.ofValue() {
		return
	}
	for _, r := range j.applicable {
		if j.rules.actions[r].link > 0 {
			j.verdict = verdict{ifLinked, r}
			return
		}
	}
}

// generated leaves the verdict on values that look made up open.
func (j *judge) generated() {
	if j.apart == nil || j.rules.off(Generated) || !j.ofValue() || !j.legacy.ofText() {
		return
	}
	if looksMadeUp(j.legacy.text, j.new.text, j.name, j.apart) {
		j.verdict.reason = ifGenerated
	}
}
