package shadow

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// named makes jobs that say what became of them.
func named(dropped *[]string) func(backend, name string, size int64) *job {
	return func(backend, name string, size int64) *job {
		return &job{backend: backend, size: size, drop: func() { *dropped = append(*dropped, name) }}
	}
}

func TestOldestGivesWayAndNewestIsServedFirst(t *testing.T) {
	var dropped, served []string
	job := named(&dropped)
	q := newQueue(3, 100, 5)
	for _, name := range []string{"1", "2", "3", "4"} {
		j := job("a", name, 10)
		j.run = func(context.Context) { served = append(served, name) }
		q.push(j)
	}
	if q.push(job("a", "whale", 101)) {
		t.Error("a job larger than the queue was taken")
	}
	big := job("a", "big", 85)
	big.run = func(context.Context) { served = append(served, "big") }
	if !q.push(big) {
		t.Error("a job that fits was turned away")
	}
	if want := []string{"1", "whale", "2", "3"}; !slices.Equal(dropped, want) {
		t.Errorf("dropped %v, want %v", dropped, want)
	}
	if q.reserve(6) || !q.reserve(5) {
		t.Error("not just what is free can be reserved")
	}
	for range 2 {
		j, _ := q.pop()
		j.run(t.Context())
	}
	if want := []string{"big", "4"}; !slices.Equal(served, want) {
		t.Errorf("served %v, want %v", served, want)
	}
	if jobs, bytes := q.waiting(); jobs != 0 || bytes != 5 {
		t.Errorf("%d jobs and %d bytes wait", jobs, bytes)
	}
}

func TestLongestLineGivesWay(t *testing.T) {
	var dropped []string
	job := named(&dropped)
	q := newQueue(4, 100, 1)
	q.push(job("hangs", "h1", 10))
	q.push(job("hangs", "h2", 10))
	q.push(job("hangs", "h3", 10))
	q.push(job("", "c1", 10))
	q.push(job("well", "w1", 10))
	q.push(job("well", "w2", 10)) // its own line would then be as long as the longest
	if want := []string{"h1", "w1"}; !slices.Equal(dropped, want) {
		t.Errorf("dropped by number %v, want %v", dropped, want)
	}
	dropped = nil
	q = newQueue(10, 100, 1)
	q.push(job("hangs", "h1", 60))
	q.push(job("well", "w1", 30))
	q.push(job("well", "w2", 20))
	q.push(job("third", "t1", 60)) // alone, and more than any line has
	if want := []string{"h1", "t1"}; !slices.Equal(dropped, want) {
		t.Errorf("dropped by bytes %v, want %v", dropped, want)
	}
}

func TestBackendTakesItsShareOnly(t *testing.T) {
	q := newQueue(100, 100, 2)
	job := named(new([]string))
	for range 4 {
		q.push(job("a", "", 0))
	}
	q.push(job("b", "", 0))
	var took []string
	for range 3 {
		j, _ := q.pop()
		took = append(took, j.backend)
	}
	slices.Sort(took)
	if want := []string{"a", "a", "b"}; !slices.Equal(took, want) {
		t.Fatalf("took %v, want %v", took, want)
	}
	synctest.Test(t, func(t *testing.T) {
		got := make(chan struct{})
		q := newQueue(100, 100, 2)
		for range 3 {
			q.push(job("a", "", 0))
		}
		one, _ := q.pop()
		q.pop()
		go func() { q.pop(); close(got) }()
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("a third job of the backend was given out")
		default:
		}
		q.done(one)
		<-got
	})
}

func TestStoppingKeepsWhatNeedsNoCall(t *testing.T) {
	var dropped []string
	job := named(&dropped)
	q := newQueue(10, 100, 2)
	q.push(job("a", "a1", 1))
	q.push(job("", "c1", 1))
	q.stopCalls()
	if q.push(job("a", "a2", 1)) || !q.push(job("", "c2", 1)) || q.reserve(1) {
		t.Error("not just the calls are turned away")
	}
	q.finish()
	if q.push(job("", "c3", 1)) {
		t.Error("a job was taken after the end")
	}
	n := 0
	for {
		j, ok := q.pop()
		if !ok {
			break
		}
		q.done(j)
		n++
	}
	if want := []string{"a1", "a2", "c3"}; !slices.Equal(dropped, want) || n != 2 {
		t.Errorf("dropped %v, want %v; gave out %d, want 2", dropped, want, n)
	}
}

// TestQueueKeepsItsBooks holds that nothing is lost or counted twice, whatever
// the order of calls.
func TestQueueKeepsItsBooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue(rapid.IntRange(1, 6).Draw(t, "jobs"), rapid.Int64Range(1, 40).Draw(t, "bytes"), rapid.IntRange(1, 3).Draw(t, "share"))
		pushed, dropped, given := 0, 0, 0
		var underWay []*job
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				j := &job{backend: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "backend"), size: rapid.Int64Range(0, 15).Draw(t, "size")}
				j.drop = func() { dropped++ }
				pushed++
				q.push(j)
			},
			"pop": func(t *rapid.T) {
				q.mu.Lock()
				some := q.next() != nil
				q.mu.Unlock()
				if !some {
					t.Skip("it would wait")
				}
				j, _ := q.pop()
				underWay = append(underWay, j)
				given++
			},
			"done": func(t *rapid.T) {
				if len(underWay) == 0 {
					t.Skip("none under way")
				}
				q.done(underWay[0])
				underWay = underWay[1:]
			},
			"": func(t *rapid.T) {
				jobs, bytes := q.waiting()
				var sum int64
				for _, l := range q.lines {
					for _, j := range l.jobs {
						sum += j.size
					}
					if l.underWay > q.share || len(l.jobs) == 0 && l.underWay == 0 {
						t.Fatalf("line %q has %d waiting and %d under way", l.backend, len(l.jobs), l.underWay)
					}
				}
				if pushed != dropped+given+jobs || sum != bytes || jobs > q.maxJobs || bytes > q.maxBytes {
					t.Fatalf("pushed %d, dropped %d, gave out %d, %d wait with %d bytes (%d counted)", pushed, dropped, given, jobs, sum, bytes)
				}
			},
		})
	})
}

// Workers are woken no more often than there is work, and yet none sleeps while
// there is some that it may do: in the bubble everybody asleep with a job left
// is a deadlock.
func TestNoWakeUpIsLost(tb *testing.T) {
	rapid.Check(tb, func(t *rapid.T) {
		workers := rapid.IntRange(1, 5).Draw(t, "workers")
		share := rapid.IntRange(1, workers).Draw(t, "share")
		jobs := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ""}), 1, 60).Draw(t, "backend of each job")
		takes := rapid.SliceOfN(rapid.IntRange(0, 3), len(jobs), len(jobs)).Draw(t, "milliseconds of each")
		gaps := rapid.SliceOfN(rapid.IntRange(0, 2), len(jobs), len(jobs)).Draw(t, "milliseconds before each")
		q := newQueue(len(jobs), 1<<20, share)
		var done atomic.Int64
		synctest.Test(tb, func(*testing.T) {
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					for {
						j, ok := q.pop()
						if !ok {
							return
						}
						j.run(context.Background())
						q.done(j)
					}
				})
			}
			for i, backend := range jobs {
				time.Sleep(time.Duration(gaps[i]) * time.Millisecond)
				q.push(&job{backend: backend, drop: func() {}, run: func(context.Context) {
					time.Sleep(time.Duration(takes[i]) * time.Millisecond)
					done.Add(1)
				}})
			}
			time.Sleep(time.Duration(len(jobs)*4) * time.Millisecond) // one worker has done them all by then
			if n := done.Load(); n != int64(len(jobs)) {
				t.Errorf("%d of %d jobs were done with all workers asleep", n, len(jobs))
			}
			q.finish()
			all.Wait()
		})
	})
}
