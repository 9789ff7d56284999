package routes

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/quackproxy/quack/compare"
)

// maxDescriptors bounds a descriptor set, so that a wrong path does not fill
// the memory.
const maxDescriptors = 16 << 20

// messages are the types by which protobuf bodies are compared.
type messages struct {
	file, name string // as in routes.yaml; name is "" when none is stated
	read       *compare.Messages
}

func (m *messages) String() string {
	switch {
	case m == nil:
		return "none"
	case m.name == "":
		return m.file
	}
	return m.file + ", " + m.name
}

// readMessages reads compare.messages: the file is read now, and a new one
// comes into force with the next reload.
func readMessages(l *loader, n *yamlNode, key string) (any, bool) {
	m := &messages{}
	var fileAt, nameAt *yamlNode
	text := func(of string, into *string, at **yamlNode) field {
		return field{of, func(_ Position, v *yamlNode) {
			if l.is(v, key+"."+of, yamlString) {
				*into, *at = v.text, v
			}
		}}
	}
	before := len(l.list)
	if !l.mapping(n, key, text("file", &m.file, &fileAt), text("type", &m.name, &nameAt)) || len(l.list) > before {
		return nil, false
	}
	if fileAt == nil {
		l.fault(n.pos, key+" has no file", "name the descriptor set: messages: {file: shop.pb, type: shop.v1.Account}")
		return nil, false
	}
	name := m.file
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(l.file), name)
	}
	content, err := readSmall(name, maxDescriptors)
	if err != nil {
		l.fault(fileAt.pos, fmt.Sprintf("%s.file %s: %v", key, quoted(m.file), err), "name a file that Quack may read; a relative path begins at the folder of "+filepath.Base(l.file))
		return nil, false
	}
	if m.read, err = compare.ParseMessages([]byte(content), m.name); err != nil {
		at := fileAt
		what, remedy, _ := strings.Cut(err.Error(), "\n")
		if nameAt != nil && strings.HasPrefix(what, "it has no message") {
			at = nameAt
		}
		l.fault(at.pos, fmt.Sprintf("%s.file %s: %s", key, quoted(m.file), what), remedy)
		return nil, false
	}
	return m, true
}
