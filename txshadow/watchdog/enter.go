package watchdog

import (
	"sync"
	"time"
)

// Refusal is why a shadow write is not run; "" when it is.
type Refusal string

// The refusals.
const (
	Full      Refusal = "full"      // as many as the database is to have at once are under way
	Busy      Refusal = "busy"      // the database is above one of its limits
	Unwatched Refusal = "unwatched" // the database has a DSN, and the watchdog no connection, or no right to see others
)

// wantedFor is how long after the last request for one shadows count as wanted.
const wantedFor = 10 * time.Second

// Enter asks for a shadow write. leave, which is never nil, says that it has
// ended, and may be called more than once.
func (w *Watchdog) Enter() (leave func(), refusal Refusal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	woken := w.underWay == 0 || now.Sub(w.wanted) > wantedFor
	w.wanted = now
	if woken {
		defer w.wake()
	}
	s := w.settings
	switch {
	case w.parse != nil && !s.Off && !(w.state.Watching && w.state.Sees):
		return w.refuse(Unwatched)
	case w.over != "":
		return w.refuse(Busy)
	case s.MaxShadows > 0 && w.underWay >= s.MaxShadows:
		return w.refuse(Full)
	}
	w.underWay++
	return sync.OnceFunc(w.leave), ""
}

// refuse counts a refusal; w.mu is held.
func (w *Watchdog) refuse(why Refusal) (func(), Refusal) {
	switch why {
	case Full:
		w.state.Full++
	default:
		w.state.Refused++
	}
	return func() {}, why
}

func (w *Watchdog) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.underWay--
	w.left = time.Now()
}

// looking reports whether shadows may stand in somebody's way: while one is
// under way, and as long after it as one that nobody waits for any more may
// live. At the start the ones of a process before this one may.
func (w *Watchdog) looking(now time.Time) (looking, wanted bool, s Settings) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s = w.settings
	looking = !s.Off && (w.underWay > 0 || now.Sub(w.left) < s.Cap+time.Second)
	wanted = !s.Off && (w.underWay > 0 || now.Sub(w.wanted) < wantedFor)
	return looking, wanted, s
}
