package shadow

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTermsAreForgottenWhenTheyAreNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := terms{max: 10}
		used, unused := identOf("used"), identOf("unused")
		s.put(used, "a", time.Hour, time.Now())
		s.put(unused, "b", time.Hour, time.Now())
		for range 3 {
			time.Sleep(40 * time.Minute)
			if v, ok := s.get(used, time.Now()); !ok || v != "a" {
				t.Fatalf("one that is in use was forgotten: %q, %v", v, ok)
			}
		}
		if v, ok := s.get(unused, time.Now()); ok {
			t.Errorf("one that was not used for two hours is %q", v)
		}
		time.Sleep(time.Hour)
		if _, ok := s.get(used, time.Now()); ok {
			t.Error("one that was not used for its time is there")
		}
		if kept, learnt, substituted, evicted := s.counts(); kept != 0 || learnt != 2 || substituted != 3 || evicted != 0 {
			t.Errorf("counts %d, %d, %d, %d", kept, learnt, substituted, evicted)
		}
	})
}

func TestTermsGiveWayToOthers(t *testing.T) {
	now := time.Now()
	s := terms{max: 3}
	id := func(n int) ident { return identOf(fmt.Sprint(n)) }
	for n := range 3 {
		s.put(id(n), fmt.Sprint(n), time.Hour, now)
	}
	s.get(id(0), now)
	s.put(id(3), "3", time.Hour, now)
	s.put(id(3), "3 again", time.Hour, now)
	for n, want := range []bool{true, false, true, true} {
		if _, ok := s.get(id(n), now); ok != want {
			t.Errorf("%d is there: %v, want %v", n, ok, want)
		}
	}
	s.put(id(4), "4", time.Hour, now.Add(2*time.Hour)) // what gives way now is over anyway
	s.forget(id(3))
	s.forget(id(3))
	if kept, learnt, _, evicted := s.counts(); kept != 2 || learnt != 6 || evicted != 1 {
		t.Errorf("kept %d, learnt %d, evicted %d; want 2, 6, 1", kept, learnt, evicted)
	}
}

// TestTermsAreBounded: as many and as long as they may be, they take less than
// 64 MiB.
func TestTermsAreBounded(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := terms{max: maxTerms}
	for n := range 2 * maxTerms {
		s.put(identOf(fmt.Sprint(n)), strings.Repeat("x", maxTerm), time.Hour, time.Now())
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept, _, _, evicted := s.counts(); kept != maxTerms || evicted != maxTerms || len(s.by) != maxTerms {
		t.Errorf("kept %d, evicted %d", kept, evicted)
	}
	if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > 64<<20 {
		t.Errorf("they take %d MiB", took>>20)
	}
	runtime.KeepAlive(&s)
}
