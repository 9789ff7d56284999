package sqlshadow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/turn"
)

// rollbackTimeout is for the statements that end a transaction.
const rollbackTimeout = 2 * time.Second

// Finish ends the shadow and rolls its transaction back. When it returns with
// RolledBack, the server holds no lock for it any more.
func (t *transaction) Finish() txshadow.Ending {
	t.turn.End()
	if !t.turn.Seize() {
		return t.endFromOutside(fmt.Errorf("a statement did not end within %v of its cancellation", turn.Patience), false)
	}
	defer t.turn.Release()
	if t.session == nil { // it sent nothing
		return txshadow.Ending{RolledBack: true, Reason: t.request.Noted()}
	}
	if t.session.closed.Load() {
		return t.endFromOutside(nil, true)
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	footprint, err := t.rollBack(ctx)
	if errors.Is(err, errEscaped) {
		t.escaped("unknown")
		return t.endFromOutside(nil, true)
	}
	if err != nil {
		return t.endFromOutside(fmt.Errorf("roll back: %w", err), true)
	}
	if !t.adapter.front.Go(t.session.release) {
		t.session.release()
	}
	return txshadow.Ending{RolledBack: true, Reason: t.request.Noted(), Footprint: footprint}
}

var errEscaped = errors.New("the transaction is not the one that was opened")

// rollBack asks whether the transaction is still the one that was opened and
// what it has written, rolls it back, and asks whether it is.
func (t *transaction) rollBack(ctx context.Context) (footprint txshadow.Footprint, err error) {
	if t.reads() {
		return nil, t.adapter.dialect.rollBack(ctx, t.session)
	}
	d := t.adapter.dialect
	if !t.adapter.layers.noWatch && !t.undone {
		if footprint, err = t.lastLook(ctx); err != nil {
			return nil, err
		}
	}
	if err := t.insist(ctx, func() error { return d.rollBack(ctx, t.session) }); err != nil {
		return nil, err
	}
	if t.adapter.layers.noWatch {
		return footprint, nil
	}
	return footprint, t.insist(ctx, func() error { return d.rolledBack(ctx, t.session) })
}

// lastLook reads the books. First it goes back to the savepoint of a
// transaction that was never committed, which a pool would roll back; or to the
// first savepoint, when the books are of no interest.
func (t *transaction) lastLook(ctx context.Context) (txshadow.Footprint, error) {
	d := t.adapter.dialect
	to := ""
	wanted := t.wantsFootprint()
	switch {
	case t.tx != nil:
		to = t.tx.mark.Name
	case !wanted:
		to = root
	}
	if to != "" {
		err := t.insist(ctx, func() error { return t.session.exec(ctx, "ROLLBACK TO SAVEPOINT "+to) })
		switch d.kind(err) {
		case noSavepoint, noTransaction:
			return nil, errEscaped
		case undone:
		default:
			if err != nil {
				return nil, err
			}
		}
	}
	var still bool
	err := t.insist(ctx, func() (err error) { still, err = d.still(ctx, t.session); return err })
	if err != nil || !still {
		return nil, firstOf(err, errEscaped)
	}
	if !wanted {
		return nil, nil
	}
	now, err := d.counts(ctx, t.session)
	if err != nil || now == nil || t.books.Lost {
		return nil, nil //nolint:nilerr // no footprint, rather than a wrong one
	}
	t.books.Read(now)
	if t.tx != nil {
		t.books.Undone(t.tx.mark)
	}
	return txshadow.FootprintOf(t.books.Written()), nil
}

func (t *transaction) wantsFootprint() bool {
	noted := t.request.Noted()
	return t.session.counting && !t.books.Lost && (noted == "" || strings.HasPrefix(noted, "unsupported:"))
}

// insist does it once more when a cancel request that came late has hit it.
func (t *transaction) insist(ctx context.Context, do func() error) (err error) {
	for range 2 {
		if err = do(); t.adapter.dialect.kind(err) != cancelledStatement {
			break
		}
	}
	return err
}

// endFromOutside ends the session by another one, when its own connection can
// not be used any more. held says that who calls has the turn; else the
// goroutine of the statement under way closes the connection.
func (t *transaction) endFromOutside(why error, held bool) txshadow.Ending {
	if why != nil {
		t.request.Log().Warn("a shadow's session is ended from outside", "why", why)
	}
	if held {
		t.session.release()
	}
	if t.reads() { // nothing to take back, and who is not held may not even have a session yet
		return txshadow.Ending{RolledBack: true, Reason: t.request.Noted()}
	}
	err := t.adapter.control.gone(t.session)
	t.session.kill()
	if err != nil {
		t.request.Log().Error("the end of a shadow's transaction can not be confirmed", "reason", t.request.Noted(), "err", err)
		return txshadow.Ending{Reason: t.request.Noted(), Unreachable: errors.Is(err, errUnreachable)}
	}
	return txshadow.Ending{RolledBack: true, Reason: t.request.Noted()}
}
