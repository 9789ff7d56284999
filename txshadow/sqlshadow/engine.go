package sqlshadow

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/quackproxy/quack/txshadow"
)

// engine is the adapter as package txshadow sees it.
type engine struct{ a *Adapter }

func (a *Adapter) engine() txshadow.Engine { return engine{a} }

// Begin finds a place for a shadow and, for one that writes, arms its session.
func (e engine) Begin(ctx context.Context, s *txshadow.Shadow) (txshadow.Transaction, string) {
	a, t := e.a, newTransaction(e.a, s)
	if t.reads() {
		t.attach = t.attachReading
		select {
		case a.reading <- struct{}{}:
			t.free = func() { <-a.reading }
			return t, ""
		case <-ctx.Done():
			return nil, "unsupported:busy"
		}
	}
	select {
	case a.writing <- struct{}{}:
		t.free = func() { <-a.writing }
	default:
		return nil, "unsupported:busy"
	}
	var err error
	t.session, err = a.armed(ctx, opening{budget: time.Until(s.Deadline())})
	a.sessions.Refill()
	if err == nil && !t.session.flushed { // what it has written before is void
		if t.books.Last, err = a.dialect.counts(ctx, t.session); err != nil {
			t.session.release()
		}
		t.books.Void = t.books.Last
	}
	if err == nil {
		return t, ""
	}
	t.free()
	switch {
	case ctx.Err() != nil:
		return nil, "budget"
	case errors.Is(err, errSerializable):
		s.Log().Warn("a shadow write was not run", "err", err)
		return nil, "unsupported:isolation"
	}
	s.Log().Error("a shadow write was not run", "err", err)
	return nil, "unsupported:arm"
}

// armed is a session whose transaction is open.
func (a *Adapter) armed(ctx context.Context, o opening) (*session, error) {
	o.nonce, o.lockTimeout, o.layers = rand.Text(), a.lockTimeout, a.layers
	for {
		s, fresh, err := a.sessions.Take(ctx)
		if err != nil {
			return nil, err
		}
		if err = a.dialect.open(ctx, s, o); err == nil {
			return s, nil
		}
		s.release()
		if fresh || ctx.Err() != nil || errors.Is(err, errSerializable) {
			return nil, fmt.Errorf("arm a shadow's session: %w%s", err, a.dialect.remedy(err))
		}
		// The spare may have been cut off while it waited.
	}
}

// attachReading begins the transaction of a reading shadow on a session of its
// own.
func (t *transaction) attachReading(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithDeadline(ctx, t.request.Deadline())
	defer cancel()
	s, err := t.adapter.armed(ctx, opening{readOnly: true, budget: time.Until(t.request.Deadline())})
	t.adapter.sessions.Refill()
	if errors.Is(err, errSerializable) {
		t.request.Log().Warn("a reading shadow was not run", "err", err)
		return nil, t.refuse("unsupported:isolation")
	}
	if err != nil {
		return nil, fmt.Errorf("begin the transaction of a reading shadow: %w", err)
	}
	return s, nil
}

// drillBudget is for the transaction of a drill.
const drillBudget = 3 * time.Second

// Drill arms a session and, when whole, tries to commit as an application would
// that has got past the interception.
func (e engine) Drill(ctx context.Context, whole bool) (string, error) {
	defer e.a.sessions.Refill()
	s, err := e.a.armed(ctx, opening{budget: drillBudget})
	if err != nil {
		return "", err
	}
	defer s.release()
	if whole {
		return "", e.a.dialect.drill(ctx, s)
	}
	return "", nil
}
