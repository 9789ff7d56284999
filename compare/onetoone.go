package compare

// oneToOne maps legacy's values to new's and back. The first pair of a value
// decides.
type oneToOne[K comparable] struct{ there, back map[K]K }

// has reports whether the two are each other's partners (held), and whether
// neither has one yet (free).
func (o *oneToOne[K]) has(legacy, new K) (held, free bool) {
	n, known := o.there[legacy]
	l, taken := o.back[new]
	return known && taken && n == new && l == legacy, !known && !taken
}

// enter makes two that are free partners.
func (o *oneToOne[K]) enter(legacy, new K) {
	if o.there == nil {
		o.there, o.back = map[K]K{}, map[K]K{}
	}
	o.there[legacy], o.back[new] = new, legacy
}

// hold enters a pair if both are free, and reports whether they are partners.
func (o *oneToOne[K]) hold(legacy, new K) bool {
	held, free := o.has(legacy, new)
	if free {
		o.enter(legacy, new)
	}
	return held || free
}
