package admin

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// jsonValue is JSON as it was written: members in their order, also when a name
// stands twice, and numbers with all their digits.
type jsonValue struct {
	kind  byte   // '{', '[' or 0 for a scalar
	text  string // of a scalar
	names []string
	items []*jsonValue // members or elements
	sum   []byte       // see digest
}

// maxDepth bounds how deep values may stand in each other.
const maxDepth = 500

var errDeep = errors.New("nested too deep")

func parseJSON(body []byte) (*jsonValue, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	v, err := readValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func readValue(dec *json.Decoder, depth int) (*jsonValue, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	bracket, open := token.(json.Delim)
	if !open {
		return scalar(token), nil
	}
	v := &jsonValue{kind: byte(bracket)}
	for dec.More() {
		if v.kind == '{' {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v.names = append(v.names, name.(string))
		}
		item, err := readValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	_, err = dec.Token()
	return v, err
}

func scalar(token json.Token) *jsonValue {
	switch t := token.(type) {
	case string:
		return &jsonValue{text: quoteJSON(t)}
	case json.Number:
		return &jsonValue{text: t.String()}
	case bool:
		if t {
			return &jsonValue{text: "true"}
		}
		return &jsonValue{text: "false"}
	}
	return &jsonValue{text: "null"}
}

func quoteJSON(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// lines writes the value over as many lines as it has parts.
func (v *jsonValue) lines(indent, key, comma string) []string {
	if v.kind == 0 {
		return []string{indent + key + v.text + comma}
	}
	closing := map[byte]string{'{': "}", '[': "]"}[v.kind]
	if len(v.items) == 0 {
		return []string{indent + key + string(v.kind) + closing + comma}
	}
	lines := []string{indent + key + string(v.kind)}
	for i, item := range v.items {
		key, comma := "", ","
		if v.kind == '{' {
			key = quoteJSON(v.names[i]) + ": "
		}
		if i == len(v.items)-1 {
			comma = ""
		}
		lines = append(lines, item.lines(indent+"  ", key, comma)...)
	}
	return append(lines, indent+closing+comma)
}

// digest stands for the value when elements of arrays are told apart.
func (v *jsonValue) digest() []byte {
	if v.sum != nil {
		return v.sum
	}
	h := sha256.New()
	h.Write([]byte{v.kind})
	io.WriteString(h, v.text)
	for i, item := range v.items {
		if v.kind == '{' {
			io.WriteString(h, quoteJSON(v.names[i]))
		}
		h.Write(item.digest())
	}
	v.sum = h.Sum(nil)
	return v.sum
}

// memberPath is the generalised path of an object's member.
func memberPath(path, name string) string {
	plain := name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r < 0x80
	}) < 0 && (name[0] < '0' || name[0] > '9')
	if plain {
		return path + "." + name
	}
	return path + "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "']"
}
