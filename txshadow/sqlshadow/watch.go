package sqlshadow

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// watch looks at where work has left the session. The fuse's own error means
// that the transaction has ended: whatever let that happen, the session is
// closed at once and nothing more is sent.
func (t *transaction) watch(w work, err error) error {
	if t.adapter.layers.noWatch || err == nil {
		return nil
	}
	switch t.adapter.dialect.kind(err) {
	case fuseBlown:
		return t.escaped(w.stmts.Verb())
	case sessionGone:
		return t.lost(err)
	}
	return nil
}

// escaped is called when the transaction has been ended behind our back.
func (t *transaction) escaped(verb string) error {
	err := t.refuse("escape:" + verb)
	t.request.Log().Error("the transaction of a shadow request has ended: something may have been written\n" +
		"  compare the tables of this request with what live requests have written")
	t.session.release()
	return err
}

// lost is called when the session has gone away. The error is none that makes
// package database/sql try again on another connection.
func (t *transaction) lost(err error) error {
	err = fmt.Errorf("the shadow's session is gone: %v", err) //nolint:errorlint
	t.turn.Lose(err, func() { t.note("unsupported:session-lost") })
	return err
}

// observe notes errors that say something about the shadow.
func (t *transaction) observe(w work, err error) {
	switch t.adapter.dialect.kind(err) {
	case readOnly:
		if t.reads() && (w.on == nil || !w.on.read) {
			t.note("write:25006" + w.stmts.Writer())
		}
	case undone:
		t.note("unsupported:deadlock")
		t.undone = true
		t.turn.Stop(err)
	case lockTimeout:
		t.note("unsupported:lock-timeout")
	}
}

// errorKind is what an error of the server means for a shadow.
type errorKind int

const (
	otherError errorKind = iota
	failedTransaction
	noTransaction
	noSavepoint
	cancelledStatement
	readOnly
	lockTimeout
	fuseBlown
	sessionGone
	undone // by the server, the whole transaction
)

// ofConnection says that err is of the connection, and the session gone.
func ofConnection(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || strings.Contains(err.Error(), "bad connection") || strings.Contains(err.Error(), "invalid connection") ||
		strings.Contains(err.Error(), "conn closed")
}
