package compare

// A walk keeps no more events than a Result can list, however many places
// differ. Now and then it condenses what it has: of differences on one ground
// it keeps as many as are listed and counts the others, of those that were
// forgiven on one ground it keeps the first, which stands for the others. What
// is still open, because it hangs on a mapping, is kept (see maxOpen).
//
// An array may turn out to be out of step, which takes back all that was found
// in it. So nothing is folded into an event that stays when another one goes.

// keptEvents is how many events or containers with some are kept before they
// are condensed, how many differences that count are kept, and how many grounds
// on which some were forgiven.
const keptEvents = 1 << 15

// fold is what an event stands for besides itself: others that were forgiven on
// the same ground.
type fold struct {
	more  int
	drift Drift // of timestamps
}

// condenser goes through the events once.
type condenser struct {
	*walk
	root, others *place
	kept         []event
	notes        []note
	folds        []fold
	start        int   // index in kept: events before it stay when those behind it go
	listable     int   // kept events that count
	grounds      int   // on which events were forgiven
	left         int32 // events that count and are not kept
}

// condense makes events and homes fewer when there are many.
func (w *walk) condense() {
	if max(len(w.events), len(w.homes)) < w.condenseAt {
		return
	}
	for k := range w.frames { // what is certain of containers that have not been left
		if f := &w.frames[k]; f.home >= 0 && f.object && f.places > maxNames {
			w.homes[f.home].isMap = true
		}
	}
	c := condenser{walk: w, root: &place{path: w.base.path}, others: &place{path: OtherPlaces}, kept: w.events[:0]}
	c.run()
	w.events, w.notes, w.folds = c.kept, c.notes, c.folds
	w.left += c.left
	w.dropHomes()
	clear(w.places)
	w.places = w.places[:0]
	if w.condenseFrom > 0 {
		w.condenseAt = max(w.condenseFrom, 2*max(len(w.events), len(w.homes)))
	}
}

// run goes through the events and sets the marks of all frames anew.
func (c *condenser) run() {
	frame, events := 0, c.events
	for i := range len(events) + 1 {
		for ; frame < len(c.frames) && int(c.frames[frame].before.events) <= i; frame++ {
			m := &c.frames[frame].before
			m.events, m.notes, m.left = int32(len(c.kept)), int32(len(c.notes)), m.left+c.left
			c.start = len(c.kept)
		}
		if i < len(events) {
			c.event(events[i])
		}
	}
}

func (c *condenser) event(e event) {
	p := c.others
	if e.home >= 0 {
		p = c.placeOf(c.root, e.home, e.here)
	}
	switch e.verdict.reason {
	case ifLinked, ifGenerated:
		c.keep(e)
	case counts:
		t := p.tallyOf(&e)
		if t == nil {
			t = p.count(tally{e.kind, e.verdict, 0})
		}
		if t.entry >= maxPerPlace || c.listable >= keptEvents {
			c.left++
			return
		}
		t.entry++
		c.listable++
		c.keep(e)
	default:
		c.forgiven(p, e)
	}
}

// forgiven keeps the first event of a ground.
func (c *condenser) forgiven(p *place, e event) {
	t := p.tallyOf(&e)
	if t == nil && c.grounds >= keptEvents {
		e.home = -1
		p = c.others
		t = p.tallyOf(&e)
	}
	switch {
	case t == nil:
		c.grounds++
		p.count(tally{e.kind, e.verdict, len(c.kept)})
	case t.entry >= c.start:
		c.fold(&c.kept[t.entry], &e)
		return
	default:
		t.entry = len(c.kept)
	}
	c.keep(e)
}

// fold counts an event with one on the same ground.
func (c *condenser) fold(into, e *event) {
	if into.folded == 0 {
		c.folds = append(c.folds, fold{})
		into.folded = int32(len(c.folds))
	}
	f := &c.folds[into.folded-1]
	f.more++
	if c.rules.ofTime(e.verdict) {
		f.drift.Add(e.drift)
	}
	if e.folded > 0 {
		old := &c.walk.folds[e.folded-1]
		f.more += old.more
		f.drift.Merge(old.drift)
	}
}

// keep keeps an event with what it shows and stands for.
func (c *condenser) keep(e event) {
	if e.note > 0 {
		c.notes = append(c.notes, c.walk.notes[e.note-1])
		e.note = int32(len(c.notes))
	}
	if e.folded > 0 {
		c.folds = append(c.folds, c.walk.folds[e.folded-1])
		e.folded = int32(len(c.folds))
	}
	c.kept = append(c.kept, e)
}

// dropHomes drops those of which no event is left, save for containers that the
// walk is in.
func (w *walk) dropHomes() {
	moved := make([]int32, len(w.homes)) // above zero for those that are kept, then where to
	use := func(home int32) {
		for ; home >= 0 && moved[home] == 0; home = w.homes[home].parent {
			moved[home] = 1
		}
	}
	for i := range w.events {
		use(w.events[i].home)
	}
	for k := range w.frames {
		use(w.frames[k].home)
	}
	kept := w.homes[:0]
	for i, h := range w.homes { // those around a container stand before it
		if moved[i] == 0 {
			continue
		}
		moved[i] = int32(len(kept))
		if h.place = nil; h.parent >= 0 {
			h.parent = moved[h.parent]
		}
		kept = append(kept, h)
	}
	clear(w.homes[len(kept):])
	w.homes = kept
	for i := range w.events {
		if e := &w.events[i]; e.home >= 0 {
			e.home = moved[e.home]
		}
	}
	for k := range w.frames {
		if f := &w.frames[k]; f.home >= 0 {
			f.home = moved[f.home]
		}
	}
}
