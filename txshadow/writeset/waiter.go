package writeset

import (
	"context"
	"errors"
	"fmt"
)

var (
	// ErrUnavailable says that the database gives no write sets now;
	// Reader.State says why.
	ErrUnavailable = errors.New("write sets are not available")
	// ErrLate says that a transaction was rolled back before it was read, so
	// that rows may be missing from what was read.
	ErrLate = errors.New("the transaction was rolled back before its rows were read")
)

// Waiter waits for the rows of one transaction.
type Waiter struct {
	reader *Reader
	gid    string
	read   chan reading // of one
}

// reading is what came of reading one transaction.
type reading struct {
	set Set
	err error
}

// Rows returns what the transaction wrote. An adapter that has waited for the
// slot answers when the set is here already. An error when the transaction was
// not read by the end of ctx, was not prepared at all, or came to an end
// before it was read whole; never an empty set for one that was not read.
//
// What the catalogue says of the columns is read once a minute for each table.
// For a table that is seen for the first time it is waited 50 ms.
func (w *Waiter) Rows(ctx context.Context) (Set, error) {
	defer w.Forget()
	got, ok := reading{}, true
	select { // first, because ctx may have ended as well
	case got = <-w.read:
	default:
		select {
		case got = <-w.read:
		case <-ctx.Done():
			ok = false
		}
	}
	switch {
	case !ok:
		return Set{}, fmt.Errorf("read the write set %s: %w", w.gid, context.Cause(ctx))
	case got.err != nil:
		return Set{}, got.err
	}
	w.reader.catalogue.fill(ctx, got.set)
	return got.set, nil
}

// Forget gives the transaction up: its rows are dropped when they come.
func (w *Waiter) Forget() {
	w.reader.mu.Lock()
	defer w.reader.mu.Unlock()
	delete(w.reader.waiters, w.gid)
}

// awaited reports whether anybody waits for any transaction.
func (r *Reader) awaited() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiters) > 0
}

// waits reports whether anybody waits for gid.
func (r *Reader) waits(gid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiters[gid] != nil
}

// deliver gives a reading to who waits for it. The first one counts: a request
// that is replayed has the same gid.
func (r *Reader) deliver(gid string, got reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.waiters[gid]
	if w == nil {
		return
	}
	delete(r.waiters, gid)
	w.read <- got
	r.state.count(got)
}
