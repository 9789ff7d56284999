package sqltext

import (
	"slices"
	"strings"
)

// Sent are the statements that the application has sent at once.
type Sent []Statement

// Writes reports whether one of them may change rows.
func (all Sent) Writes() bool {
	return slices.ContainsFunc(all, func(s Statement) bool { return s.Writes })
}

// Verb is what to call them: the first that would end the transaction, else
// the first.
func (all Sent) Verb() string {
	for _, s := range all {
		if verb, ok := strings.CutPrefix(s.Refusal, "escape:"); ok {
			return verb
		}
	}
	if len(all) > 0 {
		return all[0].Verb
	}
	return "unknown"
}

// Writer names what tried to write, as ":verb:table", and as much of that as is
// known.
func (all Sent) Writer() string {
	for _, s := range all {
		if s.Writes && s.Table != "" {
			return ":" + s.Verb + ":" + s.Table
		}
		if s.Writes {
			return ":" + s.Verb
		}
	}
	if len(all) > 0 {
		return ":" + all[0].Verb
	}
	return ""
}
