package compare

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// inTables is the space of rules whose path stands for tables and what was
// written in them.
const inTables = "table"

// parseTable parses what follows "table:" in the path of a rule. It is the names
// that lead to a table (its schema, unless that is public, and its own) and on
// into its rows: a column, and the members and elements of one that holds JSON.
// A name that is no name of a JSONPath stands in double quotes, or in brackets.
func parseTable(path, text string) ([]segment, error) {
	names, quoted := splitTable(text)
	if quoted != nil {
		quoted = fmt.Errorf("%q %w", path, quoted)
	}
	switch {
	case strings.Contains(text, `"`) && !strings.Contains(text, "["):
		return names, quoted
	case !strings.ContainsAny(text, "[]*") && !strings.Contains(text, "..") && !isPathText(text):
		return names, quoted // a table that is called so, such as my-table
	}
	root := "$."
	if strings.HasPrefix(text, "[") {
		root = "$"
	}
	segments, err := parsePathAs(root+text, path, len(inTables)+1-len(root))
	if err != nil {
		return nil, fmt.Errorf("%w\nbehind table: stands a table and what is in its rows, such as table:accounts.email", err)
	}
	if wildcardsOnly(segments) {
		return nil, fmt.Errorf("%q names no table\nname one, one rule for each; table:*.updated_at is a column in all of them", path)
	}
	return segments, nil
}

// isPathText reports whether a text is names parted by dots.
func isPathText(text string) bool {
	return !slices.ContainsFunc(strings.Split(text, "."), func(name string) bool {
		return NameSegment(name) != "."+name
	})
}

// splitTable cuts the name of a table, or what is written like one, at its dots.
// Parts may stand in double quotes, in which a double quote is written twice. The
// error goes on behind the path.
func splitTable(name string) (segments []segment, err error) {
	for rest := name; ; {
		var part string
		if strings.HasPrefix(rest, `"`) {
			end := 1
			for end < len(rest) && (rest[end] != '"' || strings.HasPrefix(rest[end:], `""`)) {
				if rest[end] == '"' {
					end++
				}
				end++
			}
			if end >= len(rest) {
				return nil, errors.New("has a double quote that is not closed\nclose it, or write a double quote in a name twice")
			}
			part, rest = strings.ReplaceAll(rest[1:end], `""`, `"`), rest[end+1:]
		} else {
			end := strings.IndexByte(rest+".", '.')
			part, rest = rest[:end], rest[end:]
		}
		segments = append(segments, segment{name: part, index: -1})
		if rest == "" {
			return segments, nil
		}
		if rest[0] != '.' {
			return nil, errors.New("goes on behind a double quote\nput a dot between a table and its column")
		}
		rest = rest[1:]
	}
}

// tableBase is where the rows of a table stand.
func tableBase(table string) base {
	names, err := splitTable(table)
	if err != nil {
		names = []segment{{name: table, index: -1}}
	}
	path := "table:" + table
	b := base{path: path, at: path, whole: path, wholeAt: path}
	for _, n := range names {
		b.steps = append(b.steps, step{name: n.name, named: true})
	}
	return b
}

// ofTables are the rules for tables, as rules of their own that share the numbers
// of all.
func (r *Rules) ofTables() *Rules {
	switch {
	case r == nil:
		return nil
	case r.tables == nil:
		return &Rules{options: r.options}
	}
	t := *r.tables
	t.options = r.options
	return &t
}

// tableIgnored is the first rule that ignores a table, or a schema around it, -1
// for none. rows says that its rows are meant, and not their number.
func (r *Rules) tableIgnored(b *base, rows bool) int32 {
	if r == nil || !r.inBody {
		return -1
	}
	first := int32(-1)
	for n := 1; n <= len(b.steps); n++ {
		for _, i := range r.rulesAt(&base{steps: b.steps[:n]}) {
			act := &r.actions[i]
			holds := act.ignore && (rows || !act.rowsOnly) || !rows && act.partial == KindFootprint
			if holds && (first < 0 || i < first) {
				first = i
			}
		}
	}
	return first
}

// modifyTable narrows an action for tables down to the rows or to their number.
func (a *action) modifyTable(rule Rule, fail func(field string, err error)) {
	kinds := []Kind{KindWrites}
	if a.ignore {
		kinds = []Kind{KindFootprint, KindWrites}
	}
	switch {
	case rule.Kind == KindFootprint && a.ignore:
		a.ignore, a.partial = false, KindFootprint
	case rule.Kind == KindWrites:
		a.rowsOnly = true
	case rule.Kind != "":
		fail("kind", kindRefused(a.name, rule.Kind, kinds))
	}
}

func kindRefused(action string, kind Kind, kinds []Kind) error {
	if !slices.Contains(allKinds, kind) {
		return fmt.Errorf("%q is not a kind of difference\n%s", kind, oneOfKinds(kinds))
	}
	return fmt.Errorf("%s forgives no difference of kind %s here\n%s", action, kind, oneOfKinds(kinds))
}
