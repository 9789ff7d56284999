package compare

import (
	"errors"
	"fmt"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// Singular is an RFC 9535 JSONPath made of names and indexes alone: it stands
// for one value at most. The zero Singular is the root.
type Singular struct {
	text  string
	steps []segment
}

// ParseSingular parses a path such as "$.data[0].token".
func ParseSingular(path string) (Singular, error) {
	const remedy = "write names and indexes alone: $.token, $['a b'], $.items[0].id"
	if path == "" || path[0] != '$' {
		return Singular{}, fmt.Errorf("%q is not a JSONPath\n%s", path, remedy)
	}
	steps, err := parsePath(path)
	if err != nil {
		return Singular{}, err
	}
	for _, s := range steps {
		if s.wild || s.descend {
			return Singular{}, fmt.Errorf("path %q may stand for many values\n%s", path, remedy)
		}
	}
	if len(steps) == 0 {
		return Singular{}, fmt.Errorf("path %q stands for the whole body\n%s", path, remedy)
	}
	return Singular{path, steps}, nil
}

// String is the path as written.
func (p Singular) String() string { return p.text }

// Find gives the place of the path's value in a JSON text: text[from:to]. Of
// members with one name it takes the last, as most readers do. It does not
// find anything in a text that is no JSON.
func (p Singular) Find(text []byte) (from, to int, ok bool) {
	if jsontext.ScanDocument(text) < 0 {
		return 0, 0, false
	}
	at := jsontext.Blank(text, 0)
	for _, s := range p.steps {
		if at = s.in(text, at); at < 0 {
			return 0, 0, false
		}
	}
	return at, jsontext.ScanValue(text, at, 0), true
}

// in is where the value of one step begins in the value at a position of a
// sound JSON text; -1 when there is none.
func (s segment) in(text []byte, at int) int {
	byName := s.index < 0
	if text[at] != '{' && byName || text[at] != '[' && !byName {
		return -1
	}
	found, closing := -1, text[at]+2
	at = jsontext.Blank(text, at+1)
	for i := int32(0); text[at] != closing; i++ {
		here := i == s.index
		if byName {
			end, _ := jsontext.ScanString(text, at)
			here = jsontext.Unescaped(text[at+1:end-1]) == s.name
			at = jsontext.ScanColon(text, end)
		}
		if at = jsontext.Blank(text, at); here {
			found = at
		}
		if at = jsontext.Blank(text, jsontext.ScanValue(text, at, 0)); text[at] == ',' {
			at = jsontext.Blank(text, at+1)
		}
	}
	return found
}

// Scalar is the text of a JSON string or number: unescaped, or as written.
func Scalar(value []byte) (text string, ok bool) {
	switch {
	case len(value) == 0:
		return "", false
	case value[0] == '"':
		end, _ := jsontext.ScanString(value, 0)
		if end != len(value) {
			return "", false
		}
		return jsontext.Unescaped(value[1 : end-1]), true
	}
	return string(value), jsontext.ScanNumber(value, 0) == len(value)
}

// Decoded is the body of an answer with its content codings undone; an error
// when they are not known, or not all of the body was kept.
func Decoded(e *Exchange) ([]byte, error) {
	if !whole(e) {
		return nil, errNotWhole
	}
	return decode(e)
}

var errNotWhole = errors.New("the answer was not kept whole")
