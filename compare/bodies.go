package compare

// bodies is what comparing the bodies found, in the order of the answer.
type bodies struct{ pieces []piece }

// piece is what comparing one part of the bodies found.
type piece interface {
	// counting is how many differences count.
	counting() int
	// enterEqual enters the equal values under rules with same.
	enterEqual(*links)
	// settleLinks decides on the differences that hang on a mapping.
	settleLinks(func(v *verdict, legacy, new linkValue))
	// settleGenerated decides on those that hang on whether ids are made up.
	settleGenerated(func(v *verdict, legacy, new []byte))
	// list enters what was found, all of it settled.
	list(*ledger)
	// free ends the use of the piece.
	free()
}

// matches reports whether nothing in the bodies counts.
func (b *bodies) matches() bool {
	for _, p := range b.pieces {
		if p.counting() > 0 {
			return false
		}
	}
	return true
}

func (b *bodies) list(l *ledger) {
	for _, p := range b.pieces {
		p.list(l)
	}
}

func (b *bodies) free() {
	for _, p := range b.pieces {
		p.free()
	}
	b.pieces = nil
}

func (b *bodies) enterEqual(all *links) {
	for _, p := range b.pieces {
		p.enterEqual(all)
	}
}

func (b *bodies) settleLinks(settle func(*verdict, linkValue, linkValue)) {
	for _, p := range b.pieces {
		p.settleLinks(settle)
	}
}

func (b *bodies) settleGenerated(settle func(*verdict, []byte, []byte)) {
	for _, p := range b.pieces {
		p.settleGenerated(settle)
	}
}

// add puts what comparing a part found behind the rest.
func (b *bodies) add(part *bodies) { b.pieces = append(b.pieces, part.pieces...) }

// addFirst puts a finding in front of all others; nil is none.
func (b *bodies) addFirst(part *bodies) {
	if part != nil {
		b.pieces = append(part.pieces, b.pieces...)
	}
}
