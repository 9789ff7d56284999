package routes

import (
	"fmt"
	"slices"
	"strings"
)

// treeNode is a node of the file's tree: the defaults, a prefix or a route.
type treeNode struct {
	parent   *treeNode
	children []*treeNode
	pos      Position // of its match, for defaults of its key
	match    string   // as written; "defaults" for the root
	name     string   // of a route
	named    bool     // the name is stated
	method   string
	path     string      // whole; of a prefix without a slash at its end
	pattern  pathPattern // of path; nil when it has a fault
	prefix   bool
	stated   bool // of the root: the file has defaults
	own      scope
}

// scope is which setting is stated where, by settingID; nil: nowhere.
type scope [numSettings]*stated

// stated is a setting as stated at a node.
type stated struct {
	value any
	pos   Position
	by    *treeNode
	bad   bool // reported already; checks that need it are left out
	used  bool // a route that the setting has a meaning for takes it
	live  bool // set while running, not in the file
}

// readDefaults reads the root of the tree.
func (l *loader) readDefaults(root *treeNode, n *yamlNode) {
	if !l.is(n, "defaults", yamlMapping) {
		return
	}
	root.stated = true
	l.readSettings(root, n, "")
	for _, id := range []settingID{settingSafe, settingIdempotent} {
		if s := root.own[id]; s != nil {
			l.fault(s.pos, fmt.Sprintf("%s can not hold for all requests", settings[id].key), "say it on the routes, or the prefix, that it is true of")
		}
	}
}

// readRoutes reads the nodes below parent.
func (l *loader) readRoutes(parent *treeNode, n *yamlNode) {
	if n.kind == yamlNull && parent.parent == nil {
		return // "routes:" with nothing below it yet
	}
	if !l.is(n, "routes", yamlSequence) {
		return
	}
	if len(n.items) == 0 && parent.parent != nil {
		l.fault(n.pos, "routes is empty", "put routes below this prefix, or remove the line to make it a route")
	}
	for _, item := range n.items {
		l.step()
		l.readNode(parent, item)
	}
}

func (l *loader) readNode(parent *treeNode, n *yamlNode) {
	l.route = ""
	if !l.is(n, "a route", yamlMapping) {
		return
	}
	below := n.value("routes")
	t := &treeNode{parent: parent, pos: n.pos, prefix: below != nil}
	parent.children = append(parent.children, t)
	l.readMatch(t, n)
	if !t.prefix {
		l.readName(t, n)
		l.route = t.name
	} else if name := n.value("name"); name != nil {
		l.fault(name.pos, "a node with routes below it has a name", "name the routes below it: requests are counted there")
	}
	l.readSettings(t, n, "", "match", "name", "routes")
	if below != nil {
		l.readRoutes(t, below)
	}
	l.route = ""
}

// readMatch reads the method and the path, and appends the path to the parent's.
func (l *loader) readMatch(t *treeNode, n *yamlNode) {
	m := n.value("match")
	if m == nil {
		l.fault(n.pos, "a route has no match", "say which requests it is for: match: GET /accounts/{id}")
		return
	}
	t.pos = m.pos
	if !l.is(m, "match", yamlString) {
		return
	}
	t.match = m.text
	method, path, found := strings.Cut(m.text, " ")
	if !found {
		method, path = "", m.text
	}
	fault := checkMethod(method, found)
	if fault == nil && t.prefix && method != "" {
		fault = &patternFault{"has a method and routes below it", "a node with routes is a prefix: write " + path + ", and the methods at its routes"}
	}
	if fault == nil && path == "" {
		fault = &patternFault{"has no path", "write the method, one space and the path: GET /accounts/{id}"}
	}
	if _, is := methods[path]; fault == nil && is {
		fault = &patternFault{"has no path", "write the path behind it: " + path + " /accounts/{id}"}
	}
	if fault == nil {
		t.method = method
		fault = t.place(path)
	}
	if fault != nil {
		l.fault(m.pos, fmt.Sprintf("match %s %s", quoted(m.text), fault.text), fault.remedy)
	}
}

func checkMethod(method string, stated bool) *patternFault {
	const remedy = "write the method in capitals, one space and the path: GET /accounts/{id}"
	switch {
	case !stated:
		return nil
	case !isToken(method) || strings.Contains(method, "/"):
		return &patternFault{"does not begin with a method", remedy}
	case method != strings.ToUpper(method):
		return &patternFault{fmt.Sprintf("has the method %s, and methods are case-sensitive", quoted(method)), "write " + strings.ToUpper(method)}
	case method == "CONNECT":
		return &patternFault{"is for CONNECT, which has no path", "a reverse proxy has no such requests: remove the route"}
	}
	return nil
}

// place puts a node at a path below its parent's.
func (t *treeNode) place(path string) *patternFault {
	if !strings.HasPrefix(path, "/") {
		return &patternFault{"has a path that does not begin with a slash", fmt.Sprintf("write /%s; it is appended to the path of the node above", path)}
	}
	if t.parent.parent != nil && t.parent.pattern == nil {
		return nil // the parent's path has a fault of its own
	}
	whole := t.parent.path + path
	pattern, fault := parsePattern(whole)
	if fault != nil {
		return fault
	}
	if t.prefix {
		last := pattern[len(pattern)-1]
		if last.kind == segmentWildcard {
			return &patternFault{"is a prefix that ends in *", "leave the * out: the paths of its routes are appended"}
		}
		if whole = strings.TrimSuffix(whole, "/"); path != "/" && whole != t.parent.path+path {
			return &patternFault{"is a prefix that ends in a slash", "leave the slash out: the paths of its routes begin with one"}
		}
	}
	t.path, t.pattern = whole, pattern
	return nil
}

// readName sets a route's name: as stated, else its method and whole path.
func (l *loader) readName(t *treeNode, n *yamlNode) {
	t.name = strings.TrimSpace(t.method + " " + t.path)
	if t.pattern == nil {
		t.name = t.match // in messages alone: the file is refused
	}
	if name := n.value("name"); name != nil {
		if s, ok := l.name(name, "name"); ok {
			t.name, t.named = s, true
		}
	}
}

// readSettings reads the settings in n, a mapping of the file that stands at
// section ("" or "shadow." …), into t. The structural keys are not settings.
func (l *loader) readSettings(t *treeNode, n *yamlNode, section string, structural ...string) {
	for _, e := range n.entries {
		key := section + e.key
		id, known := l.settings[key]
		switch {
		case slices.Contains(structural, e.key):
		case known:
			v, ok := settings[id].read(l, e.val, key)
			t.own[id] = &stated{value: v, pos: e.val.pos, by: t, bad: !ok}
		case l.sections[key]:
			if l.is(e.val, key, yamlMapping) {
				l.readSettings(t, e.val, key+".")
			}
		default:
			l.unknownSetting(e, section, structural)
		}
	}
}

// laterKeys are settings that routes.yaml will have.
var laterKeys = []string{"trust"}

func (l *loader) unknownSetting(e yamlEntry, section string, structural []string) {
	if section == "" && slices.Contains(laterKeys, e.key) {
		l.fault(e.pos, e.key+" is not available in this version of Quack", "remove the line")
		return
	}
	where := "a route"
	switch {
	case section != "":
		where = strings.TrimSuffix(section, ".")
	case len(structural) == 0:
		where = "defaults"
	}
	text := fmt.Sprintf("unknown key %s in %s", quoted(e.key), where)
	keys := slices.Clone(structural)
	for _, s := range settings {
		dot := strings.LastIndexByte(s.key, '.') + 1
		in, last := strings.TrimSuffix(s.key[:dot], "."), s.key[dot:]
		switch {
		case last == e.key && section != "" && in == "":
			l.fault(e.pos, text, fmt.Sprintf("write it beside %s, not in it", where))
			return
		case last == e.key && section == "":
			l.fault(e.pos, text, fmt.Sprintf("it stands one level deeper: %s: {%s: …}", in, last))
			return
		}
		if rest, ok := strings.CutPrefix(s.key, section); ok {
			first, _, _ := strings.Cut(rest, ".")
			keys = append(keys, first)
		}
	}
	slices.Sort(keys)
	l.fault(e.pos, text, choice(e.key, slices.Compact(keys)))
}
