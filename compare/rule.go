package compare

import "fmt"

// Rule makes a difference acceptable at a path. It has exactly one action, of
// Ignore to Rename, save that By may stand beside Unordered; Side and Kind
// narrow it down. This is the form in routes.yaml.
type Rule struct {
	// Path is an RFC 9535 JSONPath made of names, wildcards, indexes and
	// descendants ("$.items[*].price", "$..id"), or "header:NAME",
	// "trailer:NAME", "cookie:NAME", "effect:NAME", "table:NAME" for all that was written in a
	// table or schema, "table:NAME.COLUMN" for a column, which goes on as a JSONPath
	// where the column holds JSON. An index is that in legacy's array, and new's for
	// an element that only new has.
	Path string `yaml:"path" json:"path"`

	Ignore    bool    `yaml:"ignore,omitempty" json:"ignore,omitempty"`       // any difference at or below the path
	Within    string  `yaml:"within,omitempty" json:"within,omitempty"`       // both are timestamps (or dates) in the same format, at most this Go duration apart ("2s"); replaces TimestampBound there
	Tolerance string  `yaml:"tolerance,omitempty" json:"tolerance,omitempty"` // both are numbers, or strings that are numbers, at most this far apart: "0.001" absolute, "0.1%" relative to the larger
	Unordered bool    `yaml:"unordered,omitempty" json:"unordered,omitempty"` // arrays are compared as multisets
	By        string  `yaml:"by,omitempty" json:"by,omitempty"`               // elements of arrays are paired by this key, a JSONPath of names relative to the element ("$.id"); with Unordered another order is forgiven, alone it is still reported
	Same      string  `yaml:"same,omitempty" json:"same,omitempty"`           // name of a one-to-one mapping between legacy's and new's values (integers, strings, UUIDs) within one comparison
	Matches   string  `yaml:"matches,omitempty" json:"matches,omitempty"`     // both match this RE2 pattern as a whole: strings by their value, numbers as written
	Format    string  `yaml:"format,omitempty" json:"format,omitempty"`       // both have this format, one of Formats; where they have not, that is a difference of kind format
	Empty     string  `yaml:"empty,omitempty" json:"empty,omitempty"`         // "missing": null, "", [], {} and what is not there are alike
	Case      string  `yaml:"case,omitempty" json:"case,omitempty"`           // "ignore": strings that are equal under Unicode case folding are alike
	Rewrite   Rewrite `yaml:"rewrite,omitempty" json:"rewrite,omitzero"`      // texts of one side are rewritten before they are compared
	Rename    string  `yaml:"rename,omitempty" json:"rename,omitempty"`       // new's name of the member that legacy calls by the last name of the path

	// Side is "legacy" or "new" ("" for none in particular): with Ignore and
	// Empty the side that alone has the place, with Matches and Format the one
	// whose value has to be so, with Rewrite the one that is rewritten and with
	// Rename the one that has the other name (new, when it is not said). The
	// other actions take none.
	Side string `yaml:"side,omitempty" json:"side,omitempty"`
	// Kind is the one kind of difference that is forgiven; "" for all that the
	// action can forgive.
	Kind Kind `yaml:"kind,omitempty" json:"kind,omitempty"`

	Owner string `yaml:"owner,omitempty" json:"owner,omitempty"` // who answers for the rule
	Until string `yaml:"until,omitempty" json:"until,omitempty"` // YYYY-MM-DD, the last day on which it is meant to be needed
	Why   string `yaml:"why,omitempty" json:"why,omitempty"`

	// Reason is what Forgiven says in place of the rule, for one that nobody has
	// written: it follows from another setting.
	Reason string `yaml:"-" json:"-"`
}

// Rewrite puts a text in the place of another, wherever it occurs in a string.
type Rewrite struct {
	From string `yaml:"from" json:"from"`
	To   string `yaml:"to" json:"to"`
}

// String is the path, what is acceptable there, and what narrows it down:
// "$.score tolerance 0.001", "$.debug ignore kind missing".
func (r Rule) String() string {
	s := r.Path
	for _, a := range r.actions() {
		s += " " + a.text
	}
	if r.Side != "" {
		s += " side " + r.Side
	}
	if r.Kind != "" {
		s += " kind " + string(r.Kind)
	}
	return s
}

// written is one action of a rule as written.
type written struct{ field, text string }

// actionNames are the actions of rules, for messages.
const actionNames = "ignore, within, tolerance, unordered, by, same, matches, format, empty, case, rewrite, rename"

func (r Rule) actions() []written {
	var set []written
	text := func(field, value string) {
		if value != "" {
			set = append(set, written{field, field + " " + value})
		}
	}
	if r.Ignore {
		set = append(set, written{"ignore", "ignore"})
	}
	text("within", r.Within)
	text("tolerance", r.Tolerance)
	switch {
	case r.Unordered && r.By != "":
		set = append(set, written{"unordered", "unordered by " + r.By})
	case r.Unordered:
		set = append(set, written{"unordered", "unordered"})
	default:
		text("by", r.By)
	}
	text("same", r.Same)
	text("matches", r.Matches)
	text("format", r.Format)
	text("empty", r.Empty)
	text("case", r.Case)
	if r.Rewrite != (Rewrite{}) {
		set = append(set, written{"rewrite", fmt.Sprintf("rewrite %q to %q", r.Rewrite.From, r.Rewrite.To)})
	}
	text("rename", r.Rename)
	return set
}

// RuleError says which rule could not be compiled, and which of its fields.
type RuleError struct {
	Index int    // in the slice given to Compile
	Field string // the yaml name of the field at fault: "path", "tolerance", "rewrite.from", …
	Err   error  // what is wrong and, on a second line, what to do
}

// Error names the rule by its place in the list, counted from 1.
func (e RuleError) Error() string { return fmt.Sprintf("rule %d: %s: %v", e.Index+1, e.Field, e.Err) }

// Unwrap gives what is wrong.
func (e RuleError) Unwrap() error { return e.Err }
