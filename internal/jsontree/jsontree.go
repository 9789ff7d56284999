// Package jsontree reads JSON as it was written, to be shown to a person: members
// in their order, also when a name stands twice, and numbers with all their
// digits. Start with [Parse].
package jsontree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Value is a JSON value.
type Value struct {
	Bracket byte     // '{' or '[', 0 of a scalar
	Text    string   // of a scalar: as JSON
	Names   []string // of an object's members
	Items   []*Value // members or elements
}

// maxDepth bounds how deep values may stand in each other.
const maxDepth = 500

// Parse reads one value and nothing else. Values nested deeper than 500 are an
// error.
func Parse(body []byte) (*Value, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	v, err := read(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func read(dec *json.Decoder, depth int) (*Value, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	bracket, opens := token.(json.Delim)
	if !opens {
		return &Value{Text: encode(token)}, nil
	}
	v := &Value{Bracket: byte(bracket)}
	for dec.More() {
		if v.Bracket == '{' {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v.Names = append(v.Names, name.(string))
		}
		item, err := read(dec, depth+1)
		if err != nil {
			return nil, err
		}
		v.Items = append(v.Items, item)
	}
	_, err = dec.Token()
	return v, err
}

// Quote is a string as JSON, without the escapes that only HTML needs.
func Quote(s string) string { return encode(s) }

func encode(scalar any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(scalar); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Closing is what closes an object or an array.
func (v *Value) Closing() string {
	if v.Bracket == '{' {
		return "}"
	}
	return "]"
}
