package routes

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/quackproxy/quack/compare"
)

// Learn is a term whose value differs between the sides: a session, a token, an
// id. Its two values are taken from the pair of answers to one request, and in
// later shadow requests of the same client the one that the client has is
// replaced by the one that the shadow side knows.
type Learn struct {
	From Place         // in both answers
	Into []Place       // in later requests; at least one
	For  time.Duration // a pair is forgotten when it was not used for so long; default 1h, at most 30 days

	at Position
}

// Place is where a term stands in an answer or a request.
type Place struct {
	In   In
	Name string           // of the cookie, the field (canonical), the parameter
	JSON compare.Singular // InJSON
}

// In says in what part of a message a term stands.
type In string

// Where a term may stand. InQuery and InPath are of requests alone.
const (
	InCookie In = "cookie"
	InHeader In = "header"
	InQuery  In = "query"
	InPath   In = "path" // a parameter of the route's pattern
	InJSON   In = "$"    // in the body
)

// String is the place as written: "cookie:session", "$.token".
func (p Place) String() string {
	if p.In == InJSON {
		return p.JSON.String()
	}
	return string(p.In) + ":" + p.Name
}

// Bearer reports whether a value at the place says by itself who the client is,
// as a session or a token does.
func (p Place) Bearer() bool { return p.In == InCookie || p.In == InHeader }

// String is the term as `quack check` shows it: "$.token → header:Authorization".
func (l Learn) String() string {
	text := l.From.String()
	var into []string
	for _, p := range l.Into {
		into = append(into, p.String())
	}
	if to := strings.Join(into, " "); to != text {
		text += " → " + to
	}
	if l.For != learnFor {
		text += " for " + showDuration(l.For)
	}
	return text
}

// Terms are the places of requests into which terms go, by any route of r's
// table.
func (r *Route) Terms() []Place { return r.terms }

// With is p with another value for a parameter: what replace returns for the
// one that it has, both escaped as the path is. ok is false when it is as it was.
func (p Params) With(name string, replace func(value string) (string, bool)) (changed Params, ok bool) {
	for i, n := range p.names {
		if n != name {
			continue
		}
		v, ok := replace(p.values[i])
		if !ok {
			return p, false
		}
		values := slices.Clone(p.values)
		values[i] = v
		return Params{p.names, values}, true
	}
	return p, false
}

// PathWith is the path of a request (escaped, without a rewrite) with other
// parameters; false when the pattern does not give the path back.
func (r *Route) PathWith(escapedPath string, p, other Params) (string, bool) {
	if r.node.pattern.fill(p) != escapedPath {
		return escapedPath, false
	}
	return r.node.pattern.fill(other), true
}

// fill is the path of a pattern with its parameters filled in.
func (p pathPattern) fill(values Params) string {
	var b strings.Builder
	for _, seg := range p {
		if seg.kind == segmentStatic {
			b.WriteString(seg.text)
		} else {
			b.WriteString(values.Get(seg.name))
		}
	}
	return b.String()
}

// How long a pair is kept when it is not used.
const (
	learnFor    = time.Hour
	learnForMax = 30 * 24 * time.Hour
)

const placeRemedy = "use cookie:NAME, header:NAME or a JSON path such as $.token"

func readLearn(l *loader, n *yamlNode, key string) (any, bool) {
	if !l.is(n, key, yamlSequence) {
		return nil, false
	}
	list := []Learn{}
	for _, item := range n.items {
		before := len(l.list)
		if t := l.learnt(item); len(l.list) == before {
			list = append(list, t)
		}
	}
	return list, true
}

// learnt reads one term.
func (l *loader) learnt(n *yamlNode) Learn {
	t := Learn{For: learnFor, at: n.pos}
	var from *yamlNode
	ok := l.mapping(n, "a term to learn",
		field{"from", func(_ Position, v *yamlNode) {
			from = v
			t.From, _ = l.place(v, "from", placeRemedy, InCookie, InHeader, InJSON)
		}},
		field{"into", func(_ Position, v *yamlNode) { t.Into = l.places(v) }},
		field{"for", func(_ Position, v *yamlNode) {
			if t.For, _ = l.duration(v, "for", false); t.For > learnForMax {
				l.fault(v.pos, fmt.Sprintf("for %s is more than 30 days", quoted(v.text)), "a pair that is in use is kept all the same: write at most 720h")
			}
		}},
	)
	switch {
	case !ok:
	case from == nil:
		l.fault(n.pos, "a term to learn does not say where from", "say where it stands in the answers: from: cookie:session")
	case n.has("into"):
	case t.From.In == InJSON:
		l.fault(n.pos, fmt.Sprintf("from %s does not say where the value goes", t.From),
			"say where it stands in later requests: into: [\"header:Authorization\"], cookie:NAME, query:NAME, path:PARAMETER or $.path")
	default:
		t.Into = []Place{t.From}
	}
	return t
}

func (l *loader) places(n *yamlNode) []Place {
	if !l.is(n, "into", yamlSequence) {
		return nil
	}
	if len(n.items) == 0 {
		l.fault(n.pos, "into is empty", "say where the value stands in later requests, or leave into out")
	}
	var list []Place
	for _, item := range n.items {
		const remedy = "use cookie:NAME, header:NAME, query:NAME, path:PARAMETER or a JSON path such as $.account_id"
		if p, ok := l.place(item, "into", remedy, InCookie, InHeader, InQuery, InPath, InJSON); ok {
			list = append(list, p)
		}
	}
	return list
}

// place reads where a term stands.
func (l *loader) place(n *yamlNode, key, remedy string, allowed ...In) (Place, bool) {
	if !l.takes(n, key, yamlString, "a place", remedy) {
		return Place{}, false
	}
	if strings.HasPrefix(n.text, "$") {
		path, err := compare.ParseSingular(n.text)
		if err != nil {
			text, more, _ := strings.Cut(err.Error(), "\n")
			l.fault(n.pos, key+": "+text, more)
		}
		return Place{In: InJSON, JSON: path}, err == nil
	}
	in, name, _ := strings.Cut(n.text, ":")
	p := Place{In: In(in), Name: name}
	problem := ""
	switch {
	case !slices.Contains(allowed, p.In):
		problem = "is not a place for it"
	case name == "":
		problem = "does not say which " + in
	case p.Bearer() && !isToken(name):
		problem = "is not a name of a " + in
	}
	if p.In == InHeader && problem == "" {
		p.Name = textproto.CanonicalMIMEHeaderKey(name)
		problem, remedy = unfitHeader(p.Name, remedy)
	}
	if problem != "" {
		l.fault(n.pos, fmt.Sprintf("%s %s %s", key, quoted(n.text), problem), remedy)
		return Place{}, false
	}
	return p, true
}

// unfitHeader says why no term stands in a field.
func unfitHeader(name, otherwise string) (problem, remedy string) {
	switch name {
	case "Cookie", "Set-Cookie":
		return "holds cookies", "name one: cookie:session"
	case "Host", "Connection", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Te", "Trailer", "Upgrade",
		"Baggage", "Traceparent", "Tracestate", "Via", "Date":
		return "is not a client's term", otherwise
	}
	if strings.HasPrefix(name, "Quack-") {
		return "is Quack's own", otherwise
	}
	return "", otherwise
}

// checkLearn reports terms on a route whose shadow side keeps nothing. Of those
// that are inherited derive has taken back what has no meaning here.
func (r *Route) checkLearn(f *faults) {
	if s := r.own(settingLearn); s != nil && len(s.value.([]Learn)) > 0 && !r.learns() {
		f.add(s.pos, r.Name, "learn on "+r.unsafeText()+" whose shadow is rolled back: a login that is undone made nothing",
			"use shadow: {order: clone} where the shadow side has its own copy of the database;\nor say safe: true if the request changes nothing, such as a token that is only signed")
	}
}

// learns reports whether the shadow side keeps what it answers with.
func (r *Route) learns() bool {
	return r.Safe || r.Shadow.Order == OrderClone || r.bad(settingOrder) || r.bad(settingSafe)
}

// LearntMapping begins the names of mappings, in rules that nobody has written,
// of values that are learnt.
const LearntMapping = "learnt "

// forgiveLearnt adds the rules for the answers in which terms are learnt: the
// values differ by what they are. That they are there is asserted.
func (r *Route) forgiveLearnt(f *faults) {
	var rules []compare.Rule
	for _, l := range r.Learn {
		at := l.From.String()
		rules = append(rules, compare.Rule{Path: at, Same: LearntMapping + at, Reason: "learnt"})
	}
	if len(rules) == 0 {
		return
	}
	compiled, errs := r.Compare.And(rules...)
	for _, e := range errs {
		text, remedy, _ := strings.Cut(e.Err.Error(), "\n")
		f.add(r.ownAt(settingLearn), r.Name, text, remedy)
	}
	r.Compare = compiled
}

// terms gives the routes the places of all their terms, and reports a path
// parameter that none of them has.
func (r *resolver) terms() {
	var all []Place
	params := map[string]bool{}
	for _, route := range r.routes {
		for _, name := range route.params {
			params[name] = true
		}
	}
	for _, route := range r.routes {
		for _, l := range route.Learn {
			for _, p := range l.Into {
				if p.In == InPath && !params[p.Name] {
					r.add(l.at, "", fmt.Sprintf("into %s: no route has such a parameter", quoted(p.String())), "name it as a route's match does: {"+p.Name+"}")
				}
				if !slices.ContainsFunc(all, func(o Place) bool { return o.String() == p.String() }) {
					all = append(all, p)
				}
			}
		}
	}
	for _, route := range r.routes {
		route.terms = all
	}
}

func showLearn(r *Route) string {
	var terms []string
	for _, l := range r.Learn {
		terms = append(terms, l.String())
	}
	if len(terms) == 0 {
		return "nothing"
	}
	return strings.Join(terms, ", ")
}
