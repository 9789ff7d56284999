package routes

import (
	"fmt"
	"time"
)

// Warnings are things that are allowed and deserve a look, in the file's order.
// Rules whose last day has passed are found by the clock.
func (t *Table) Warnings() []*Error { return t.warnings(time.Now()) }

func (t *Table) warnings(now time.Time) []*Error {
	var f faults
	used := map[*Backend]bool{t.fallback.Legacy: true}
	for _, r := range t.routes {
		used[r.Legacy], used[r.New] = true, true
		r.warn(&f)
		r.warnRules(&f, now)
	}
	t.warnUnused(&f, used)
	t.warnRegexps(&f)
	return f.inOrder()
}

func (r *Route) warn(f *faults) {
	if _, known := methods[r.Method]; r.Method != "" && !known {
		f.add(r.Position, r.Name, fmt.Sprintf("%s is not a registered HTTP method", r.Method), "is it spelled as clients send it? "+choice(r.Method, []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}))
	}
	if n := r.node; len(n.path) > 1 && n.path[len(n.path)-1] == '/' && n.parent.parent != nil && n.path == n.parent.path+"/" {
		f.add(r.Position, r.Name, fmt.Sprintf("only %s matches, not %s", n.path, n.parent.path), fmt.Sprintf("for the path without the slash put a route %s beside the prefix", n.parent.path))
	}
	if !r.Shadows() {
		return
	}
	if r.Legacy == r.New {
		f.add(r.ownAt(settingStage), r.Name, fmt.Sprintf("legacy and new are the same backend, %s, at stage %s", r.Legacy.Name, r.Stage), "that shows how much it differs from itself; name the new service to migrate")
	}
	if r.Shadow.Sample == 0 {
		f.add(r.ownAt(settingSample), r.Name, fmt.Sprintf("nothing is compared at stage %s with sample 0%%", r.Stage), "raise the sample once the side that is shadowed is ready")
		return
	}
	if r.Shadow.Order == OrderClone && !r.Safe && r.Shadow.Sample < 1 {
		f.add(r.ownAt(settingSample), r.Name, fmt.Sprintf("order: clone with sample %s: the copy lacks the writes of the other clients", showShare(r.Shadow.Sample)), "shadow all of them (sample: 100%), or expect differences wherever clients see each other's data")
	}
	if waits := r.ShadowFirst(r.Method); waits && r.Shadow.Budget > r.Shadow.Timeout {
		f.add(r.ownAt(settingBudget), r.Name, fmt.Sprintf("the budget %s is longer than the shadow's timeout %s", showDuration(r.Shadow.Budget), showDuration(r.Shadow.Timeout)), "the timeout ends it first: lower the budget, or raise shadow: {timeout: …}")
	} else if waits && r.Shadow.Budget >= r.Timeout {
		f.add(r.ownAt(settingBudget), r.Name, fmt.Sprintf("the budget %s is not shorter than the timeout %s of the live call", showDuration(r.Shadow.Budget), showDuration(r.Timeout)), "a client may wait for both: lower the budget")
	}
}

// warnRules reports the rules of a route that should be gone by now, each once,
// where it stands.
func (r *Route) warnRules(f *faults, now time.Time) {
	if r.rules == nil {
		return
	}
	for i, rule := range r.rules.rules {
		last, err := time.ParseInLocation(time.DateOnly, rule.Until, now.Location())
		if err == nil && now.After(last.AddDate(0, 0, 1)) {
			f.add(r.rules.at[i].field("until"), "", fmt.Sprintf("the rule %s was meant to be needed until %s", rule, rule.Until), "remove it, or say how long it is needed still")
		}
	}
}

func (t *Table) warnUnused(f *faults, used map[*Backend]bool) {
	databases := map[string]bool{}
	for _, b := range t.backends {
		databases[b.Database] = true
		if !used[b] {
			f.add(b.Position, "", fmt.Sprintf("no route uses backend %s", b.Name), "name it as legacy or new, or remove it")
		}
	}
	for _, name := range sortedKeys(t.databases) {
		if !databases[name] {
			f.add(t.databases[name].Position, "", fmt.Sprintf("no backend names database %s", name), "say database: "+name+" at the backends that use it, or remove it")
		}
	}
}

// warnRegexps reports routes that differ in a regular expression at one place:
// where both match, the first of them in the search wins, and that is not the
// order of the file.
func (t *Table) warnRegexps(f *faults) {
	type place struct{ method, before string }
	first := map[place]*Route{}
	for _, r := range t.routes {
		for i, seg := range r.node.pattern {
			if seg.kind != segmentRegexp {
				continue
			}
			at := place{r.Method, r.node.pattern[:i].shape()}
			other := first[at]
			if other == nil {
				first[at] = r
			} else if o := other.node.pattern; o[i].expr != seg.expr && o[i+1:].shape() == r.node.pattern[i+1:].shape() {
				f.add(r.Position, r.Name, fmt.Sprintf("its regular expression stands where route %s (%s) has another", other.Name, other.Position.short()), "make sure that no path matches both: which one wins is not the order of the file")
			}
		}
	}
}
