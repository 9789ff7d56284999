package upstream

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// instances makes a backend whose instances are never dialled.
func instances(t *testing.T, n int, o Options) *Backend {
	t.Helper()
	urls := []string{"http://a", "http://b", "http://c", "http://d", "http://e"}
	return newBackend(t, o, urls[:n]...)
}

// used reports whether Pick chooses the instance among all.
func used(b *Backend, i *Instance) bool {
	for range 2 * len(b.instances) {
		if b.Pick(nil) == i {
			return true
		}
	}
	return false
}

func TestEjection(t *testing.T) {
	for _, c := range []struct {
		reason   string
		n        int // instances
		set      Outlier
		outcomes []Outcome // of the first
		out      bool
	}{
		{"not before so many in a row", 2, Outlier{}, []Outcome{Faulty, Faulty, Faulty, Faulty}, false},
		{"so many in a row", 2, Outlier{}, []Outcome{Faulty, Faulty, Faulty, Faulty, Faulty}, true},
		{"an answer begins the row anew", 2, Outlier{}, []Outcome{Faulty, Faulty, Faulty, Faulty, Answered, Faulty, Faulty, Faulty, Faulty}, false},
		{"that it was not reached counts too", 2, Outlier{Failures: 2}, []Outcome{Faulty, Unreached}, true},
		{"one alone is never", 1, Outlier{Failures: 1}, []Outcome{Faulty, Faulty, Faulty}, false},
		{"switched off", 2, Outlier{Off: true, Failures: 1}, []Outcome{Faulty, Faulty, Faulty}, false},
		{"a share too small for one still lets one go", 2, Outlier{Failures: 1, Max: 0.01}, []Outcome{Faulty}, true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := instances(t, c.n, Options{Outlier: c.set, Breaker: Breaker{Off: true}})
				for _, o := range c.outcomes {
					b.instances[0].Note(o)
				}
				if got := !used(b, b.instances[0]); got != c.out {
					t.Errorf("out of use: %v", got)
				}
				if got := !b.State().Instances[0].EjectedUntil.IsZero(); got != c.out {
					t.Errorf("its state says ejected: %v", got)
				}
			})
		})
	}
}

// An ejected instance comes back by one call that goes well, and stays out for
// twice as long after one that does not.
func TestEjectionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := instances(t, 2, Options{Outlier: Outlier{Failures: 1, For: time.Second}})
		i := b.instances[0]
		probe := func(what string) {
			t.Helper()
			if !used(b, i) {
				t.Fatalf("%s: no call is let through at the end", what)
			}
			if used(b, i) {
				t.Errorf("%s: a second call is let through before the first has an outcome", what)
			}
		}
		i.Note(Faulty)
		for _, length := range []time.Duration{1, 2, 4, 8, 16, 16} {
			length *= time.Second
			time.Sleep(length - 1)
			i.Note(Answered) // of a call that was under way
			if used(b, i) {
				t.Fatalf("ejection of %v: used before it ends", length)
			}
			time.Sleep(time.Nanosecond)
			probe(length.String())
			i.Note(Faulty)
		}
		time.Sleep(16 * time.Second)
		probe("the last")
		i.Note(Answered)
		for range 2 {
			if !used(b, i) {
				t.Error("not used after a call that went well")
			}
		}
		time.Sleep(10 * time.Second)
		i.Note(Faulty) // soon again: longest
		time.Sleep(15 * time.Second)
		if used(b, i) {
			t.Error("an instance that goes bad again at once is out for the shortest time")
		}
		time.Sleep(time.Second)
		probe("again")
		i.Note(Answered)
		time.Sleep(time.Minute)
		i.Note(Faulty)
		time.Sleep(time.Second)
		if !used(b, i) {
			t.Error("an instance that was well for long is out for longer than the first time")
		}
		if n := b.State().Ejections; n != 9 {
			t.Errorf("%d ejections counted, want 9", n)
		}
	})
}

// A probe that has no outcome, because its client went, is followed by another.
func TestProbeWithoutOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := instances(t, 2, Options{Outlier: Outlier{Failures: 1, For: time.Second}})
		i := b.instances[0]
		i.Note(Faulty)
		time.Sleep(time.Second)
		if !used(b, i) || used(b, i) {
			t.Fatal("not one probe")
		}
		time.Sleep(time.Second)
		if !used(b, i) {
			t.Error("no further probe")
		}
	})
}

func TestShareOfEjected(t *testing.T) {
	for _, c := range []struct {
		reason string
		n      int
		max    float64
		want   int // out when all are bad
	}{
		{"half of five, rounded down", 5, 0.5, 2},
		{"all of three is two: never the last", 3, 1, 2},
		{"a fifth of two is one", 2, 0.2, 1},
		{"one", 1, 1, 0},
	} {
		b := instances(t, c.n, Options{Outlier: Outlier{Failures: 1, Max: c.max}})
		for range 3 {
			for _, i := range b.instances {
				i.Note(Faulty)
			}
		}
		out := 0
		for _, i := range b.State().Instances {
			if !i.EjectedUntil.IsZero() {
				out++
			}
		}
		if out != c.want {
			t.Errorf("%s: %d are out, want %d", c.reason, out, c.want)
		}
	}
}

// When none is left that is well, the ejected is asked before the one that can
// not be reached, and the ill one before both.
func TestOrderOfTheBad(t *testing.T) {
	b := instances(t, 3, Options{Outlier: Outlier{Failures: 1}})
	ejected, resting, ill := b.instances[0], b.instances[1], b.instances[2]
	ejected.Note(Faulty)
	resting.unreachable(nil, time.Now())
	ill.unhealthy.Store(true)
	order := []*Instance{ill, ejected, resting}
	for n, want := range order {
		left := order[n:]
		if got := b.Pick(func(i *Instance) bool { return slices.Contains(left, i) }); got != want {
			t.Errorf("picked %v, want %v", got.URL, want.URL)
		}
	}
}

func TestOutcomeOf(t *testing.T) {
	for status, want := range map[int]Outcome{200: Answered, 404: Answered, 500: Answered, 501: Answered, 502: Faulty, 503: Faulty, 504: Faulty, 505: Answered} {
		if got := OutcomeOf(status); got != want {
			t.Errorf("%d is %d, want %d", status, got, want)
		}
	}
}
