package routes

// Ready are the limits within which a route is ready for its next stage.
type Ready struct {
	Mismatch float64 // the upper bound (95 %) of the share of mismatches is to be below it; above 0, to 1; default 0.1%
	Covered  float64 // share of live requests that comparisons are to cover, 0 to 1; default 99%
}

var defaultReady = Ready{Mismatch: 0.001, Covered: 0.99}

func readReadyMismatch(l *loader, n *yamlNode, key string) (any, bool) {
	v, ok := l.share(n, key)
	if ok && v == 0 {
		l.fault(n.pos, key+" is zero", "no number of comparisons shows that nothing will ever differ: say how rare it is to be, as in 0.1% or 0.01%")
		return nil, false
	}
	return v, ok
}
