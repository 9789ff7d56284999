package spare_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/spare"
)

type session struct{ broken, closed bool }

// bench is a spare whose sessions are looked at.
type bench struct {
	spare.Spare[session]
	made []*session
	err  error // of the next ones
	shut bool
}

func newBench() *bench {
	b := &bench{}
	b.Open = func(context.Context) (*session, error) {
		if b.err != nil {
			return nil, b.err
		}
		b.made = append(b.made, &session{})
		return b.made[len(b.made)-1], nil
	}
	b.Close = func(s *session) { s.closed = true }
	b.Sound = func(s *session) bool { return !s.broken }
	b.Go = func(work func()) bool {
		if !b.shut {
			go work()
		}
		return !b.shut
	}
	b.Log = slog.New(slog.DiscardHandler)
	return b
}

// A spare is given out once, while it is sound and young; else it is closed and
// another one made.
func TestTake(t *testing.T) {
	for _, c := range []struct {
		reason  string
		spoil   func(*bench)
		isSpare bool
	}{
		{"as it should be", func(*bench) {}, true},
		{"its connection is lost", func(b *bench) { b.made[0].broken = true }, false},
		{"not yet too old", func(*bench) { time.Sleep(time.Minute) }, true},
		{"too old", func(*bench) { time.Sleep(time.Minute + time.Nanosecond) }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			b.Refill()
			b.Refill() // one is being made
			synctest.Wait()
			b.Refill() // and is there
			synctest.Wait()
			if len(b.made) != 1 || !b.Ready() {
				t.Fatalf("%s: %d made, ready %v", c.reason, len(b.made), b.Ready())
			}
			c.spoil(b)
			s, fresh, err := b.Take(context.Background())
			if err != nil || fresh == c.isSpare || (s == b.made[0]) != c.isSpare || b.made[0].closed == c.isSpare {
				t.Errorf("%s: fresh %v, closed %v, %v", c.reason, fresh, b.made[0].closed, err)
			}
			if next, fresh, _ := b.Take(context.Background()); next == s || !fresh {
				t.Errorf("%s: the same one is given out twice", c.reason)
			}
		})
	}
}

// A spare that can not be made is tried for again at the next call, and none is
// made when nothing runs in the background any more.
func TestRefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.err = errors.New("no server")
		b.Refill()
		synctest.Wait()
		if _, _, err := b.Take(context.Background()); err != b.err || b.Ready() {
			t.Errorf("%v, ready %v", err, b.Ready())
		}
		b.err, b.shut = nil, true
		b.Refill()
		synctest.Wait()
		if b.Ready() {
			t.Error("made after the end")
		}
		b.shut = false
		b.Refill()
		synctest.Wait()
		b.Drop()
		if b.Ready() || len(b.made) != 1 || !b.made[0].closed {
			t.Errorf("ready %v, %d made", b.Ready(), len(b.made))
		}
	})
}
