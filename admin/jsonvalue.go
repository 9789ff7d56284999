package admin

import (
	"crypto/sha256"
	"io"
	"strings"

	"github.com/quackproxy/quack/internal/jsontree"
)

// linesOf writes a value over as many lines as it has parts.
func linesOf(v *jsontree.Value, indent, key, comma string) []string {
	if v.Bracket == 0 {
		return []string{indent + key + v.Text + comma}
	}
	if len(v.Items) == 0 {
		return []string{indent + key + string(v.Bracket) + v.Closing() + comma}
	}
	lines := []string{indent + key + string(v.Bracket)}
	for i, item := range v.Items {
		key, comma := "", ","
		if v.Bracket == '{' {
			key = jsontree.Quote(v.Names[i]) + ": "
		}
		if i == len(v.Items)-1 {
			comma = ""
		}
		lines = append(lines, linesOf(item, indent+"  ", key, comma)...)
	}
	return append(lines, indent+v.Closing()+comma)
}

// digests stand for values when elements of arrays are told apart.
type digests map[*jsontree.Value][]byte

func (d digests) of(v *jsontree.Value) []byte {
	if sum := d[v]; sum != nil {
		return sum
	}
	h := sha256.New()
	h.Write([]byte{v.Bracket})
	io.WriteString(h, v.Text)
	for i, item := range v.Items {
		if v.Bracket == '{' {
			io.WriteString(h, jsontree.Quote(v.Names[i]))
		}
		h.Write(d.of(item))
	}
	d[v] = h.Sum(nil)
	return d[v]
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
