package proxy

// takeSpecimen asks whether a calibration wants the request: whatever the stage,
// and only what is safe. What a shadow call has caused is none of a client's.
func (l *life) takeSpecimen() {
	if l.Calibrate == nil || !l.safe || !l.named || l.upgrade != "" {
		return
	}
	l.shielded(func() { l.specimen = l.Calibrate(l.route) })
	if l.specimen != nil && l.Protocol.Nested(l.r.Header) {
		l.skipSpecimen(skipNested)
	}
}

// copied reports whether the request and its answer are copied as they pass:
// somebody will compare them.
func (l *life) copied() bool { return l.compared || l.specimen != nil }

// offerSpecimen hands the exchange over to the calibration that has taken it, after
// the answer's last byte has gone to the client. It comes before the offer to
// the shadow, which changes the answer's header.
func (l *life) offerSpecimen() {
	if l.specimen == nil {
		return
	}
	if !l.call.complete {
		l.skipSpecimen(skipAborted)
		return
	}
	var body []byte
	if l.upload != nil {
		var refuse string
		if body, refuse = l.bodyToCompare(); refuse != "" {
			l.skipSpecimen(refuse)
			return
		}
	}
	taken := l.specimen
	l.specimen = nil
	l.shielded(func() { taken.Offer(l.snapshot(body), l.side, l.liveAnswer()) })
}

// skipSpecimen gives back a request that will not be used.
func (l *life) skipSpecimen(reason string) {
	if l.specimen == nil {
		return
	}
	taken := l.specimen
	l.specimen = nil
	l.shielded(func() { taken.Skip(reason) })
}
