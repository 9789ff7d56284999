package compare

import (
	"fmt"
	"slices"
	"strings"
)

// forgivable are the kinds of difference that an action can forgive in JSON.
// Header fields and cookies have KindHeader in the place of KindValue.
var forgivable = map[string][]Kind{
	"ignore":    {KindValue, KindType, KindMissing, KindAdded, KindOrder, KindLength, KindFormat, KindBody},
	"within":    {KindValue},
	"tolerance": {KindValue, KindFormat},
	"unordered": {KindOrder},
	"by":        nil,
	"same":      {KindValue},
	"matches":   {KindValue, KindFormat},
	"format":    {KindValue, KindFormat},
	"empty":     {KindType, KindMissing, KindAdded},
	"case":      {KindValue, KindFormat},
	"rewrite":   {KindValue},
	"rename":    {KindMissing},
}

// kindsAt are the kinds of difference that the action can forgive at a place.
func (a *action) kindsAt(space string) []Kind {
	switch space {
	case inJSON:
		return forgivable[a.name]
	case "effect":
		return []Kind{KindFootprint}
	}
	var kinds []Kind
	for _, k := range forgivable[a.name] {
		switch k {
		case KindValue:
			kinds = append(kinds, KindHeader)
		case KindMissing, KindAdded, KindFormat:
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// allKinds are the kinds that a difference may have.
var allKinds = []Kind{
	KindValue, KindType, KindMissing, KindAdded, KindOrder, KindLength, KindFormat, KindStatus, KindHeader, KindBody, KindFootprint, KindWrites,
}

// modify compiles what narrows the action down, side and kind, and refuses what
// that can not mean here, or what would still forgive a whole answer.
func (a *action) modify(rule Rule, place rulePlace, fail func(field string, err error)) {
	a.named = place.named()
	ok := true
	if place.space == inTables {
		a.modifyTable(rule, func(field string, err error) { fail(field, err); ok = false })
	} else if err := a.modifyKind(rule.Kind, place.space); err != nil {
		fail("kind", err)
		ok = false
	}
	if err := a.modifySide(rule.Side, place.space); err != nil {
		fail("side", err)
		ok = false
	}
	if !ok {
		return
	}
	if a.ignore && a.kind != "" {
		a.ignore, a.partial = false, a.kind
	}
	if a.forgivesAll(place) {
		fail("path", fmt.Errorf("%s forgives a whole answer\nname the fields that may differ, one rule for each", rule.scope()))
	}
}

func (a *action) modifyKind(kind Kind, space string) error {
	kinds := a.kindsAt(space)
	if kind == "" || slices.Contains(kinds, kind) {
		a.kind = kind
		return nil
	}
	return kindRefused(a.name, kind, kinds)
}

// oneOfKinds says which kinds there are to choose from.
func oneOfKinds(kinds []Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	switch len(words) {
	case 0:
		return "leave kind out"
	case 1:
		return "use " + words[0] + ", or leave kind out"
	}
	last := len(words) - 1
	return "use " + strings.Join(words[:last], ", ") + " or " + words[last] + ", or leave kind out"
}

// modifySide takes a side. With ignore and empty it stands for the kind of
// difference that there is when one side alone has the place.
func (a *action) modifySide(word, space string) error {
	switch word {
	case "":
		return nil
	case "legacy":
		a.side = legacySide
	case "new":
		a.side = newSide
	default:
		return fmt.Errorf("%q is not a side\nwrite legacy or new", word)
	}
	switch {
	case space == "effect", space == inTables && (a.name == "ignore" || a.name == "empty"):
		return fmt.Errorf("counts are compared only where both sides are known\nleave side out")
	case a.name == "format" && a.format == formatSame:
		return fmt.Errorf("format same is about both sides\nname the format that %s must have, or leave side out", word)
	case a.name == "ignore" || a.name == "empty":
		alone := KindMissing
		if a.side == newSide {
			alone = KindAdded
		}
		if a.kind != "" && a.kind != alone {
			return fmt.Errorf("a difference of kind %s is not one that %s alone has\nleave side out, or write kind: %s", a.kind, word, alone)
		}
		a.kind = alone
	case !slices.Contains([]string{"matches", "format", "rewrite", "rename"}, a.name):
		return fmt.Errorf("%s is about both sides\nleave side out: it is for ignore, empty, matches, format, rewrite and rename", a.name)
	}
	return nil
}

// forgivesAll reports whether a whole answer may differ under the action. What
// new adds and another order leave of it what legacy has. Formats do not: beside
// rules with format, a value that has none is a difference of that kind.
func (a *action) forgivesAll(place rulePlace) bool {
	if place.space != inJSON || !wildcardsOnly(place.segments) {
		return false
	}
	switch a.partial {
	case "", KindAdded, KindOrder:
	default:
		return true
	}
	deep := slices.ContainsFunc(place.segments, func(s segment) bool { return s.descend })
	return a.ignore || a.matches != nil || a.format != noFormat || a.link > 0 && deep
}

// scope is the action with its path and what narrows it down, for a message
// about how much that is.
func (r Rule) scope() string {
	s := fmt.Sprintf("%s of %q", r.actions()[0].field, r.Path)
	if r.Side != "" {
		s += ", side " + r.Side + ","
	}
	if r.Kind != "" {
		s += ", kind " + string(r.Kind) + ","
	}
	return s
}
