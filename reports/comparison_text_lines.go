package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// bodyLinesOf are two bodies as lines, to be lined up: JSON one value to a line,
// the members of new's objects in the order of legacy's, other text as it is.
func bodyLinesOf(legacy, new []byte) (l, n []string) {
	a, errLegacy := parseLines(legacy)
	b, errNew := parseLines(new)
	if errLegacy != nil || errNew != nil {
		return textLines(legacy), textLines(new)
	}
	b.orderAs(a)
	return a.lines(), b.lines()
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

// lineValue is a JSON value as it was written: members in their order, also when
// a name stands twice, numbers with all their digits.
type lineValue struct {
	bracket json.Delim // '{' or '[', 0 of a scalar
	text    string     // of a scalar
	names   []string   // of members, as JSON
	items   []*lineValue
}

// linesDepth bounds how deep values may stand in each other.
const linesDepth = 500

func parseLines(body []byte) (*lineValue, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	v, err := readLines(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func readLines(dec *json.Decoder, depth int) (*lineValue, error) {
	if depth > linesDepth {
		return nil, errors.New("nested too deep")
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	bracket, opens := token.(json.Delim)
	if !opens {
		return &lineValue{text: scalarLine(token)}, nil
	}
	v := &lineValue{bracket: bracket}
	for dec.More() {
		if bracket == '{' {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v.names = append(v.names, scalarLine(name))
		}
		item, err := readLines(dec, depth+1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	_, err = dec.Token()
	return v, err
}

// scalarLine is a scalar as JSON, without the escapes that only HTML needs.
func scalarLine(token json.Token) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(token); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// orderAs puts the members of objects in the order that they have in another
// value, and those that it has not behind them.
func (v *lineValue) orderAs(other *lineValue) {
	if v.bracket == 0 || v.bracket != other.bracket {
		return
	}
	if v.bracket == '[' {
		for i := range min(len(v.items), len(other.items)) {
			v.items[i].orderAs(other.items[i])
		}
		return
	}
	taken := make([]bool, len(v.names))
	var names []string
	var items []*lineValue
	take := func(i int) { names, items, taken[i] = append(names, v.names[i]), append(items, v.items[i]), true }
	where := map[string][]int{}
	for i, name := range v.names {
		where[name] = append(where[name], i)
	}
	for j, name := range other.names {
		if at := where[name]; len(at) > 0 {
			v.items[at[0]].orderAs(other.items[j])
			take(at[0])
			where[name] = at[1:]
		}
	}
	for i := range v.names {
		if !taken[i] {
			take(i)
		}
	}
	v.names, v.items = names, items
}

func (v *lineValue) lines() []string {
	var lines []string
	v.write(&lines, "", "")
	return lines
}

// write adds the lines of a value. Whether another one follows it is no
// difference, so there are no commas.
func (v *lineValue) write(lines *[]string, indent, name string) {
	switch {
	case v.bracket == 0:
		*lines = append(*lines, indent+name+v.text)
	case len(v.items) == 0:
		*lines = append(*lines, indent+name+string(v.bracket)+string(closing(v.bracket)))
	default:
		*lines = append(*lines, indent+name+string(v.bracket))
		for i, item := range v.items {
			name := ""
			if v.bracket == '{' {
				name = v.names[i] + ": "
			}
			item.write(lines, indent+"  ", name)
		}
		*lines = append(*lines, indent+string(closing(v.bracket)))
	}
}

func closing(bracket json.Delim) json.Delim {
	if bracket == '{' {
		return '}'
	}
	return ']'
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
