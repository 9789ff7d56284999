package compare

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// compareHTML compares HTML pages as trees: see parseHTML for what is free.
func (p *pair) compareHTML(c *content) (*bodies, error) {
	if !c.isText() {
		return compareBytes(c), nil
	}
	return p.compareTrees(c, "an HTML", parseHTML, treeOptions{html: true})
}

// parseHTML reads a page or a part of one; what it lacks of html, head, body
// and tbody, and end tags that may be left out, are put in. Free are comments,
// the document type, the order of attributes and of the tokens of a class, the
// way in which boolean attributes are written, and white space but between
// elements that stand in a line.
//
// The tree is not made by html.Parse, which repeats elements that were left
// open in every paragraph after them, as browsers do: a hostile page of a few
// kilobytes grows to a million nodes. Here nothing is repeated.
func parseHTML(text []byte, m media, names *names) (*tree, error) {
	h := &htmlReader{builder: newBuilder(names, bytes.Count(text, []byte("<"))), opened: map[string]int{}, xml: strings.HasSuffix(m.name, "+xml")}
	z := html.NewTokenizer(bytes.NewReader(text))
	for {
		var err error
		switch z.Next() {
		case html.ErrorToken: // the end: what is in memory reads without errors
			return h.tree, h.flush(false)
		case html.TextToken:
			h.pending = append(h.pending, z.Text()...)
		case html.StartTagToken:
			err = h.tag(z, false)
		case html.SelfClosingTagToken:
			err = h.tag(z, true)
		case html.EndTagToken:
			name, _ := z.TagName()
			err = h.endTag(string(name))
		}
		if err != nil {
			return nil, err
		}
	}
}

type htmlReader struct {
	*builder
	stack   []string       // names of the open elements, the document left out
	opened  map[string]int // how many of each are open
	pending []byte         // text since the last tag
	seen    string         // which of html, head and body has come last
	keeps   int            // open elements whose white space is kept
	foreign int            // open svg and math
	xml     bool           // tags may close themselves
}

func (h *htmlReader) push(name string) error {
	if err := h.start(name, ""); err != nil {
		return err
	}
	h.stack = append(h.stack, name)
	h.opened[name]++
	h.count(name, 1)
	return nil
}

func (h *htmlReader) pop() {
	top := len(h.stack) - 1
	name := h.stack[top]
	h.stack = h.stack[:top]
	h.opened[name]--
	h.count(name, -1)
	h.end()
}

func (h *htmlReader) count(name string, by int) {
	switch name {
	case "pre", "textarea", "script", "style", "listing":
		h.keeps += by
	case "svg", "math":
		h.foreign += by
	}
}

// tag enters an element.
func (h *htmlReader) tag(z *html.Tokenizer, closed bool) error {
	raw, more := z.TagName()
	name := string(raw)
	if err := h.flush(inLine[name]); err != nil {
		return err
	}
	if err := h.frameFor(name); err != nil {
		return err
	}
	again := (name == "html" || name == "head" || name == "body") && h.opened[name] > 0
	if again { // its attributes are those of the first
		return nil
	}
	h.closeFor(name)
	if name == "tr" && len(h.stack) > 0 && h.stack[len(h.stack)-1] == "table" {
		if err := h.push("tbody"); err != nil {
			return err
		}
	}
	if err := h.push(name); err != nil {
		return err
	}
	if name == "html" || name == "head" || name == "body" {
		h.seen = name
	}
	if err := h.attributesOf(z, more); err != nil {
		return err
	}
	if void[name] || closed && (h.xml || h.foreign > 0) {
		h.pop()
	}
	return nil
}

// attributesOf enters the attributes of the tag, of two with one name the first.
func (h *htmlReader) attributesOf(z *html.Tokenizer, more bool) error {
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		name := string(key)
		if h.xml && (name == "xmlns" || strings.HasPrefix(name, "xmlns:")) {
			continue
		}
		if err := h.attribute(name, "", attributeValue(name, string(value))); err != nil {
			return err
		}
	}
	n := h.top()
	list := h.attributes(n)
	slices.SortStableFunc(list, h.byName)
	kept := slices.CompactFunc(list, func(x, y attribute) bool { return x.name == y.name })
	n.attrs.to = n.attrs.from + int32(len(kept))
	h.attrs = h.attrs[:n.attrs.to]
	h.markTokens(n)
	return nil
}

// attributeValue is a value without what is free in it.
func attributeValue(name, value string) string {
	switch {
	case name == "class":
		tokens := strings.Fields(value)
		slices.Sort(tokens)
		return strings.Join(slices.Compact(tokens), " ")
	case boolean[name] && (value == "" || strings.EqualFold(value, name) || value == "true"):
		return ""
	}
	return value
}

// frameFor opens what an element stands in: html, and head or body.
func (h *htmlReader) frameFor(name string) error {
	if name == "html" {
		return nil
	}
	if h.opened["html"] == 0 {
		if err := h.push("html"); err != nil {
			return err
		}
		h.seen = "html"
	}
	switch {
	case name == "head" || name == "body" || h.seen == "body":
		if name == "body" {
			h.leave("head")
		}
		return nil
	case inHead[name]:
		if h.seen == "html" {
			h.seen = "head"
			return h.push("head")
		}
		if h.opened["head"] > 0 {
			return nil
		}
	}
	if h.opened["head"] > 0 && h.opened["template"]+h.opened["noscript"] > 0 {
		return nil
	}
	h.leave("head")
	h.seen = "body"
	return h.push("body")
}

// leave closes an element and all in it, if it is open.
func (h *htmlReader) leave(name string) {
	for h.opened[name] > 0 {
		h.pop()
	}
}

// endTag closes the innermost element of the name. One that closes nothing is
// left out, and so are those of html and body: what follows them is in them.
func (h *htmlReader) endTag(name string) error {
	if err := h.flush(false); err != nil {
		return err
	}
	if h.opened[name] == 0 || name == "html" || name == "body" {
		return nil
	}
	for h.stack[len(h.stack)-1] != name {
		h.pop()
	}
	h.pop()
	return nil
}

// closeFor closes the elements whose end tags may be left out before this one.
func (h *htmlReader) closeFor(name string) {
	rule, ok := impliedEnds[name]
	if !ok {
		if !endsParagraph[name] {
			return
		}
		rule = impliedEnd{[]string{"p"}, []string{"button", "table", "td", "th", "caption", "object", "template"}}
	}
	open := 0
	for _, c := range rule.closes {
		open += h.opened[c]
	}
	for at := len(h.stack) - 1; at >= 0 && open > 0; at-- {
		if slices.Contains(rule.within, h.stack[at]) {
			return
		}
		if slices.Contains(rule.closes, h.stack[at]) {
			open--
			for len(h.stack) > at {
				h.pop()
			}
		}
	}
}

// flush enters the text since the last tag; next says that an element follows
// which stands in a line with it.
func (h *htmlReader) flush(next bool) error {
	text := h.pending
	h.pending = h.pending[:0]
	if len(text) == 0 {
		return nil
	}
	space := len(bytes.Trim(text, htmlSpace)) == 0
	if space && (h.seen != "body" || len(h.stack) == 0) && h.keeps == 0 {
		return nil
	}
	if len(h.stack) == 0 || h.seen == "html" || h.seen == "head" && len(h.stack) <= 2 {
		if err := h.frameFor(""); err != nil {
			return err
		}
	}
	if h.keeps > 0 {
		return h.addText(string(bytes.Trim(text, "\r\n")))
	}
	last := h.last[len(h.last)-1]
	before := last != 0 && inLine[h.name(&h.nodes[last])]
	return h.addText(collapse(text, before, next))
}

const htmlSpace = " \t\r\n\f"

// collapse makes one blank of white space, and none at the ends unless it is
// kept there.
func collapse(text []byte, before, behind bool) string {
	words := bytes.FieldsFunc(text, func(r rune) bool { return r < 0x80 && strings.ContainsRune(htmlSpace, r) })
	s := string(bytes.Join(words, []byte(" ")))
	first, last := bytes.IndexByte([]byte(htmlSpace), text[0]) >= 0, bytes.IndexByte([]byte(htmlSpace), text[len(text)-1]) >= 0
	switch {
	case len(words) == 0 && before && behind:
		return " "
	case len(words) == 0:
		return ""
	}
	if before && first {
		s = " " + s
	}
	if behind && last {
		s += " "
	}
	return s
}

// htmlDeclared is the charset that a meta element near the beginning names.
func htmlDeclared(text []byte) string {
	rest := bytes.ToLower(text[:min(len(text), 1024)])
	for {
		_, meta, ok := bytes.Cut(rest, []byte("<meta"))
		if !ok {
			return xmlDeclared(text)
		}
		meta, rest, _ = bytes.Cut(meta, []byte(">"))
		if _, v, ok := bytes.Cut(meta, []byte("charset")); ok {
			v = bytes.TrimLeft(v, " \t\r\n='\"")
			if end := bytes.IndexAny(v, " \t\r\n;'\"/"); end >= 0 {
				v = v[:end]
			}
			if name := string(v); name != "" && !strings.HasPrefix(name, "utf-16") { // ASCII was read, so it is not that
				return name
			}
		}
	}
}
