package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestBreaker(t *testing.T) {
	for _, c := range []struct {
		reason   string
		set      Breaker
		outcomes []Outcome // of two instances in turn
		open     bool
	}{
		{"nothing happened", Breaker{}, nil, false},
		{"not before so many in a row", Breaker{}, []Outcome{2, 2, 2, 2, 2, 2, 2, 2, 2}, false},
		{"so many in a row, over all instances", Breaker{}, []Outcome{2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, true},
		{"one that answers begins the row anew", Breaker{Failures: 3}, []Outcome{Unreached, Unreached, Answered, Unreached, Unreached}, false},
		{"so does one that answers badly: it can be reached", Breaker{Failures: 3}, []Outcome{Unreached, Unreached, Faulty, Unreached, Unreached}, false},
		{"what the application answers never opens it", Breaker{Failures: 1}, []Outcome{Faulty, Faulty, Faulty, Faulty, Faulty, Faulty}, false},
		{"switched off", Breaker{Off: true, Failures: 1}, []Outcome{2, 2, 2, 2, 2}, false},
	} {
		b := instances(t, 2, Options{Breaker: c.set})
		for n, o := range c.outcomes {
			b.instances[n%2].Note(o)
		}
		wait, ok := b.Admit()
		if ok == c.open || ok != (wait == 0) || b.State().Open != c.open {
			t.Errorf("%s: Admit says %v, %v, and the state %v", c.reason, wait, ok, b.State().Open)
		}
	}
}

// An open breaker lets one call through at the end of its time, which doubles up
// to For, and closes when that reaches the backend.
func TestBreakerCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := instances(t, 2, Options{Breaker: Breaker{Failures: 1, For: 16 * time.Second}})
		i := b.instances[0]
		i.Note(Unreached)
		if wait, ok := b.Admit(); ok || wait != time.Second {
			t.Fatalf("open: %v, %v", wait, ok)
		}
		i.Note(Unreached) // it was under way, and says nothing new
		for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 16} {
			time.Sleep(seconds*time.Second - 1)
			if _, ok := b.Admit(); ok {
				t.Fatal("a call was let through before the time")
			}
			time.Sleep(time.Nanosecond)
			if _, ok := b.Admit(); !ok {
				t.Fatal("no call was let through at the end")
			}
			if _, ok := b.Admit(); ok {
				t.Fatal("a second call was let through")
			}
			i.Note(Unreached)
		}
		time.Sleep(16 * time.Second)
		b.Admit()
		i.Note(Answered)
		if _, ok := b.Admit(); !ok {
			t.Error("still open after an answer")
		}
		i.Note(Unreached)
		b.instances[1].reached() // a health check has established a connection
		if _, ok := b.Admit(); !ok {
			t.Error("still open although an instance was reached")
		}
		if s := b.State(); s.Opened != 2 || s.Refused != 13 {
			t.Errorf("opened %d times, refused %d", s.Opened, s.Refused)
		}
	})
}

func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := instances(t, 2, Options{})
		granted := func() (n int) {
			for b.Retry() {
				n++
			}
			return n
		}
		if n := granted(); n != 10 {
			t.Errorf("%d retries without traffic, want 10", n)
		}
		for range 100 {
			b.Admit()
		}
		if n := granted(); n != 20 {
			t.Errorf("%d more with 100 requests, want a fifth of them", n)
		}
		time.Sleep(9 * time.Second)
		if n := granted(); n != 0 {
			t.Errorf("%d more within 10 s", n)
		}
		time.Sleep(time.Second)
		if n := granted(); n != 10 {
			t.Errorf("%d after 10 s, want 10", n)
		}
		if s := b.State(); s.Retries != 40 || s.RetriesRefused != 4 {
			t.Errorf("counted %d and %d", s.Retries, s.RetriesRefused)
		}
	})
}

func TestLost(t *testing.T) {
	for _, c := range []struct {
		reason string
		err    error
		want   bool
	}{
		{"closed", fmt.Errorf("call: %w", io.EOF), true},
		{"closed within the head", io.ErrUnexpectedEOF, true},
		{"reset", fmt.Errorf("call: %w", syscall.ECONNRESET), true},
		{"reset while it was written", syscall.EPIPE, true},
		{"an answer that is none", errors.New(`malformed HTTP response "x"`), false},
		{"too late", context.DeadlineExceeded, false},
		{"no error", nil, false},
	} {
		if got := Lost(c.err); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
	}
}

// TestLostOverTheWire: how the engine says it.
func TestLostOverTheWire(t *testing.T) {
	broken := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	i := newBackend(t, Options{}, broken.URL).Pick(nil)
	for _, idempotent := range []bool{true, false} {
		req, err := NewRequest(t.Context(), "GET", "/", "", false, "", http.Header{}, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.RoundTrip(req, idempotent); !Lost(err) || NotSent(err) {
			t.Errorf("idempotent %v: lost %v, not sent %v: %v", idempotent, Lost(err), NotSent(err), err)
		}
	}
}
