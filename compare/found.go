package compare

// findings are the differences of a body that is not walked as JSON. No more
// are kept than a Result can list, however many there are.
type findings struct {
	found  []finding
	levels []level
	equal  []equalLink

	positional []string // what was compared by position, as in Result.ByPosition

	listing *listing         // nil for one of its own
	seen    map[ground]int32 // the index of the one that was forgiven
	left    int              // those that count and are not kept
	groups  int              // of found, those that were forgiven
	mapped  int              // of found, those that hang on a mapping
}

// listing counts the differences that are kept, in the order in which they are
// listed. The parts of a body may share one.
type listing struct {
	kept int
	seen map[ground]int
}

// room reports whether a difference may still be listed, and counts it when so.
func (l *listing) room(g ground) bool {
	if l.kept >= maxDifferences || l.seen[g] >= maxPerPlace {
		return false
	}
	if l.seen == nil {
		l.seen = map[ground]int{}
	}
	l.kept++
	l.seen[g]++
	return true
}

// level is the places that stand beside each other, of which some differ.
type level struct {
	parent, ordinal int32 // where they stand in the level above, -1 for the outermost
	places          int32
	differing       int32
	marked          int32 // ordinal of the last that differs, plus one
}

// maxMapped bounds the findings that wait for what a mapping says; those
// beyond it count, and so do equal values.
const maxMapped = 1 << 17

// keep reports whether a finding is to be kept, of which only Path, Kind and
// verdict are looked at; when it is not, it has been counted.
func (s *findings) keep(f *finding) bool {
	if s.seen == nil {
		s.seen = map[ground]int32{}
	}
	if s.listing == nil {
		s.listing = &listing{}
	}
	if f.verdict.reason == ifLinked || f.verdict.reason == ifGenerated {
		if s.mapped++; s.mapped <= maxMapped {
			return true
		}
		f.verdict = verdict{}
	}
	g := ground{f.Path, f.Kind, f.verdict}
	if f.verdict.reason == counts {
		s.mark(f.level, f.ordinal)
		if !s.listing.room(g) {
			s.left++
			return false
		}
		return true
	}
	i, known := s.seen[g]
	if !known && s.groups >= maxForgiven {
		g.path = OtherPlaces
		i, known = s.seen[g]
	}
	if known {
		s.found[i].more++
		return false
	}
	s.groups++
	s.seen[g] = int32(len(s.found))
	return true
}

// add enters a finding that has its place among its siblings.
func (s *findings) add(f finding) {
	if s.keep(&f) {
		s.found = append(s.found, f)
	}
}

// mark says that a place differs, and with it those around it.
func (s *findings) mark(in, ordinal int32) {
	for in >= 0 && int(in) < len(s.levels) {
		l := &s.levels[in]
		if l.marked == ordinal+1 {
			return
		}
		l.marked = ordinal + 1
		l.differing++
		in, ordinal = l.parent, l.ordinal
	}
}

func (s *findings) counting() int { return counting(s.found) + s.left }

func (s *findings) enterEqual(all *links) {
	for _, e := range s.equal {
		all.enterEqual(e.link, e.value)
	}
}

func (s *findings) settleLinks(settle func(*verdict, linkValue, linkValue)) {
	for i := range s.found {
		f := &s.found[i]
		if f.verdict.reason != ifLinked {
			continue
		}
		if settle(&f.verdict, f.link[0], f.link[1]); f.verdict.reason == counts {
			s.mark(f.level, f.ordinal)
		}
	}
}

func (s *findings) settleGenerated(settle func(*verdict, []byte, []byte)) {
	for i := range s.found {
		f := &s.found[i]
		if f.verdict.reason != ifGenerated {
			continue
		}
		if settle(&f.verdict, []byte(f.link[0].text), []byte(f.link[1].text)); f.verdict.reason == counts {
			s.mark(f.level, f.ordinal)
		}
	}
}

func (s *findings) list(l *ledger) {
	for _, f := range s.found {
		if f.level >= 0 && int(f.level) < len(s.levels) {
			at := &s.levels[f.level]
			f.Weight = min(1, float64(at.differing)/float64(max(1, at.places)))
		}
		l.add(f)
	}
	l.result.Truncated += s.left
	l.byPosition(s.positional)
}

func (s *findings) free() {}
