package compare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Observation is one path and kind at which answers differed, and how often.
type Observation struct {
	Path string
	Kind Kind

	Self     int // calls in which legacy differed from itself here
	Calls    int // in which it was asked twice; 0 when it was not
	Rechecks int // re-checks in which legacy differed from its own first answer here
	Others   int // comparisons in which new differed from legacy here, and legacy not from itself

	// Samples are the values, as in Difference: of legacy against itself where
	// that was asked, else of legacy against new.
	Samples []Sample
}

// Sample is the two values of a difference.
type Sample struct{ Legacy, New string }

// Suggestion is a rule for a place, with what speaks for it.
type Suggestion struct {
	Rule Rule // the narrowest that covers the samples; Why says what was seen
	Observation
	// Person says why the rule takes a person's say; "" when the evidence
	// supports it.
	Person string
}

// suggestMin is how often legacy has to have differed from itself at a place
// before a rule is suggested. Less is a change of the data between two calls
// rather than a place that never holds still; a place is noise from then on.
const suggestMin = 3

// suggesters make the narrowest rule of one action that covers an observation,
// in the order in which they are asked. They never make one for anything but
// values and orders: a type, a field that is missing or added, a length and a
// status are what the comparison is for.
var suggesters = []func(*Observation) (Rule, bool){
	suggestUnordered,
	suggestWithin,
	suggestSame,
	suggestTolerance,
	suggestFormat,
	suggestIgnore,
}

// Suggest proposes rules for what was observed on a route, those that the
// evidence supports first, then by count. Places for which the rules in force
// have such a rule already are left out; so are those for which there is none.
//
// A rule is supported where legacy shows the difference against itself, and
// forgives that alone. Anything else takes a person's say.
func Suggest(list []Observation, inForce *Rules) []Suggestion {
	var found []Suggestion
	for _, o := range list {
		if rule, ok := narrowest(&o); ok && !o.settledBy(inForce, rule) {
			s := Suggestion{Rule: rule, Observation: o, Person: cmp.Or(o.person(), tooWide(rule))}
			s.Rule.Why = o.why()
			found = append(found, s)
		}
	}
	nameMappings(found, inForce)
	slices.SortStableFunc(found, func(a, b Suggestion) int {
		return cmp.Or(
			cmp.Compare(min(len(a.Person), 1), min(len(b.Person), 1)),
			cmp.Compare(b.Self+b.Rechecks+b.Others, a.Self+a.Rechecks+a.Others),
			strings.Compare(a.Path, b.Path), strings.Compare(string(a.Kind), string(b.Kind)),
		)
	})
	return found
}

func narrowest(o *Observation) (Rule, bool) {
	if o.Path == OtherPlaces || o.Kind != KindValue && o.Kind != KindHeader && o.Kind != KindOrder && !o.ofColumn() {
		return Rule{}, false
	}
	whole := *o
	whole.Samples = o.whole()
	for _, suggest := range suggesters {
		rule, ok := suggest(&whole)
		if !ok {
			continue
		}
		if _, errs := Compile([]Rule{rule}); errs == nil {
			return rule, true
		}
	}
	return Rule{}, false
}

// ofColumn reports whether the place is in a column of rows that both sides have
// written, and nothing but values of one kind differs there. Of tables all that
// differs is of kind writes: a row or a column that one side alone has as well, a
// null, and another order in a JSON document.
func (o *Observation) ofColumn() bool {
	if o.Kind != KindWrites || !o.inTable() || len(o.names()) < 2 {
		return false
	}
	for _, p := range o.Samples {
		if strings.HasSuffix(p.Legacy, "…") || strings.HasSuffix(p.New, "…") {
			continue
		}
		if !o.isWhole(p.Legacy) || !o.isWhole(p.New) {
			return false
		}
		if l, n := o.scalars(p); l.class != n.class || l.class != isString && l.class != isNumber && l.class != isBool {
			return false
		}
	}
	return true
}

// whole are the samples whose values are not cut.
func (o *Observation) whole() []Sample {
	var list []Sample
	for _, p := range o.Samples {
		if o.isWhole(p.Legacy) && o.isWhole(p.New) {
			list = append(list, p)
		}
	}
	return list
}

func (o *Observation) isWhole(value string) bool {
	return value != "" && !strings.HasSuffix(value, "…") && (!o.isJSON() || json.Valid([]byte(value)))
}

// person is why a rule takes a person's say.
func (o *Observation) person() string {
	switch self := o.Self + o.Rechecks; {
	case self == 0 && o.Calls > 0:
		return fmt.Sprintf("legacy did not differ from itself here in %d calls: new does something else", o.Calls)
	case self == 0:
		return "nobody has seen legacy differ from itself here: calibrate the route to find out, or, for writes, say recheck: {writes: true}"
	case self < suggestMin:
		return fmt.Sprintf("legacy was seen to differ from itself here %s only: the data may have changed in between", times(self))
	}
	return ""
}

// tooWide is why a rule takes a person's say although legacy shows the
// difference itself: it forgives values that nobody has seen.
func tooWide(r Rule) string {
	switch {
	case strings.HasSuffix(r.Path, ".*"):
		return "it is for members of any name: name those that may differ"
	case r.Ignore && r.Kind == KindWrites:
		return "it forgives whatever is written there, and nothing: say whether none of it matters"
	case r.Ignore:
		return "it forgives any value: say whether none of them matters"
	case r.Format == formatNames[formatNumber], r.Format == formatNames[formatInteger]:
		return "it forgives any number: say whether none of them matters"
	}
	return ""
}

// why is the rule's reason, as it stands in the file.
func (o *Observation) why() string {
	switch {
	case o.Self > 0:
		return fmt.Sprintf("legacy differs from itself here in %d of %d calls", o.Self, o.Calls)
	case o.Rechecks > 0:
		return fmt.Sprintf("legacy differed from itself here in %d re-checks", o.Rechecks)
	}
	return fmt.Sprintf("new differs from legacy here in %d comparisons", o.Others)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// settledBy reports whether there is a rule in force that covers what rule
// would: the evidence is older than it.
func (o *Observation) settledBy(inForce *Rules, rule Rule) bool {
	if inForce == nil {
		return false
	}
	action := rule.actions()[0].field
	for i, r := range inForce.list {
		if r.Path != rule.Path || r.actions()[0].field != action || r.Side != "" || r.Kind != "" && r.Kind != o.Kind {
			continue
		}
		act := &inForce.actions[i]
		switch {
		case rule.Within != "":
			if spread, ok := o.spread(); ok && spread <= act.within {
				return true
			}
		case rule.Tolerance != "":
			if o.holds(act.tolerance) {
				return true
			}
		case rule.Format == r.Format:
			return true
		}
	}
	return false
}

func suggestUnordered(o *Observation) (Rule, bool) {
	return Rule{Path: o.Path, Unordered: true}, o.Kind == KindOrder
}

// suggestedFormats are those that are suggested, the narrowest first.
var suggestedFormats = []valueFormat{formatUUID, formatULID, formatTimestamp, formatDate, formatEmail, formatURI, formatInteger, formatNumber}

// suggestFormat covers values that all have one format.
func suggestFormat(o *Observation) (Rule, bool) {
	for _, f := range suggestedFormats {
		all := len(o.Samples) > 0
		for _, p := range o.Samples {
			l, n := o.scalars(p)
			all = all && l.has(f) && n.has(f)
		}
		if all {
			return Rule{Path: o.Path, Format: formatNames[f]}, true
		}
	}
	return Rule{}, false
}

// suggestIgnore is the last resort, for values without any rule to them. Their
// type and their presence are still asserted.
func suggestIgnore(o *Observation) (Rule, bool) {
	return Rule{Path: o.Path, Ignore: true, Kind: o.Kind}, o.Kind != KindOrder && len(o.Samples) > 0
}

// scalars are the values of a pair.
func (o *Observation) scalars(p Sample) (l, n scalar) {
	if o.isJSON() {
		return jsonScalar([]byte(p.Legacy)), jsonScalar([]byte(p.New))
	}
	return scalar{isText, []byte(p.Legacy)}, scalar{isText, []byte(p.New)}
}

// isJSON reports whether the values at the place are JSON texts: of a body, or in a table.
func (o *Observation) isJSON() bool { return strings.HasPrefix(o.Path, "$") || o.inTable() }

func (o *Observation) inTable() bool { return strings.HasPrefix(o.Path, inTables+":") }

// name is the name of the nearest member, or of the field; "" when there is none.
func (o *Observation) name() string {
	names := o.names()
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}

// names are the names on the path, the nearest last.
func (o *Observation) names() []string {
	if !o.isJSON() {
		_, name, _ := strings.Cut(o.Path, ":")
		return []string{name}
	}
	parse := parsePath
	if o.inTable() {
		parse = func(path string) ([]segment, error) { return parseTable(path, strings.TrimPrefix(path, inTables+":")) }
	}
	segments, err := parse(o.Path)
	if err != nil {
		return nil
	}
	var names []string
	for _, s := range segments {
		if s.name != "" {
			names = append(names, s.name)
		}
	}
	return names
}
