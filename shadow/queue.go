package shadow

import (
	"context"
	"slices"
	"sync"
)

// job is a piece of work for a worker.
type job struct {
	backend string // whose line it waits in; "" for work without a call
	size    int64  // bytes of bodies it keeps alive
	run     func(context.Context)
	drop    func()           // what is done instead of run when there is no room
	failed  func(why string) // what is done when run panicked
	place   standing         // in a lane; zero for most
	kept    bool             // a write that would be missing on the shadow side: made also while Quack stops
}

// queue holds the jobs that wait for a worker, one line a backend. It is
// bounded over all lines. Two things keep a backend that hangs from starving
// the comparisons against the others: its jobs under way are at most share,
// and when the queue is full the longest line gives way.
//
// The newest job of a line is served first, and the oldest gives way. Jobs have
// deadlines: oldest first, a backend too slow for what it is sent would be
// asked only what is about to time out, and nothing would be compared at all.
type queue struct {
	maxJobs  int
	maxBytes int64
	share    int

	mu       sync.Mutex
	changed  *sync.Cond
	lines    []*line
	turn     int   // index in lines of the next to be served
	jobs     int   // waiting
	bytes    int64 // of waiting jobs, and reserved
	noCalls  bool  // jobs with a backend are turned away, but for kept ones
	finished bool  // all jobs are turned away, but for kept ones behind another; workers leave when it is empty
	closed   bool  // all jobs are turned away
}

// line is what waits for one backend, oldest first.
type line struct {
	backend  string
	jobs     []*job
	bytes    int64
	underWay int
}

func newQueue(maxJobs int, maxBytes int64, share int) *queue {
	q := &queue{maxJobs: maxJobs, maxBytes: maxBytes, share: share}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// push lines j up. When there is no room the oldest jobs of the longest line
// are dropped for it; j itself when it is alone in a line and still has the
// most bytes. It never blocks, and reports whether j was taken; drop has been
// called when not.
func (q *queue) push(j *job) bool {
	victims, taken := q.add(j)
	for _, v := range victims {
		v.drop()
	}
	return taken
}

func (q *queue) add(j *job) (victims []*job, taken bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuses(j) {
		return []*job{j}, false
	}
	own := q.line(j.backend)
	for q.jobs >= q.maxJobs || q.bytes+j.size > q.maxBytes {
		longest := q.longest(own, j)
		if len(longest.jobs) == 0 {
			q.forget(own)
			return append(victims, j), false
		}
		victims = append(victims, q.take(longest, 0))
		if longest != own {
			q.forget(longest)
		}
	}
	own.jobs = append(own.jobs, j)
	own.bytes += j.size
	q.jobs++
	q.bytes += j.size
	if own.underWay < q.share {
		q.changed.Signal() // else nobody may serve it yet, and who does is awake
	}
	return victims, true
}

// refuses reports whether j is turned away whatever room there is.
func (q *queue) refuses(j *job) bool {
	switch {
	case q.closed, j.size > q.maxBytes:
		return true
	case q.finished:
		return !j.kept || !j.place.behind // else the worker that did the one before it is there
	}
	return q.noCalls && j.backend != "" && !j.kept
}

// longest is the longest line when j is counted in its own: by jobs when there
// are too many, else by bytes.
func (q *queue) longest(own *line, j *job) *line {
	length := func(l *line) int64 { return int64(len(l.jobs)) }
	longest, most := own, length(own)+1
	if q.jobs < q.maxJobs {
		length = func(l *line) int64 { return l.bytes }
		most = length(own) + j.size
	}
	for _, l := range q.lines {
		if l != own && length(l) > most {
			longest, most = l, length(l)
		}
	}
	return longest
}

// pop waits for a job and takes it; false when the queue has finished. The
// caller calls done at the job's end.
func (q *queue) pop() (*job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if l := q.next(); l != nil {
			l.underWay++
			return q.take(l, len(l.jobs)-1), true
		}
		if q.finished && q.jobs == 0 {
			return nil, false
		}
		q.changed.Wait()
	}
}

// next is the line whose turn it is, nil when none may be served.
func (q *queue) next() *line {
	for i := range q.lines {
		at := (q.turn + i) % len(q.lines)
		if l := q.lines[at]; len(l.jobs) > 0 && l.underWay < q.share {
			q.turn = at + 1
			return l
		}
	}
	return nil
}

// done says that j, which pop gave out, has ended. Workers are woken only where
// that may have left them something: for each that is woken for nothing the
// live path waits for a processor.
func (q *queue) done(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(j.backend)
	l.underWay--
	switch {
	case q.finished:
		q.changed.Broadcast() // those that wait have to see the end
	case len(l.jobs) > 0:
		q.changed.Signal()
	}
	q.forget(l)
}

// reserve counts n bytes as waiting, when there is room for them. They are
// given back by release.
func (q *queue) reserve(n int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.noCalls || q.bytes+n > q.maxBytes {
		return false
	}
	q.bytes += n
	return true
}

func (q *queue) release(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= n
}

// stopCalls drops the jobs that wait to make a call, and takes no more, but for
// those that are kept.
func (q *queue) stopCalls() {
	q.mu.Lock()
	q.noCalls = true
	q.dropWhere(func(j *job) bool { return j.backend != "" && !j.kept })
}

// close drops what is left, and takes no more.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.dropWhere(func(*job) bool { return true })
}

// dropWhere drops the jobs for which which holds, and unlocks.
func (q *queue) dropWhere(which func(*job) bool) {
	var dropped []*job
	for _, l := range q.lines {
		for i := 0; i < len(l.jobs); {
			if which(l.jobs[i]) {
				dropped = append(dropped, q.take(l, i))
			} else {
				i++
			}
		}
	}
	q.mu.Unlock()
	for _, j := range dropped {
		j.drop()
	}
}

// finish takes no more jobs; pop gives out what is left.
func (q *queue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.noCalls, q.finished = true, true
	q.changed.Broadcast()
}

// waiting is the number of jobs and bytes in the queue.
func (q *queue) waiting() (jobs int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.jobs, q.bytes
}

func (q *queue) line(backend string) *line {
	for _, l := range q.lines {
		if l.backend == backend {
			return l
		}
	}
	l := &line{backend: backend}
	q.lines = append(q.lines, l)
	return l
}

// take takes the job at an index out of its line.
func (q *queue) take(l *line, at int) *job {
	j := l.jobs[at]
	l.jobs = slices.Delete(l.jobs, at, at+1)
	l.bytes -= j.size
	q.jobs--
	q.bytes -= j.size
	return j
}

// forget removes a line with nothing in it, so that lines do not outlive the
// backends of tables long gone.
func (q *queue) forget(l *line) {
	if len(l.jobs) > 0 || l.underWay > 0 {
		return
	}
	for i := range q.lines {
		if q.lines[i] == l {
			q.lines = slices.Delete(q.lines, i, i+1)
			if q.turn > i {
				q.turn--
			}
			return
		}
	}
}
