package routes

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"unicode/utf8"
)

// Load reads and resolves file. On any fault it returns Errors.
func Load(file string) (*Table, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, unreadable(file, err)
	}
	return Parse(file, src)
}

// unreadable is the error of a file that can not be read.
func unreadable(file string, err error) error {
	text := err.Error()
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		text = pathError.Op + ": " + pathError.Err.Error()
	}
	remedy := "is this the right path?"
	switch {
	case errors.Is(err, fs.ErrPermission):
		remedy = "give this user the right to read it"
	case errors.Is(err, syscall.EISDIR):
		remedy = "name the file in it"
	}
	return Errors{{Position: Position{File: file}, Text: text, Remedy: remedy, cause: err}}
}

// Parse is Load for source that is at hand; name stands for the file in errors.
func Parse(name string, src []byte) (*Table, error) { return parseAt(nil, name, src) }

// parseAt is Parse at a pace.
func parseAt(p *pace, name string, src []byte) (*Table, error) {
	l := &loader{
		document:  document{file: name, faults: &faults{}, pace: p},
		backends:  map[string]*Backend{},
		databases: map[string]*Database{},
		settings:  map[string]settingID{},
		sections:  map[string]bool{},
	}
	for id, s := range settings {
		l.settings[s.key] = settingID(id)
		for i, c := range s.key {
			if c == '.' {
				l.sections[s.key[:i]] = true
			}
		}
	}
	table := l.table(l.read(src))
	if len(l.list) > 0 {
		return nil, l.sorted(lineLengths(src))
	}
	table.hash = hashOf(src)
	return table, nil
}

// lineLengths is the number of characters of each line.
func lineLengths(src []byte) []int {
	var lengths []int
	for line := range bytes.Lines(src) {
		lengths = append(lengths, utf8.RuneCount(bytes.TrimRight(line, "\r\n")))
	}
	if len(lengths) == 0 {
		return []int{0}
	}
	return lengths
}

// table makes the table of a document. What it returns is of use only when no
// fault was found.
func (l *loader) table(doc *yamlNode) *Table {
	if doc == nil || !l.is(doc, "the file", yamlMapping) {
		return nil
	}
	root := &treeNode{match: "defaults", pos: Position{l.file, 1, 1}}
	// Names are known before they are referred to, whatever the order in the file.
	var defaults, routes *yamlNode
	l.mapping(doc, "the file",
		field{"version", l.readVersion},
		field{"databases", l.readDatabases},
		field{"backends", func(Position, *yamlNode) {}},
		field{"defaults", func(at Position, n *yamlNode) { root.pos, defaults = at, n }},
		field{"routes", func(_ Position, n *yamlNode) { routes = n }},
	)
	if !doc.has("version") {
		l.fault(doc.pos, "the file has no version", "begin it with version: 1")
	}
	if n := doc.value("backends"); n != nil {
		l.readBackends(n.pos, n)
	} else {
		l.fault(doc.pos, "the file has no backends", "name at least the monolith: backends: {monolith: {urls: [http://127.0.0.1:3000]}}")
	}
	if defaults != nil {
		l.readDefaults(root, defaults)
	} else {
		l.fault(doc.pos, "the file has no defaults", "requests that match no route need a backend: defaults: {legacy: NAME}")
	}
	if routes != nil {
		l.readRoutes(root, routes)
	}
	return l.resolve(root)
}

func (l *loader) readVersion(_ Position, n *yamlNode) {
	const remedy = "this version of Quack reads version: 1"
	if l.takes(n, "version", yamlNumber, "a number", remedy) && n.text != "1" {
		l.fault(n.pos, fmt.Sprintf("version %s is not known", n.text), remedy)
	}
}

// resolve makes the table of the tree.
func (l *loader) resolve(root *treeNode) *Table {
	r := &resolver{loader: l, names: map[string]*Route{}, shapes: map[string]*Route{}}
	r.walk(root, scope{})
	r.terms()
	l.checkCaps(r.routes)
	t := &Table{file: l.file, root: root, databases: l.databases, byName: map[string]int{}, routes: r.routes}
	t.fallback = r.fallback(root)
	t.redaction = l.redactAll(root)
	for _, b := range l.backends {
		t.backends = append(t.backends, b)
	}
	slices.SortFunc(t.backends, func(a, b *Backend) int { return cmp.Compare(a.Name, b.Name) })
	for i, route := range t.routes {
		t.byName[route.Name] = i
	}
	t.matcher = newMatcher(t.routes, l.faults, l.pace)
	return t
}
