package compare

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// compareXML compares XML documents as trees: see parseXML for what is free.
func (p *pair) compareXML(c *content) (*bodies, error) {
	return p.compareTrees(c, "an XML", parseXML, treeOptions{})
}

// compareTrees compares two contents as trees.
func (p *pair) compareTrees(c *content, a string, parse func([]byte, media, *names) (*tree, error), o treeOptions) (*bodies, error) {
	names := newNames()
	l, errL := parse(c.legacy, c.media[0], names)
	n, errN := parse(c.new, c.media[1], names)
	for _, err := range []error{errL, errN} {
		if hopeless(err) {
			return &bodies{}, fmt.Errorf("%s body can not be compared: %w", a, err)
		}
	}
	if errL != nil || errN != nil {
		return nil, misfit{errText(errL), errText(errN)}
	}
	return p.walkTrees(l, n, &c.base, o), nil
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// xmlSpace is the namespace of xml:space and xml:lang.
const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// parseXML reads a document. Names are those of "Namespaces in XML": a URI and
// a local name, so that prefixes are free. Comments, processing instructions,
// the document type and white space between elements are left out. Entities
// of a document type are never expanded: a document that declares some is
// refused.
func parseXML(text []byte, _ media, names *names) (*tree, error) {
	x := xmlReader{builder: newBuilder(names, bytes.Count(text, []byte("<"))), keeps: []bool{false}}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it has been undone
	for {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = x.token(t)
		}
		if err != nil {
			return nil, err
		}
	}
	if root := &x.nodes[0]; root.kids != 1 || x.nodes[root.first].name == noName {
		return nil, errors.New("not one element")
	}
	return x.tree, nil
}

type xmlReader struct {
	*builder
	pending []byte // text since the last element began or ended
	keeps   []bool // xml:space is preserve, by open element
}

func (x *xmlReader) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		if err := x.flush(false); err != nil {
			return err
		}
		return x.element(t)
	case xml.EndElement:
		if err := x.flush(true); err != nil {
			return err
		}
		x.end()
		x.keeps = x.keeps[:len(x.keeps)-1]
	case xml.CharData:
		if len(x.open) == 1 && strings.TrimSpace(string(t)) != "" {
			return errors.New("text beside the root element")
		}
		x.pending = append(x.pending, t...)
	case xml.Directive:
		if bytes.Contains(t, []byte("<!ENTITY")) {
			return errors.New("entities in a document type")
		}
	}
	return nil
}

func (x *xmlReader) element(t xml.StartElement) error {
	if err := x.start(t.Name.Local, t.Name.Space); err != nil {
		return err
	}
	keep := x.keeps[len(x.keeps)-1]
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		if a.Name.Space == xmlSpace && a.Name.Local == "space" {
			keep = a.Value == "preserve"
		}
		if err := x.attribute(a.Name.Local, a.Name.Space, a.Value); err != nil {
			return err
		}
	}
	x.keeps = append(x.keeps, keep)
	if !x.orderAttributes() {
		return errors.New("an attribute stands twice in one element")
	}
	return nil
}

// flush enters the text since the last element began or ended. White space
// alone is text only in an element that has nothing else and no line break in it.
func (x *xmlReader) flush(ends bool) error {
	text := x.pending
	x.pending = x.pending[:0]
	if len(x.open) == 1 {
		return nil
	}
	if !x.keeps[len(x.keeps)-1] && len(bytes.TrimSpace(text)) == 0 {
		if !ends || x.top().kids > 0 || bytes.IndexByte(text, '\n') >= 0 {
			return nil
		}
	}
	return x.addText(string(text))
}

// xmlDeclared is the charset that an XML declaration names.
func xmlDeclared(text []byte) string {
	text = text[:min(len(text), 1024)]
	if !bytes.HasPrefix(text, []byte("<?xml")) {
		return ""
	}
	decl, _, _ := bytes.Cut(text, []byte("?>"))
	_, rest, ok := bytes.Cut(decl, []byte("encoding"))
	if !ok {
		return ""
	}
	rest = bytes.TrimLeft(rest, " \t\r\n=")
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	name, _, _ := bytes.Cut(rest[1:], rest[:1])
	return strings.ToLower(string(name))
}
