package compare

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// tree is a document of elements, attributes and texts. Its nodes lie in one
// slice without pointers, parents before their children; node 0 is the document.
type tree struct {
	names *names
	nodes []node
	attrs []attribute
	text  []byte
}

// node is an element, or a text when name is noName.
type node struct {
	name, space int32 // in tree.names
	text        span  // of a text: in tree.text
	attrs       span  // of an element: in tree.attrs, by name
	first, next int32 // child and sibling, 0 for none
	kids        int32
	exact, soft uint64 // hashes; the soft one leaves out what is forgiven without a rule
}

type attribute struct {
	name, space int32
	value       span // in tree.text
	token       bool // new with every answer
}

// names numbers the names of both trees, so that equal ones have one number.
type names struct {
	list []string
	ids  map[string]int32
}

const noName = 0

func newNames() *names { return &names{[]string{""}, map[string]int32{"": noName}} }

func (t *names) id(name string) int32 {
	id, ok := t.ids[name]
	if !ok {
		id = int32(len(t.list))
		name = strings.Clone(name)
		t.list, t.ids[name] = append(t.list, name), id
	}
	return id
}

// maxNodes bounds the elements, attributes and texts of one document: some 100
// MiB of them.
const maxNodes = 1 << 20

// maxTreeNames bounds the different names and namespaces in both documents.
const maxTreeNames = 1 << 17

var (
	errTreeDeep  = fmt.Errorf("elements stand more than %d deep in each other", jsontext.MaxDepth)
	errTreeLarge = fmt.Errorf("it has more than %d elements, attributes and texts", maxNodes)
	errTreeNames = fmt.Errorf("it has more than %d different names", maxTreeNames)
)

// hopeless reports whether a document is what it says and can not be compared
// all the same.
func hopeless(err error) bool {
	return errors.Is(err, errTreeDeep) || errors.Is(err, errTreeLarge) || errors.Is(err, errTreeNames)
}

// builder makes a tree in the order of the document.
type builder struct {
	*tree
	open []int32 // the elements around the place, the document first
	last []int32 // their last children so far
}

// newBuilder makes one for a document of about so many nodes.
func newBuilder(names *names, nodes int) *builder {
	return &builder{&tree{names: names, nodes: make([]node, 1, min(nodes, maxNodes)+1)}, []int32{0}, []int32{0}}
}

// full says why no element or attribute can be added.
func (b *builder) full() error {
	switch {
	case len(b.nodes)+len(b.attrs) >= maxNodes:
		return errTreeLarge
	case len(b.names.list) >= maxTreeNames:
		return errTreeNames
	}
	return nil
}

// child enters a node under the innermost open element.
func (b *builder) child(n node) int32 {
	id, top := int32(len(b.nodes)), len(b.open)-1
	b.nodes = append(b.nodes, n)
	if b.last[top] == 0 {
		b.nodes[b.open[top]].first = id
	} else {
		b.nodes[b.last[top]].next = id
	}
	b.last[top] = id
	b.nodes[b.open[top]].kids++
	return id
}

// start opens an element.
func (b *builder) start(name, space string) error {
	if len(b.open) > jsontext.MaxDepth {
		return errTreeDeep
	}
	if err := b.full(); err != nil {
		return err
	}
	at := int32(len(b.attrs))
	id := b.child(node{name: b.names.id(name), space: b.names.id(space), attrs: span{at, at}})
	b.open, b.last = append(b.open, id), append(b.last, 0)
	return nil
}

// attribute gives one to the element that start has opened.
func (b *builder) attribute(name, space, value string) error {
	if err := b.full(); err != nil {
		return err
	}
	b.attrs = append(b.attrs, attribute{name: b.names.id(name), space: b.names.id(space), value: b.keep(value)})
	b.nodes[b.open[len(b.open)-1]].attrs.to++
	return nil
}

func (b *builder) keep(text string) span {
	from := int32(len(b.text))
	b.text = append(b.text, text...)
	return span{from, int32(len(b.text))}
}

// addText adds a text, unless it is empty.
func (b *builder) addText(text string) error {
	if text == "" {
		return nil
	}
	if len(b.nodes)+len(b.attrs) >= maxNodes {
		return errTreeLarge
	}
	b.child(node{text: b.keep(text)})
	return nil
}

// end closes the innermost element.
func (b *builder) end() {
	b.open, b.last = b.open[:len(b.open)-1], b.last[:len(b.last)-1]
}

// top is the innermost open element.
func (b *builder) top() *node { return &b.nodes[b.open[len(b.open)-1]] }

// orderAttributes sorts those of the innermost element, and reports whether
// none stands there twice.
func (b *builder) orderAttributes() bool {
	list := b.attributes(b.top())
	slices.SortFunc(list, func(x, y attribute) int { return b.byName(x, y) })
	for i := 1; i < len(list); i++ {
		if b.byName(list[i-1], list[i]) == 0 {
			return false
		}
	}
	return true
}

func (t *tree) byName(x, y attribute) int {
	return cmp.Or(strings.Compare(t.names.list[x.name], t.names.list[y.name]), strings.Compare(t.names.list[x.space], t.names.list[y.space]))
}

func (t *tree) attributes(n *node) []attribute { return t.attrs[n.attrs.from:n.attrs.to] }

// slice is a text of the tree.
func (t *tree) slice(s span) string { return string(t.text[s.from:s.to]) }

func (t *tree) name(n *node) string { return t.names.list[n.name] }

// value is an attribute's, "" when the element has none of the name.
func (t *tree) value(n *node, name string) string {
	for _, a := range t.attributes(n) {
		if t.names.list[a.name] == name {
			return t.slice(a.value)
		}
	}
	return ""
}

// only is the text of an element that has nothing else in it.
func (t *tree) only(id int32) (text string, ok bool) {
	n := &t.nodes[id]
	switch {
	case n.kids == 0:
		return "", true
	case n.kids == 1 && t.nodes[n.first].name == noName:
		return t.slice(t.nodes[n.first].text), true
	}
	return "", false
}

// show is an element or text for a person: see the function show.
func (t *tree) show(id int32) string {
	var b strings.Builder
	t.write(&b, id)
	return show(b.String())
}

func (t *tree) write(b *strings.Builder, id int32) {
	n := &t.nodes[id]
	if b.Len() > maxShown {
		return
	}
	if id == 0 {
		for c := n.first; c != 0 && b.Len() <= maxShown; c = t.nodes[c].next {
			t.write(b, c)
		}
		return
	}
	if n.name == noName {
		b.WriteString(strings.ReplaceAll(show(t.text[n.text.from:n.text.to]), "<", "&lt;"))
		return
	}
	if !t.writeTag(b, n) {
		return
	}
	if n.kids == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	for c := n.first; c != 0 && b.Len() <= maxShown; c = t.nodes[c].next {
		t.write(b, c)
	}
	b.WriteString("</" + t.name(n) + ">")
}

// writeTag writes the beginning of a start tag, and reports whether there is
// room for more.
func (t *tree) writeTag(b *strings.Builder, n *node) bool {
	b.WriteString("<" + t.name(n))
	for _, a := range t.attributes(n) {
		if b.Len() > maxShown {
			return false
		}
		b.WriteString(t.written(a))
	}
	return true
}

// tag is the start tag of an element with its name and one more attribute.
func (t *tree) tag(id int32, attr string) string {
	n := &t.nodes[id]
	s := "<" + t.name(n)
	for _, key := range []string{"name", attr} {
		for _, a := range t.attributes(n) {
			if t.names.list[a.name] == key {
				s += t.written(a)
			}
		}
	}
	return s + ">"
}

// written is an attribute as it stands in a tag, with a blank in front.
func (t *tree) written(a attribute) string {
	value := show(t.text[a.value.from:a.value.to])
	return " " + t.names.list[a.name] + `="` + strings.ReplaceAll(value, `"`, "&quot;") + `"`
}
