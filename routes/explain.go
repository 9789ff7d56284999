package routes

import (
	"fmt"
	"slices"
	"strings"
)

// Explanation is what a request would meet, for `quack explain`.
type Explanation struct {
	Method   string             `json:"method"`
	Path     string             `json:"path"`
	Route    string             `json:"route"`
	Matched  bool               `json:"matched"` // false on the default route
	Params   []ExplainedParam   `json:"params"`
	Nodes    []ExplainedNode    `json:"nodes"` // from defaults to the route
	Settings []ExplainedSetting `json:"settings"`
	Rules    []ExplainedRule    `json:"rules"`
	BuiltIn  []ExplainedBuiltin `json:"built_in"` // what is accepted without a rule
	Happens  []ExplainedStep    `json:"happens"`
}

// ExplainedParam is a path parameter with its value as it came.
type ExplainedParam struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ExplainedNode is a node of the tree on the way to the route.
type ExplainedNode struct {
	Match string `json:"match"`
	From  string `json:"from"` // file:line:column
}

// ExplainedSetting is a setting in force, and where it was stated:
// file:line:column, "default", "by method" or "set live".
type ExplainedSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// ExplainedRule is a comparison rule and where it stands.
type ExplainedRule struct {
	Rule string `json:"rule"`
	From string `json:"from"`
}

// ExplainedStep says what happens with the request in one respect.
type ExplainedStep struct {
	What string `json:"what"` // "answers", "shadowed", "in read-only mode", …
	Text string `json:"text"`
}

// Explain says which node, rules and settings a request would meet. target is a
// request target; its query has no part in matching.
func (t *Table) Explain(method, target string) Explanation {
	path, _, _ := strings.Cut(target, "?")
	r, params := t.Match(method, path)
	e := Explanation{Method: method, Path: path, Route: r.Name, Matched: r != t.fallback}
	for i, name := range params.names {
		e.Params = append(e.Params, ExplainedParam{name, params.values[i]})
	}
	for n := r.node; n != nil; n = n.parent {
		e.Nodes = append([]ExplainedNode{{n.match, n.pos.String()}}, e.Nodes...)
	}
	for id, s := range settings {
		if settingID(id) != settingRules && !isBuiltin(settingID(id)) && r.takes(settingID(id)) {
			e.Settings = append(e.Settings, ExplainedSetting{s.key, s.show(r), r.origin(settingID(id))})
		}
	}
	if r.rules != nil {
		for i, rule := range r.rules.rules {
			e.Rules = append(e.Rules, ExplainedRule{ruleText(rule), r.rules.at[i].String()})
		}
	}
	e.BuiltIn = r.builtIn()
	e.Happens = t.happens(r, method, path, params)
	return e
}

// takes reports whether a setting has a meaning for the route.
func (r *Route) takes(id settingID) bool {
	switch id {
	case settingPercent:
		return r.Stage == StageRamp
	case settingRewriteLegacy, settingRewriteNew, settingMessages, settingRedactEmail, settingRedactNames, settingRedactPatterns:
		return r.from[id] != nil
	case settingCacheTTL:
		return r.Safe && r.from[id] != nil
	case settingLearn:
		return len(r.Learn) > 0
	case settingRun:
		return r.New != nil && !r.Safe
	case settingRecheckDelay, settingRecheckTries:
		return r.New != nil && r.asksSafe()
	case settingRecheckShare:
		return r.New != nil && (r.asksSafe() || r.Shadow.Recheck.Writes)
	case settingRecheckWrites:
		return r.New != nil && !r.Safe && r.Shadow.Run == RunBoth
	case settingFallback:
		return r.Stage == StageRamp || r.Stage == StageVerify
	}
	if r.New != nil {
		return true
	}
	switch id { // what the default route has
	case settingLegacy, settingTimeout, settingReadOnly, settingExpose,
		settingRequestBody, settingRequestHeader, settingIdle, settingCompress:
		return true
	}
	return false
}

// origin is where a setting was stated.
func (r *Route) origin(id settingID) string {
	switch s := r.from[id]; {
	case s == nil && (id == settingSafe || id == settingIdempotent) && r.Method != "" && r.from[settingSafe] == nil:
		return "by method"
	case s == nil:
		return "default"
	case s.live:
		return "set live"
	default:
		return s.pos.String()
	}
}

// happens says what becomes of a request.
func (t *Table) happens(r *Route, method, path string, p Params) []ExplainedStep {
	steps := []ExplainedStep{{"answers", r.answers()}}
	if r.takes(settingFallback) {
		steps = append(steps, ExplainedStep{"when new is away", r.fallbackText(method)})
	}
	steps = append(steps, ExplainedStep{"shadowed", r.shadowedText(method)})
	if d := t.shadowDatabase(r, method); d != nil {
		steps = append(steps, ExplainedStep{"live sessions", d.protection()})
	}
	if text := r.grpcText(method); text != "" {
		steps = append(steps, ExplainedStep{"gRPC", text})
	}
	if text := r.recheckText(method); text != "" {
		steps = append(steps, ExplainedStep{"where it differs", text})
	}
	if len(r.Learn) > 0 && len(r.sidesShadowed()) > 0 {
		steps = append(steps, ExplainedStep{"learnt", showLearn(r) + ": from both answers, for later shadow requests of the client"})
	}
	for _, side := range []Side{Legacy, New} {
		if to := r.TargetFor(side, path, p); to != path {
			steps = append(steps, ExplainedStep{"asked of " + string(side), to})
		}
	}
	if r.Cache.TTL > 0 {
		steps = append(steps, ExplainedStep{"cached", "for at most " + showDuration(r.Cache.TTL)})
	} else if r.from[settingCacheTTL] != nil && !r.Safe {
		steps = append(steps, ExplainedStep{"cached", "no: only answers to safe requests are"})
	}
	return append(steps, ExplainedStep{"in read-only mode", r.readOnlyText(method)})
}

func (r *Route) answers() string {
	switch r.Stage {
	case StageVerify, StageNew:
		return fmt.Sprintf("new (%s)", r.New.Name)
	case StageRamp:
		return fmt.Sprintf("new (%s) for %s%% of the clients, told apart by %s; legacy (%s) for the rest and for requests without that mark",
			r.New.Name, showNumber(r.Percent), r.Sticky, r.Legacy.Name)
	}
	return fmt.Sprintf("legacy (%s)", backendName(r.Legacy))
}

// fallbackText says who answers when the new side can not be reached.
func (r *Route) fallbackText(method string) string {
	if r.Fallback == FallbackOff {
		return "nobody: fallback: off"
	}
	if r.IdempotentFor(method) {
		return fmt.Sprintf("legacy (%s)", r.Legacy.Name)
	}
	return fmt.Sprintf("legacy (%s), if nothing was sent to new: %s is not idempotent", r.Legacy.Name, method)
}

func (r *Route) shadowedText(method string) string {
	switch {
	case r.New == nil:
		return "nobody: no route matches"
	case !r.Shadows():
		return "nobody: stage " + string(r.Stage)
	case r.Shadow.Sample == 0:
		return "nobody: sample 0%"
	}
	who := map[Stage]string{StageShadow: "new", StageVerify: "legacy", StageRamp: "the side that does not answer"}[r.Stage]
	safe := r.SafeFor(method)
	if r.Shadow.Run == RunBoth && !safe {
		who = "both sides, compared with each other"
	}
	if r.Shadow.Sample < 1 {
		who += fmt.Sprintf(", for %s of the clients", showShare(r.Shadow.Sample))
	}
	when := "after the answer"
	if r.ShadowFirst(method) {
		when = "before the live call, which waits for it up to " + showDuration(r.Shadow.Budget)
		if r.Shadow.Run == RunBoth && !safe {
			when += " for each"
		}
	}
	why := ": " + r.safetyText(method)
	if r.Shadow.Order == OrderBefore {
		why = ": order: before"
	}
	switch {
	case !safe && r.Shadow.Order == OrderClone:
		why += "; order: clone, " + r.keptText()
	case !safe:
		why += "; " + r.undoneText()
	}
	return who + ", " + when + why
}

// ShadowWrites says what becomes of the writes of the route's shadows, in the
// database and beside it; "" when none is shadowed.
func (r *Route) ShadowWrites() string {
	switch {
	case r.Safe || len(r.sidesShadowed()) == 0:
		return ""
	case r.KeepsWrites(Legacy):
		return "kept in the shadow side's own database" + keptToo
	}
	return r.undoneText()
}

// undoneText is what is said of each shadow write that is rolled back: only an
// adapter records what else it does, and only with RunBoth are there rows of
// both sides.
func (r *Route) undoneText() string {
	const text = "rolled back in the database and nowhere else: mail, jobs and calls to others leave"
	var bare []string
	recorded := false
	for _, side := range r.sidesShadowed() {
		b := r.Backend(side)
		if b == nil || b.Rollback == RollbackHeader {
			recorded = true
		} else if words := fmt.Sprintf("%s has rollback: %s", b.Name, b.Rollback); !slices.Contains(bare, words) {
			bare = append(bare, words)
		}
	}
	compared := ""
	if r.Shadow.Run != RunBoth {
		compared = "; answers are compared, rows written are not (that takes run: both)"
	}
	switch {
	case len(bare) == 0:
		return text + " unless the adapter records them" + compared
	case recorded:
		return text + ", and nothing records them (" + strings.Join(bare, ", ") + "; an adapter on the other side may)" + compared
	}
	return text + ", and nothing records them (" + strings.Join(bare, ", ") + ")" + compared
}

// keptText says where the writes of a clone stay.
func (r *Route) keptText() string {
	switch r.Stage {
	case StageShadow:
		return "kept in " + r.New.Database + keptToo
	case StageVerify:
		return "kept in " + r.Legacy.Database + keptToo
	}
	return "kept in that side's database" + keptToo
}

const keptToo = "; mail, jobs and calls to others leave as well"

// safetyText says whether a request is safe, and by what.
func (r *Route) safetyText(method string) string {
	word := "unsafe"
	if r.SafeFor(method) {
		word = "safe"
	}
	if s := r.from[settingSafe]; s != nil {
		return fmt.Sprintf("%s (%s)", word, s.pos.short())
	}
	return fmt.Sprintf("%s is %s", method, word)
}

func (r *Route) readOnlyText(method string) string {
	text := map[ReadOnly]string{
		ReadOnlyAllow: "passes",
		ReadOnlyBlock: "is answered with 503",
		ReadOnlySkip:  "passes with Quack-Read-Only: 1, for the backend to leave its writes out",
	}[r.ReadOnlyFor(method)]
	if s := r.from[settingReadOnly]; s != nil {
		return fmt.Sprintf("%s: readonly: %s (%s)", text, r.ReadOnly, s.pos.short())
	}
	return text + ": " + r.safetyText(method)
}
