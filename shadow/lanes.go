package shadow

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// ident names what belongs together without holding it: a client, or a term of
// one (a session, an id). It is a digest, so that no secret is kept for it.
type ident [sha256.Size]byte

// lanes keep the order of requests where a later one rests on an earlier one:
// on what that wrote on a side that keeps it, or on the terms that are learnt
// of it. Of a lane one job is in the queue or under way, and the others wait
// behind it, first come, first served.
type lanes struct {
	max int // jobs that wait, over all lanes

	mu      sync.Mutex
	by      map[ident]*lane
	waiting int
}

// lane is the jobs that go one after the other.
type lane struct {
	jobs  []*job        // waiting, oldest first
	named map[ident]int // how many of its jobs go by an ident
}

// standing is where a job stands in a lane.
type standing struct {
	lane   *lane
	names  []ident
	behind bool // it had to wait
}

// enter puts j in the lane that the first of waits with one has, else in a new
// one, and has what comes with one of names wait in it until j has ended. first
// says that nothing is before it; ok that there was room for it to wait, which
// reserve is asked for as well.
func (s *lanes) enter(j *job, waits, names []ident, reserve func(int64) bool) (first, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = make(map[ident]*lane)
	}
	var in *lane
	for _, k := range waits {
		if in = s.by[k]; in != nil {
			break
		}
	}
	switch {
	case in == nil:
		in, first = &lane{named: make(map[ident]int)}, true
	case s.waiting >= s.max || !reserve(j.size):
		return false, false
	default:
		in.jobs = append(in.jobs, j)
		s.waiting++
	}
	j.place = standing{lane: in, behind: !first}
	for _, k := range names {
		if of := s.by[k]; of != nil && of != in {
			continue // an earlier one's, which goes on
		}
		s.by[k] = in
		in.named[k]++
		j.place.names = append(j.place.names, k)
	}
	return first, true
}

// leave ends j, which nothing is before, and returns the one behind it; nil
// when there is none.
func (s *lanes) leave(j *job) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := j.place.lane
	for _, k := range j.place.names {
		if in.named[k]--; in.named[k] == 0 {
			delete(in.named, k)
			delete(s.by, k)
		}
	}
	if len(in.jobs) == 0 {
		return nil
	}
	next := in.jobs[0]
	in.jobs = in.jobs[1:]
	s.waiting--
	return next
}

// count is the number of jobs that wait in lanes.
func (s *lanes) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// pushInLane lines j up behind what goes by one of waits, and lets those behind
// it that wait for one of names. It never blocks; without room j is dropped.
func (d *Dispatcher) pushInLane(j *job, waits, names []ident) {
	run, drop := j.run, j.drop
	next := func() {
		if behind := d.lanes.leave(j); behind != nil {
			d.queue.release(behind.size)
			d.queue.push(behind)
		}
	}
	j.run = func(ctx context.Context) {
		defer next()
		run(ctx)
	}
	j.drop = func() {
		drop()
		next()
	}
	first, ok := d.lanes.enter(j, waits, names, d.queue.reserve)
	switch {
	case !ok:
		drop()
	case first:
		d.queue.push(j)
	}
}

// identOf is the ident of parts, wherever one ends and the next begins.
func identOf(parts ...string) ident {
	sum := sha256.New()
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		sum.Write(length[:])
		sum.Write([]byte(p))
	}
	return ident(sum.Sum(nil))
}
