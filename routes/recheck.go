package routes

import (
	"fmt"
	"time"
)

const (
	// maxRecheckDelay bounds how long both answers of a request that differs
	// are kept in memory for its re-check.
	maxRecheckDelay = time.Minute

	maxRecheckTries = 5
)

func readRecheckDelay(l *loader, n *yamlNode, key string) (any, bool) {
	d, ok := l.duration(n, key, false)
	if ok && d > maxRecheckDelay {
		l.fault(n.pos, fmt.Sprintf("%s %s is too long", key, showDuration(d)),
			"both answers are kept in memory until then: use at most "+showDuration(maxRecheckDelay))
		return nil, false
	}
	return d, ok
}

func readRecheckTries(l *loader, n *yamlNode, key string) (any, bool) {
	if n.kind == yamlNumber && n.text == "0" {
		l.fault(n.pos, key+" is zero", "to ask nothing again say share: 0%; else how often to ask, from 1 to 5")
		return nil, false
	}
	tries := l.count(n, key, 1, maxRecheckTries)
	return tries, tries > 0
}

// checkRecheck reports a re-check of writes where there can be none. Of one
// that is inherited derive has taken it back.
func (r *Route) checkRecheck(f *faults) {
	s := r.own(settingRecheckWrites)
	switch {
	case s == nil || s.value == false:
	case r.Safe:
		f.add(s.pos, r.Name, "recheck.writes on a safe route", "it is for writes that are rolled back on both sides: remove it, safe requests are re-checked anyway")
	case r.Shadow.Run != RunBoth && !r.bad(settingRun):
		f.add(s.pos, r.Name, "recheck.writes without run: both",
			"after the live write the request finds its own rows there, so that only what ran before it can run again: say shadow: {run: both}, or remove it")
	}
}

// asksSafe reports whether some requests of the route are safe.
func (r *Route) asksSafe() bool {
	return r.Safe || r.Method == "" && r.from[settingSafe] == nil
}

// InShare reports whether a request is in a share (0 to 1) of the route's
// requests, by a hash of its id. Each purpose has a salt of its own.
func (r *Route) InShare(purpose, id string, share float64) bool {
	return share >= 1 || share > 0 && place(seed(purpose+":"+r.Name), id) < share
}

// Rechecked reports whether a difference in the request with this id is to be
// re-checked: the share alone decides.
func (r *Route) Rechecked(id string) bool { return r.InShare("recheck", id, r.Shadow.Recheck.Share) }

// recheckText says what becomes of a difference in a request; "" where nothing
// is compared.
func (r *Route) recheckText(method string) string {
	if r.New == nil || len(r.sidesShadowed()) == 0 {
		return ""
	}
	safe, c := r.SafeFor(method), r.Shadow.Recheck
	switch {
	case !safe && !c.Writes:
		return "it counts at once: a write is not asked again"
	case c.Share == 0:
		return "it counts at once: re-check share 0%"
	}
	text := ""
	switch {
	case !safe:
		text = "both sides are run again at once, before the live call, which waits up to " + showDuration(r.Shadow.Budget) + " more for each"
	case c.Tries == 1:
		text = "both sides are asked again " + showDuration(c.Delay) + " later"
	default:
		text = fmt.Sprintf("both sides are asked again up to %d times, each %s later", c.Tries, showDuration(c.Delay))
	}
	if c.Share < 1 {
		text += ", in " + showShare(c.Share) + " of the requests; in the rest it counts at once"
	}
	return text
}
