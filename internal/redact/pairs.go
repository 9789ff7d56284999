package redact

import "strings"

// pairNames are members that hold the name of what stands in another member of
// their object, folded, and pairValues are those others: {"name":"pin","value":1}.
var (
	pairNames  = set("name", "key", "k", "id", "field", "fieldname", "header", "param", "parameter", "property", "attribute", "column", "label", "setting", "option")
	pairValues = set("value", "values", "val", "v", "content", "new", "old", "newvalue", "oldvalue", "stringvalue")
)

// bracket is an object or an array that is open while it is looked through.
type bracket struct {
	at       int
	array    bool
	elements int  // that are complete
	first    bool // of an array: its first element is the name of a secret
	member   string
}

// paired are the places of the objects in a JSON text that say by one of their
// members that others are secret, and of the pairs in lists of pairs that do so
// by their first element: [["authorization","Basic …"]]. nil for none.
func (r *Redactor) paired(s string) map[int]bool {
	if !strings.Contains(s, "alue") && !strings.Contains(s, "ontent") && !strings.Contains(s, "[[") && !strings.Contains(s, `"v`) &&
		!strings.Contains(s, `"old`) && !strings.Contains(s, "[ [") && !strings.Contains(s, "[\n") {
		return nil
	}
	var found map[int]bool
	mark := func(at int) {
		if found == nil {
			found = map[int]bool{}
		}
		found[at] = true
	}
	var open []bracket
	pair := func() { // what the innermost array is found to be when it ends
		if n := len(open); n > 1 && open[n-1].array && open[n-1].first && open[n-1].elements <= 1 && open[n-2].array {
			mark(open[n-1].at)
		}
	}
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case '{', '[':
			open = append(open, bracket{at: i, array: c == '['})
		case '}', ']':
			pair()
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case ',':
			if len(open) > 0 {
				open[len(open)-1].elements++
				open[len(open)-1].member = ""
			}
		case '"':
			end, whole := stringEnd(s[i:])
			if len(open) > 0 && open[len(open)-1].takes(r, unquoted(s[i:i+end], whole), beforeColon(s, i+end)) {
				mark(open[len(open)-1].at)
			}
			i += end
			continue
		}
		i++
	}
	pair()
	return found
}

// takes looks at a string in an object or array, and reports whether it makes
// the others in the object secret.
func (b *bracket) takes(r *Redactor, text string, name bool) bool {
	switch {
	case b.array:
		b.first = b.first || b.elements == 0 && r.secretName(text)
	case name:
		b.member = text
	case b.member != "":
		return pairNames[fold(b.member)] && len(text) <= 2*nameMax && r.secretName(text)
	}
	return false
}

// beforeColon reports whether a colon is what comes next at i.
func beforeColon(s string, i int) bool {
	for ; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '\r', '\n':
		default:
			return s[i] == ':'
		}
	}
	return false
}
