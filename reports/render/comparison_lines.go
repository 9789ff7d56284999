package render

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/quackproxy/quack/internal/jsontree"
)

// bodyLinesOf are two bodies as lines, to be lined up: JSON one value to a line,
// the members of new's objects in the order of legacy's, other text as it is.
func bodyLinesOf(legacy, new []byte) (l, n []string) {
	a, errLegacy := jsontree.Parse(legacy)
	b, errNew := jsontree.Parse(new)
	if errLegacy != nil || errNew != nil {
		return textLines(legacy), textLines(new)
	}
	orderAs(b, a)
	return jsonLines(a), jsonLines(b)
}

func textLines(body []byte) []string {
	if len(body) == 0 {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}

// orderAs puts the members of objects in the order that they have in another
// value, and those that it has not behind them.
func orderAs(v, other *jsontree.Value) {
	if v.Bracket == 0 || v.Bracket != other.Bracket {
		return
	}
	if v.Bracket == '[' {
		for i := range min(len(v.Items), len(other.Items)) {
			orderAs(v.Items[i], other.Items[i])
		}
		return
	}
	taken := make([]bool, len(v.Names))
	var names []string
	var items []*jsontree.Value
	take := func(i int) { names, items, taken[i] = append(names, v.Names[i]), append(items, v.Items[i]), true }
	where := map[string][]int{}
	for i, name := range v.Names {
		where[name] = append(where[name], i)
	}
	for j, name := range other.Names {
		if at := where[name]; len(at) > 0 {
			orderAs(v.Items[at[0]], other.Items[j])
			take(at[0])
			where[name] = at[1:]
		}
	}
	for i := range v.Names {
		if !taken[i] {
			take(i)
		}
	}
	v.Names, v.Items = names, items
}

func jsonLines(v *jsontree.Value) []string {
	var lines []string
	writeLines(&lines, v, "", "")
	return lines
}

// writeLines adds the lines of a value. Whether another one follows it is no
// difference, so there are no commas.
func writeLines(lines *[]string, v *jsontree.Value, indent, name string) {
	switch {
	case v.Bracket == 0:
		*lines = append(*lines, indent+name+v.Text)
	case len(v.Items) == 0:
		*lines = append(*lines, indent+name+string(v.Bracket)+v.Closing())
	default:
		*lines = append(*lines, indent+name+string(v.Bracket))
		for i, item := range v.Items {
			name := ""
			if v.Bracket == '{' {
				name = jsontree.Quote(v.Names[i]) + ": "
			}
			writeLines(lines, item, indent+"  ", name)
		}
		*lines = append(*lines, indent+v.Closing())
	}
}

// memberOf is what a line says before its value: its indent and the name of the
// member, "" when it is none.
func memberOf(line string) string {
	i := strings.Index(line, `": `)
	if i < 0 || !strings.HasPrefix(strings.TrimLeft(line, " "), `"`) {
		return ""
	}
	return line[:i]
}

// membersIn reports whether some line is of a member.
func membersIn(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return memberOf(line) != "" })
}

// indented is one body as lines, JSON indented.
func indented(body []byte) []string {
	var pretty bytes.Buffer
	if json.Indent(&pretty, body, "", "  ") == nil {
		body = pretty.Bytes()
	}
	return textLines(bytes.TrimRight(body, "\n"))
}
