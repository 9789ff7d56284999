package routes

import "fmt"

// resolver makes routes of the tree.
type resolver struct {
	*loader
	routes []*Route
	names  map[string]*Route
	shapes map[string]*Route // by method and shape of the pattern
}

// walk resolves a node and what is below it. from is what its parent has.
func (r *resolver) walk(t *treeNode, from scope) {
	r.route = t.name
	for id, s := range t.own {
		switch {
		case s == nil:
		case settingID(id).adds() && !s.bad:
			var inherited any
			if from[id] != nil && !from[id].bad {
				inherited = from[id].value
			}
			from[id] = &stated{value: settingID(id).inherit(inherited, s.value, r.loader), pos: s.pos, by: t}
		default:
			from[id] = s
		}
	}
	if t.parent != nil && !t.prefix {
		r.leaf(t, from)
	}
	for _, c := range t.children {
		r.step()
		r.walk(c, from)
	}
	r.route = t.name
	if s := t.own[settingPercent]; s != nil && !s.bad && !s.used {
		r.fault(s.pos, "percent has a meaning only at stage ramp", "say stage: ramp, or remove the line")
	}
	r.route = ""
}

// leaf makes the route of a leaf, and checks it.
func (r *resolver) leaf(t *treeNode, from scope) {
	route := newRoute(t, from)
	route.Redact = r.redactionOf(route)
	r.unique(route)
	if t.pattern == nil {
		return
	}
	r.routes = append(r.routes, route)
	route.check(r.faults)
	route.forgiveLearnt(r.faults)
	route.checkStage(r.faults)
}

// newRoute lays the settings of a scope into a route.
func newRoute(t *treeNode, from scope) *Route {
	route := defaultRoute()
	route.Name, route.Method, route.Pattern, route.Position = t.name, t.method, t.path, t.pos
	route.node, route.from = t, &from
	route.params, route.regexps = t.pattern.params(), t.pattern.regexps()
	for id, s := range from {
		if s != nil && !s.bad {
			settings[id].set(route, s.value)
		}
	}
	route.derive()
	return route
}

// derive sets what follows from the method, and takes back what is inherited
// and has no meaning for this route.
func (r *Route) derive() {
	r.Compare = r.comparison()
	m := methods[r.Method]
	if r.from[settingSafe] == nil {
		r.Safe = m.safe
	}
	if r.from[settingIdempotent] == nil {
		r.Idempotent = m.idempotent
	}
	r.Idempotent = r.Idempotent || r.Safe // RFC 9110 9.2.2
	if r.from[settingReadOnly] == nil {
		r.ReadOnly = ReadOnlyBlock
		if r.Safe {
			r.ReadOnly = ReadOnlyAllow
		}
	}
	if !r.Safe {
		r.Cache.TTL = 0
	} else {
		r.Shadow.Run = RunNew
	}
	if r.Shadow.Run != RunBoth {
		r.Shadow.Recheck.Writes = false
	}
	if !r.learns() {
		r.Learn = nil
	}
	if s := r.from[settingPercent]; s != nil && (r.Stage == StageRamp || r.bad(settingStage)) {
		s.used = true
	}
	if r.Stage != StageRamp {
		r.Percent = 0
	}
	r.rampSeed, r.sampleSeed = seed("ramp:"+r.Name), seed("sample:"+r.Name)
}

// bad reports whether a setting was stated and could not be read.
func (r *Route) bad(id settingID) bool { return r.from[id] != nil && r.from[id].bad }

// ownAt is where a setting was stated at this route, and the route's place for
// one that is inherited: what is wrong is then wrong with this route.
func (r *Route) ownAt(id settingID) Position {
	if s := r.from[id]; s != nil && s.by == r.node {
		return s.pos
	}
	return r.Position
}

// unique reports a name or a set of requests that another route has.
func (r *resolver) unique(route *Route) {
	same := false
	if p := route.node.pattern; p != nil {
		key := route.Method + " " + p.shape()
		if other := r.shapes[key]; other != nil {
			same = true
			text := fmt.Sprintf("the same requests as route %s (%s)", other.Name, other.Position.short())
			if other.Pattern != route.Pattern {
				text += ": the names of parameters do not tell patterns apart"
			}
			r.add(route.Position, route.Name, text, "keep one of the two")
		} else {
			r.shapes[key] = route
		}
	}
	if other := r.names[route.Name]; other != nil && route.Name != "" && (!same || route.node.named) {
		r.add(route.Position, route.Name, fmt.Sprintf("another route has this name (%s)", other.Position.short()), "give each route a name of its own")
	} else {
		r.names[route.Name] = route
	}
}

// default route: what matches no other.
const defaultName = "(default)"

// fallback makes the default route of the root.
func (r *resolver) fallback(root *treeNode) *Route {
	from := root.own
	for _, id := range []settingID{settingNew, settingStage, settingPercent, settingSafe, settingIdempotent, settingCacheTTL,
		settingRewriteLegacy, settingRewriteNew, settingTimestamps, settingGenerated, settingVolatile, settingDerived, settingNumbers, settingRules,
		settingMessages, settingLearn, settingReadyMismatch, settingReadyCovered} {
		from[id] = nil // it is neither migrated nor compared nor cached
	}
	route := newRoute(root, from)
	route.Name = defaultName
	route.Redact = r.redactionOf(route)
	if route.Legacy == nil && !route.bad(settingLegacy) && root.stated {
		r.fault(root.pos, "defaults has no legacy backend",
			"requests that match no route go there: defaults: {legacy: "+firstOr(sortedKeys(r.backends), "monolith")+"}")
	}
	return route
}

func firstOr(words []string, other string) string {
	if len(words) > 0 {
		return words[0]
	}
	return other
}
