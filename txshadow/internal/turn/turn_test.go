package turn_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/turn"
)

var errOver = errors.New("over")

func nothing() {}

func attached(context.Context) error { return nil }

// One statement has the turn; who waits for it is let go by its own context or
// by the end, and the statement under way is cancelled by the end alone.
func TestOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := turn.New(errOver, attached, nothing)
		ctx, cancel := context.WithCancel(context.Background())
		own, leave, err := u.Enter(ctx)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if own.Err() != nil {
			t.Error("what puts a cancelled statement right is cancelled with it")
		}
		if _, _, err := u.Enter(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that has ended: %v", err)
		}
		waiting := make(chan error, 1)
		go func() {
			_, _, err := u.Enter(context.Background())
			waiting <- err
		}()
		synctest.Wait()
		u.End()
		if err := <-waiting; err != errOver {
			t.Errorf("who waited: %v", err)
		}
		if own.Err() == nil {
			t.Error("the statement under way goes on after the end")
		}
		leave()
		if !u.Seize() {
			t.Error("the turn is free and can not be seized")
		}
		u.Release()
		if _, _, err := u.Enter(ctx); err != errOver {
			t.Errorf("after the end: %v", err)
		}
	})
}

// A statement that does not come to its end keeps the turn, and drops the
// session when it does; one that ends in time leaves the session to Seize.
func TestSeize(t *testing.T) {
	for _, c := range []struct {
		reason string
		takes  time.Duration
		seized bool
	}{
		{"in time", turn.Patience / 2, true},
		{"too late", 2 * turn.Patience, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			dropped := 0
			u := turn.New(errOver, attached, func() { dropped++ })
			_, leave, err := u.Enter(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			u.End()
			time.AfterFunc(c.takes, leave)
			if seized := u.Seize(); seized != c.seized {
				t.Errorf("%s: seized %v", c.reason, seized)
			}
			time.Sleep(3 * turn.Patience)
			synctest.Wait()
			if (dropped == 0) != c.seized {
				t.Errorf("%s: dropped %d times", c.reason, dropped)
			}
		})
	}
}

// What has gone wrong is told until the end, which is told then; a session's
// loss takes no other error's place.
func TestStop(t *testing.T) {
	u, first, lost := turn.New(errOver, attached, nothing), errors.New("first"), errors.New("lost")
	early := 0
	u.Stop(first)
	u.Lose(lost, func() { early++ })
	if _, _, err := u.Enter(context.Background()); err != first || u.Stopped() != first {
		t.Errorf("%v, %v", err, u.Stopped())
	}
	u.End()
	u.Lose(lost, func() { early++ })
	if u.Stopped() != errOver || u.Broken() != first || early != 1 {
		t.Errorf("%v, %v, %d", u.Stopped(), u.Broken(), early)
	}
}

// When there is no session to be had, the turn is free again.
func TestAttach(t *testing.T) {
	err, tries := errors.New("refused"), 0
	u := turn.New(errOver, func(context.Context) error { tries++; return err }, nothing)
	for range 2 {
		if _, _, got := u.Enter(context.Background()); got != err {
			t.Errorf("%v", got)
		}
	}
	if tries != 2 || !u.Seize() {
		t.Errorf("%d tries", tries)
	}
}
