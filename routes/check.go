package routes

import (
	"fmt"
	"slices"
	"time"
)

// checkTemplate reads a path in which parameters of the route are filled in.
func (r *Route) checkTemplate(s string) (pathPattern, *patternFault) {
	t, fault := parsePattern(s)
	if fault != nil {
		return nil, fault
	}
	for _, seg := range t {
		switch {
		case seg.kind == segmentRegexp:
			return nil, &patternFault{"has a regular expression", "name the parameter alone: {" + seg.name + "}"}
		case seg.kind != segmentStatic && !slices.Contains(r.params, seg.name):
			return nil, &patternFault{fmt.Sprintf("has the parameter %s, which %s does not have", quoted(seg.name), quoted(r.Pattern)), r.paramRemedy()}
		}
	}
	return t, nil
}

func (r *Route) paramRemedy() string {
	if len(r.params) == 0 {
		return "the route has no parameters: write the path as it is, or give the route's match one"
	}
	return "use " + oneOf(r.params) + ", which the route's match has"
}

// stageNames are the stages as words.
var stageNames = []string{string(StageLegacy), string(StageShadow), string(StageRamp), string(StageVerify), string(StageNew)}

// sidesShadowed are the sides to which requests of an unsafe route could be
// sent as shadows.
func (r *Route) sidesShadowed() []Side {
	switch {
	case !r.Shadows() || r.Shadow.Sample == 0:
		return nil
	case r.Stage == StageRamp || r.Shadow.Run == RunBoth:
		return []Side{Legacy, New}
	case r.Stage == StageVerify:
		return []Side{Legacy}
	default:
		return []Side{New}
	}
}

// check reports what is wrong with a route at whatever stage.
func (r *Route) check(f *faults) {
	if r.Legacy == nil && r.from[settingLegacy] == nil && r.node.root().own[settingLegacy] != nil {
		f.add(r.Position, r.Name, "no legacy backend", "set legacy: here, at a node above or in defaults")
	}
	if r.New == nil && r.from[settingNew] == nil {
		f.add(r.Position, r.Name, "no new backend", "set new: here, at a node above or in defaults; until there is one, new: "+backendName(r.Legacy))
	}
	r.checkSafety(f)
	if s := r.from[settingSticky]; r.Sticky.Kind == "path" && !slices.Contains(r.params, r.Sticky.Name) && s != nil {
		f.add(r.ownAt(settingSticky), r.Name, fmt.Sprintf("sticky %s: the path %s has no such parameter", quoted(r.Sticky.String()), quoted(r.Pattern)), r.stickyRemedy())
	}
	r.checkRewrites(f)
}

// checkSafety reports settings that do not go with a safe, or an unsafe, route.
// Of those that are inherited derive has taken back what has no meaning here.
func (r *Route) checkSafety(f *faults) {
	safe := r.from[settingSafe]
	if safe != nil && safe.bad {
		return
	}
	if safe != nil && safe.by != r.node && r.Safe && r.Method != "" && r.Method != "POST" && !methods[r.Method].safe {
		f.add(r.Position, r.Name, fmt.Sprintf("%s would count as safe by %s", r.Method, safe.pos.short()), "say safe: true or safe: false on this route")
	}
	if s := r.own(settingIdempotent); s != nil && s.value == false && safe != nil && r.Safe {
		f.add(s.pos, r.Name, "safe and not idempotent", "a safe request is idempotent (RFC 9110 section 9.2.2): remove one of the two")
	}
	if s := r.own(settingCacheTTL); s != nil && s.value != time.Duration(0) && !r.Safe {
		f.add(s.pos, r.Name, "cache on "+r.unsafeText(), "only answers to safe requests are cached: remove it, or say safe: true if the request changes nothing")
	}
	if s := r.own(settingRun); s != nil && s.value == RunBoth && r.Safe {
		f.add(s.pos, r.Name, "run: both on a safe route", "it compares two writes that are both rolled back: remove it, a safe request is asked of the other side as it is")
	}
	r.checkRecheck(f)
	if r.Shadow.Order == OrderAfter && !r.Safe {
		f.add(r.ownAt(settingOrder), r.Name, "order: after on "+r.unsafeText(),
			"after the live write a shadow finds its rows there already: use order: auto or before, or clone when the shadow side has its own copy of the database")
	}
	r.checkClone(f)
	r.checkLearn(f)
}

// own is a setting that is stated at the route itself and could be read.
func (r *Route) own(id settingID) *stated {
	if s := r.node.own[id]; s != nil && !s.bad {
		return s
	}
	return nil
}

func (t *treeNode) root() *treeNode {
	for t.parent != nil {
		t = t.parent
	}
	return t
}

func (r *Route) stickyRemedy() string {
	if len(r.params) == 0 {
		return "the route has no parameters: use header:NAME, cookie:NAME, query:NAME or ip"
	}
	return r.paramRemedy()
}

// unsafeText says that a route is unsafe, and why.
func (r *Route) unsafeText() string {
	if r.Method == "" && r.from[settingSafe] == nil {
		return "an unsafe route (it takes any method)"
	}
	return "an unsafe route"
}

func (r *Route) checkRewrites(f *faults) {
	for _, side := range []Side{Legacy, New} {
		id := settingRewriteNew
		if side == Legacy {
			id = settingRewriteLegacy
		}
		w, ok := r.Rewrite[side]
		if !ok {
			continue
		}
		t, fault := r.checkTemplate(w.Path)
		if fault != nil {
			f.add(r.ownAt(id), r.Name, fmt.Sprintf("rewrite.%s.path %s %s", side, quoted(w.Path), fault.text), fault.remedy)
			continue
		}
		r.templates[side] = t
	}
}

// checkStage reports what is wrong with a route at its stage.
func (r *Route) checkStage(f *faults) {
	if r.bad(settingStage) {
		return
	}
	if r.Stage == StageRamp && r.from[settingPercent] == nil {
		f.add(r.ownAt(settingStage), r.Name, "stage ramp without percent", "say which share of the clients gets new: percent: 5")
	}
	if r.Safe || r.bad(settingSafe) || r.bad(settingSample) {
		return
	}
	for _, side := range r.sidesShadowed() {
		if r.Shadow.Order == OrderClone {
			r.checkCloneRollback(f, side)
			continue
		}
		b := r.Backend(side)
		if b == nil || b.RollsBack() || b.bad {
			continue
		}
		why := ""
		if r.Shadow.Run == RunBoth {
			why = " with run: both"
		}
		f.add(r.ownAt(settingStage), r.Name,
			fmt.Sprintf("stage %s%s would shadow writes to backend %s, which does not roll back: this is %s", r.Stage, why, b.Name, r.unsafeText()),
			fmt.Sprintf("put the adapter in front of %s and say rollback: header at %s;\nor say safe: true if the request changes nothing, shadow: {sample: 0%%} to send nothing, or stage: legacy",
				b.Name, b.Position.short()))
	}
}
