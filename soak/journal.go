package main

import (
	"fmt"
	"sync"
	"time"
)

// outcome is what a client saw of one request.
type outcome struct {
	kind         kind
	id           string
	begun, ended time.Time
	err          error
}

// journal is what has happened.
type journal struct {
	mu       sync.Mutex
	counts   map[string]int // of disturbances
	requests map[string]int // requests, by kind
	failed   []outcome
	kills    []time.Time
	ids      map[string]bool // of unsafe requests: whether the answer was good
}

func newJournal() *journal {
	return &journal{counts: map[string]int{}, requests: map[string]int{}, ids: map[string]bool{}}
}

func (j *journal) count(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.counts[what]++
}

func (j *journal) kill(at time.Time) {
	j.count("kills")
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kills = append(j.kills, at)
}

func (j *journal) done(o outcome) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests[o.kind.name]++
	if o.id != "" {
		j.ids[o.id] = o.err == nil
	}
	if o.err != nil && o.kind.nature != aborted {
		j.failed = append(j.failed, o)
	}
}

// Around a kill, a request that was under way or reached the instance before
// anybody could know of its end.
const (
	before = 100 * time.Millisecond // the journal notes a kill a little before or after it
	after  = time.Second
)

// hit reports whether a kill can be the cause of an outcome.
func (j *journal) hit(o outcome) bool {
	for _, at := range j.kills {
		if o.begun.Before(at.Add(after)) && o.ended.After(at.Add(-before)) {
			return true
		}
	}
	return false
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	sum := 0
	for _, n := range j.requests {
		sum += n
	}
	return fmt.Sprintf("%d requests, %d failed; %d upgrades, %d reloads, %d restarts, %d kill -9",
		sum, len(j.failed), j.counts["upgrades"], j.counts["reloads"], j.counts["restarts"], j.counts["kills"])
}
