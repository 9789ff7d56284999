package shadow

import (
	"testing"
	"testing/synctest"
	"time"
)

func fault(t *testing.T, b *breaker) time.Duration {
	t.Helper()
	turn, ok := b.enter(time.Now())
	if !ok {
		t.Fatal("a call was refused")
	}
	return turn.leave(endedFaulty, time.Now())
}

func TestBreakerPausesAndClosesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(breaker)
		for range breakerFaults - 1 {
			if pause := fault(t, b); pause != 0 {
				t.Fatalf("paused for %v before %d faults", pause, breakerFaults)
			}
		}
		turn, _ := b.enter(time.Now())
		turn.leave(endedWell, time.Now())
		for range breakerFaults - 1 {
			if pause := fault(t, b); pause != 0 {
				t.Fatal("an answer in between did not start the count anew")
			}
		}
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			want *= time.Second
			if pause := fault(t, b); pause != want {
				t.Fatalf("paused for %v, want %v", pause, want)
			}
			time.Sleep(want - time.Nanosecond)
			if _, ok := b.enter(time.Now()); ok || !b.open(time.Now()) {
				t.Fatal("a call was let through in the pause")
			}
			time.Sleep(time.Nanosecond)
		}
		turn, ok := b.enter(time.Now())
		if !ok {
			t.Fatal("no call was let through after the pause")
		}
		if _, ok := b.enter(time.Now()); ok {
			t.Fatal("a second call was let through before the first one's end")
		}
		turn.leave(endedWell, time.Now())
		if b.open(time.Now()) {
			t.Fatal("the answer did not close the breaker")
		}
		for range breakerFaults - 1 {
			fault(t, b)
		}
		if pause := fault(t, b); pause != breakerFirst {
			t.Fatalf("the next pause is %v, not the first length again", pause)
		}
	})
}

func TestBreakerIgnoresStragglers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(breaker)
		straggler, _ := b.enter(time.Now())
		for range breakerFaults {
			fault(t, b)
		}
		if pause := straggler.leave(endedFaulty, time.Now()); pause != 0 {
			t.Fatalf("a call from before the pause began another of %v", pause)
		}
		time.Sleep(breakerFirst)
		turn, ok := b.enter(time.Now())
		if !ok {
			t.Fatal("no call was let through after the pause")
		}
		turn.leave(endedUnknown, time.Now())
		if _, ok := b.enter(time.Now()); !ok {
			t.Fatal("a call given up for another reason left the breaker waiting for its end")
		}
	})
}

func TestBreakersOfSafeAndUnsafeCallsAreApart(t *testing.T) {
	var all breakers
	for range breakerFaults {
		fault(t, all.of("accounts", false))
	}
	if now := time.Now(); all.of("accounts", true).open(now) || !all.of("accounts", false).open(now) || all.open(now) != 1 {
		t.Fatal("not just the breaker of unsafe calls is open")
	}
}
