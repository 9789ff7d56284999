package compare

// unlike reports whether the answers have statuses of two classes (RFC 9110
// section 15): one is another answer altogether than the other, as an error is
// than what was asked for. That is one difference; what else differs between
// the two follows from it.
func (p *pair) unlike() bool { return p.legacy.Status/100 != p.new.Status/100 }

// bodies compares the bodies, save of answers that are unlike: to take these
// apart would list all that is in them.
func (p *pair) bodies(head, tail *fields) (*bodies, error) {
	if !p.unlike() {
		return p.compareBodies(hasLinks(head.found) || hasLinks(tail.found) || p.rules.linksTables() && p.bothWritten())
	}
	if p.sameBytes() && !p.recoded() {
		return &bodies{}, nil
	}
	c := p.answer(p.legacy.Body, p.new.Body)
	b := c.one(KindBody, shownOf(p.legacy, c.media[0]), shownOf(p.new, c.media[1]))
	b.pieces[0].(*findings).found[0].verdict.reason = byStatus
	return b, nil
}

// shownOf is the body of an answer for a person, as far as it is there.
func shownOf(e *Exchange, m media) string {
	if content, err := decode(e); err == nil && whole(e) {
		return shown(content, m)
	}
	return describe(e.Size, digest(e))
}

// followStatus settles what counts in fields of answers that are unlike.
func followStatus(found []finding) {
	for i := range found {
		if v := &found[i].verdict; v.reason == counts {
			v.reason = byStatus
		}
	}
}
