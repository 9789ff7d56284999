package compare

import "fmt"

// Rule makes a difference acceptable at a path. Exactly one of Ignore, Within,
// Tolerance, Unordered and Same is set. This is the form in routes.yaml.
type Rule struct {
	// Path is an RFC 9535 JSONPath made of names, wildcards, indexes and
	// descendants ("$.items[*].price", "$..id"), or "header:NAME",
	// "trailer:NAME", "cookie:NAME", "table:NAME". An index is that in legacy's
	// array, and new's for an element that only new has.
	Path string `yaml:"path" json:"path"`

	Ignore    bool   `yaml:"ignore,omitempty" json:"ignore,omitempty"`       // any difference at or below the path
	Within    string `yaml:"within,omitempty" json:"within,omitempty"`       // both are timestamps (or dates) in the same format, at most this Go duration apart ("2s"); replaces TimestampBound there
	Tolerance string `yaml:"tolerance,omitempty" json:"tolerance,omitempty"` // both are numbers, or strings that are numbers, at most this far apart: "0.001" absolute, "0.1%" relative to the larger
	Unordered bool   `yaml:"unordered,omitempty" json:"unordered,omitempty"` // arrays are compared as multisets
	By        string `yaml:"by,omitempty" json:"by,omitempty"`               // elements of arrays are paired by this key, a JSONPath of names relative to the element ("$.id"); with Unordered another order is forgiven, alone it is still reported
	Same      string `yaml:"same,omitempty" json:"same,omitempty"`           // name of a one-to-one mapping between legacy's and new's values (integers, strings, UUIDs) within one comparison

	Owner string `yaml:"owner,omitempty" json:"owner,omitempty"` // who answers for the rule
	Until string `yaml:"until,omitempty" json:"until,omitempty"` // YYYY-MM-DD, the last day on which it is meant to be needed
	Why   string `yaml:"why,omitempty" json:"why,omitempty"`
}

// String is the path and what is acceptable there: "$.score tolerance 0.001".
func (r Rule) String() string {
	s := r.Path
	for _, a := range r.actions() {
		s += " " + a.text
	}
	return s
}

// written is one action of a rule as written.
type written struct{ field, text string }

func (r Rule) actions() []written {
	var set []written
	if r.Ignore {
		set = append(set, written{"ignore", "ignore"})
	}
	if r.Within != "" {
		set = append(set, written{"within", "within " + r.Within})
	}
	if r.Tolerance != "" {
		set = append(set, written{"tolerance", "tolerance " + r.Tolerance})
	}
	switch {
	case r.Unordered && r.By != "":
		set = append(set, written{"unordered", "unordered by " + r.By})
	case r.Unordered:
		set = append(set, written{"unordered", "unordered"})
	case r.By != "":
		set = append(set, written{"by", "by " + r.By})
	}
	if r.Same != "" {
		set = append(set, written{"same", "same " + r.Same})
	}
	return set
}

// RuleError says which rule could not be compiled, and which of its fields.
type RuleError struct {
	Index int    // in the slice given to Compile
	Field string // the yaml name of the field at fault: "path", "tolerance", …
	Err   error  // what is wrong and, on a second line, what to do
}

// Error names the rule by its place in the list, counted from 1.
func (e RuleError) Error() string { return fmt.Sprintf("rule %d: %s: %v", e.Index+1, e.Field, e.Err) }

// Unwrap gives what is wrong.
func (e RuleError) Unwrap() error { return e.Err }
