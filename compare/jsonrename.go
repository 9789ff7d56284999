package compare

// aliases lists the members of the object on top that have two names.
func (w *walk) aliases() []alias {
	if w.rules == nil || !w.rules.renaming {
		return nil
	}
	top := len(w.frames) - 1
	w.resolve(top)
	return w.tracker.aliases(w.frames[top].rules)
}

// renamed finds new's member for the one on legacy that the walk is at, by its
// other name, and enters that it has one. It is below zero when there is none,
// and when legacy has a member of that name itself, which new's then belongs to.
func (w *walk) renamed(aliases []alias, name string, inLegacy, inNew *memberIndex) int32 {
	for _, a := range aliases {
		if a.legacy != name || inLegacy.named(a.new) >= 0 {
			continue
		}
		o := inNew.named(a.new)
		if o < 0 || inNew.list[o].paired {
			continue
		}
		top := len(w.frames) - 1
		here, there := w.frames[top].here, inNew.list[o].name
		e := w.event(top, KindMissing)
		e.a, e.b = span{here.from - 1, here.to + 1}, span{there.from - 1, there.to + 1}
		e.verdict = forgivenBy(a.rule)
		w.enter(e)
		return o
	}
	return -1
}
