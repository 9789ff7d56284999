package writeset

import (
	"errors"
	"fmt"
	"time"
)

// State is what a reader knows of itself and its slot.
type State struct {
	// Available says that write sets can be had now; Why, why not, with the
	// next step on a second line.
	Available bool
	Why       string
	Since     time.Time // of Available
	Slot      string    // its name, in pg_replication_slots while Available

	// Of the slot, looked at every 10 seconds, in bytes.
	RetainedWAL int64 // kept by the server for the slot
	KeepWAL     int64 // max_slot_wal_keep_size: above it the slot is lost
	Lag         int64 // written and not read yet
	// Orphans are transactions of shadows, anybody's, that were prepared more
	// than 10 seconds ago and hold their locks. Adapters roll them back; when
	// they stay, the service that made them runs no more: see docs/writes.md.
	Orphans int

	// Since the reader was made.
	Read      int64 // sets that were read whole
	Truncated int64 // sets that were too long
	Late      int64 // transactions that were rolled back before they were read
	Failed    int64 // transactions that could not be read otherwise
}

// State is what the reader knows now.
func (r *Reader) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

func (s *State) count(got reading) {
	switch {
	case errors.Is(got.err, ErrLate):
		s.Late++
	case got.err != nil:
		s.Failed++
	case got.set.Truncated:
		s.Truncated++
	default:
		s.Read++
	}
}

// available is called when the slot is there.
func (r *Reader) available() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Available, r.state.Why, r.state.Since = true, "", time.Now()
}

// pending says what is being waited for before write sets are available.
func (r *Reader) pending(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Why = why
}

// unavailable is called when the slot is gone: nobody needs to wait for it.
// It reports whether that, or its reason, is new.
func (r *Reader) unavailable(err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := r.state.Available || r.state.Why != err.Error()
	if r.state.Available {
		r.state.Since = time.Now()
	}
	r.state.Available, r.state.Why = false, err.Error()
	r.state.RetainedWAL, r.state.Lag = 0, 0
	for gid, w := range r.waiters {
		got := reading{err: fmt.Errorf("%w: %w", ErrUnavailable, err)}
		delete(r.waiters, gid)
		w.read <- got
		r.state.count(got)
	}
	return fresh
}
