package routes

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlKind is what a value of the file is.
type yamlKind uint8

const (
	yamlBad yamlKind = iota // reported already; nothing more is said of it
	yamlNull
	yamlBool
	yamlNumber
	yamlString
	yamlSequence
	yamlMapping
)

// String is the kind as it stands in messages.
func (k yamlKind) String() string {
	return [...]string{"", "nothing", "true or false", "a number", "a text", "a list", "a mapping"}[k]
}

// yamlNode is a value of the file with its place: YAML without what a
// configuration file has no use for (anchors, tags, merge keys, documents).
type yamlNode struct {
	kind    yamlKind
	pos     Position
	text    string      // of a scalar, as written and unquoted
	entries []yamlEntry // of a mapping, in order, each key once
	items   []*yamlNode // of a sequence
}

// yamlEntry is one key of a mapping with its value.
type yamlEntry struct {
	key string
	pos Position
	val *yamlNode
}

// document is a reader of one file.
type document struct {
	file string
	*faults
	*pace
	before int // lines of the file before the text at hand
	gap    gap // lines of the file that the text at hand lacks
}

// gap is lines cut out of a text, before the line of that number in what is left.
type gap struct{ at, lines int }

// maxFlow bounds how deep brackets may be nested in one line: the YAML parser
// takes quadratic time there, and a table of routes needs four.
const maxFlow = 64

// read is the file's one document; nil when a fault is such that nothing else
// can be said.
func (d document) read(src []byte) *yamlNode {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if !d.readable(src) {
		return nil
	}
	if doc := d.inPieces(src); doc != nil {
		return doc
	}
	return d.whole(src)
}

// whole is read for text in one go. Only what it finds is reported.
func (d document) whole(src []byte) *yamlNode {
	file, err := parseYAML(src)
	if err != nil {
		d.syntax(err, src)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if directive, ok := doc.Body.(*ast.DirectiveNode); ok {
			d.add(d.at(directive.GetToken()), "", "YAML directives are not used here", "remove the line")
			continue
		}
		if body != nil {
			at := d.at(doc.Start)
			d.add(at, "", "a second YAML document begins here", "one file is one document: remove the line of dashes")
			break
		}
		body = doc.Body
	}
	if body == nil {
		d.add(Position{d.file, 1, 1}, "", "the file is empty",
			"it needs at least version: 1, backends: and defaults: {legacy: NAME}")
		return nil
	}
	return d.convert(body)
}

// readable reports text that is no YAML for a reason of its own.
func (d document) readable(src []byte) bool {
	line := 0
	for text := range bytes.Lines(src) {
		line++
		d.step()
		if !utf8.Valid(text) {
			column := len([]rune(string(text[:validPrefix(text)]))) + 1
			d.add(Position{d.file, line, column}, "", "the file is not UTF-8 text", "save it as UTF-8")
			return false
		}
		if i := bytes.IndexByte(text, 0); i >= 0 {
			d.add(Position{d.file, line, utf8.RuneCount(text[:i]) + 1}, "", "the file has a NUL byte", "is this the right file?")
			return false
		}
		if flowDepth(text) > maxFlow {
			d.add(Position{d.file, line, 1}, "",
				fmt.Sprintf("brackets are nested more than %d deep", maxFlow), "a table of routes needs four levels in a line")
			return false
		}
	}
	return true
}

func validPrefix(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(text)
}

// flowDepth is how deep the brackets of one line are nested.
func flowDepth(line []byte) int {
	depth, deepest := 0, 0
	for _, c := range line {
		switch c {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return deepest
}

// parseYAML is the library's parser; a panic of its is an error of the file.
func parseYAML(src []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the YAML parser gave up on this file")
		}
	}()
	// Duplicate keys are reported by convert, all of them.
	return parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
}

// syntax reports text that is no YAML. The parser stops at the first such place.
func (d document) syntax(err error, src []byte) {
	at, text := Position{d.file, 1, 1}, err.Error()
	var y yaml.Error
	if errors.As(err, &y) {
		at, text = d.at(y.GetToken()), y.GetMessage()
	}
	remedy := "check the indentation and the quotes; a value with { } , : or # in it needs quotes: match: \"GET /a/{id}\""
	if line := nthLine(src, at.Line); strings.Contains(line[:len(line)-len(strings.TrimLeft(line, " \t"))], "\t") {
		at.Column = strings.IndexByte(line, '\t') + 1
		text, remedy = "a tab in the indentation", "YAML is indented with spaces only"
	}
	d.add(at, "", "this is not YAML: "+text, remedy)
}

func nthLine(src []byte, n int) string {
	for line := range bytes.Lines(src) {
		if n--; n == 0 {
			return string(line)
		}
	}
	return ""
}

func (d document) at(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{d.file, 1, 1}
	}
	line := t.Position.Line
	if line >= d.gap.at {
		line += d.gap.lines
	}
	return Position{d.file, d.before + line, t.Position.Column}
}

// convert makes a yamlNode of n, and reports what is not taken.
func (d document) convert(n ast.Node) *yamlNode {
	node := &yamlNode{pos: d.at(n.GetToken())}
	switch v := n.(type) {
	case *ast.MappingNode:
		node.kind = yamlMapping
		if !v.IsFlowStyle && len(v.Values) > 0 { // the parser gives the first colon
			node.pos = d.at(v.Values[0].Key.GetToken())
		}
		d.entries(node, v.Values)
	case *ast.SequenceNode:
		node.kind = yamlSequence
		for _, item := range v.Values {
			if joined := d.rejoin(item); joined != nil {
				node.items = append(node.items, joined)
				continue
			}
			node.items = append(node.items, d.convert(item))
		}
	case *ast.LiteralNode:
		node.kind, node.text = yamlString, v.Value.Value
	case *ast.StringNode:
		node.kind, node.text = yamlString, v.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.NanNode, *ast.InfinityNode:
		node.kind, node.text = yamlNumber, n.GetToken().Value
	case *ast.BoolNode:
		node.kind, node.text = yamlBool, strings.ToLower(v.Token.Value)
	case *ast.NullNode:
		node.kind = yamlNull
	default:
		d.refuse(n, node)
	}
	return node
}

// rejoin is the text of an entry of a list like [http://127.0.0.1:3000], nil for
// anything else. Where such a list stands in a {mapping}, the parser takes the
// last colon for that of a pair, though a colon with no space behind it belongs
// to the text (YAML 1.2.2 section 7.3.3).
func (d document) rejoin(n ast.Node) *yamlNode {
	m, ok := n.(*ast.MappingNode)
	if !ok || m.IsFlowStyle || len(m.Values) != 1 {
		return nil
	}
	key, value, colon := m.Values[0].Key.GetToken(), m.Values[0].Value.GetToken(), m.Values[0].Start
	for _, t := range []*token.Token{key, value, colon} {
		if t == nil || t.Position == nil || t.Position.Line != key.Position.Line {
			return nil
		}
	}
	if _, scalar := m.Values[0].Value.(ast.ScalarNode); !scalar || key.Indicator != token.NotIndicator || value.Indicator != token.NotIndicator ||
		value.Position.Column != colon.Position.Column+1 || strings.HasSuffix(key.Value, " ") {
		return nil
	}
	return &yamlNode{kind: yamlString, pos: d.at(key), text: key.Value + ":" + value.Value}
}

// refuse reports a construct of YAML that routes.yaml does without: settings
// are shared by inheritance, where each has one place to point at.
func (d document) refuse(n ast.Node, node *yamlNode) {
	switch v := n.(type) {
	case *ast.AnchorNode:
		d.add(node.pos, "", "YAML anchors are not used here",
			"write a setting that is shared in defaults: or at a common parent node, from where it is inherited")
		if v.Value != nil {
			at := node.pos
			*node = *d.convert(v.Value)
			node.pos = at
		}
	case *ast.AliasNode:
		d.add(node.pos, "", "YAML aliases are not used here", "write the value out, or at a common parent node")
	case *ast.TagNode:
		d.add(node.pos, "", fmt.Sprintf("the YAML tag %s is not used here", quoted(v.Start.Value)), "remove the tag")
	default:
		d.add(node.pos, "", "this YAML construct is not used here", "write plain keys and values")
	}
}

// entries fills a mapping.
func (d document) entries(node *yamlNode, values []*ast.MappingValueNode) {
	first := map[string]Position{}
	for _, v := range values {
		at := d.at(v.Key.GetToken())
		val := d.convert(v.Value)
		switch v.Key.(type) {
		case *ast.MergeKeyNode:
			d.add(at, "", "YAML merge keys (<<) are not used here",
				"write a setting that is shared in defaults: or at a common parent node, from where it is inherited")
			continue
		case *ast.MappingKeyNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
			d.add(at, "", "this form of a YAML key is not used here", "write key: value")
			continue
		}
		key := v.Key.GetToken().Value
		if before, twice := first[key]; twice {
			d.add(at, "", fmt.Sprintf("the key %s stands twice (first at %s)", quoted(key), before.short()), "keep one of the two")
			continue
		}
		first[key] = at
		node.entries = append(node.entries, yamlEntry{key, at, val})
	}
}
