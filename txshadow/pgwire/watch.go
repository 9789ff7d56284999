package pgwire

import (
	"errors"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// watch looks at where a unit has left the session. An idle session, the
// fuse's own error, or a belt that is off mean that what holds a shadow has
// been got around: the session is closed at once and nothing more is sent.
func (m *member) watch() error {
	l := m.lane
	if l.cfg.layers.noWatch {
		return nil
	}
	sh, n := m.sh, l.session
	off := n.up.params["default_transaction_read_only"] == "off" && !l.cfg.layers.noBelt
	inside := sh.isOpen()
	if !off && !(inside && (n.status == 'I' || m.fused)) {
		return nil
	}
	verb := "unknown"
	if len(m.now) > 0 {
		verb = m.now[len(m.now)-1].Verb
	}
	if !inside {
		l.log.Error("an instance of a lane has made its session writable; the session is closed", "verb", verb)
		n.end()
	} else {
		l.escaped(sh, verb)
	}
	return fatal(StateQuarantine, "the lane's session was closed: its transaction has ended, or could have been written in")
}

// observe notes what an error says about the shadow.
func (m *member) observe(f frame) {
	e := serverError(f)
	sh := m.sh
	if sh == nil {
		if e.Code == catalog.StateReadOnly {
			m.lane.log.Warn("an instance of a lane has tried to write outside of a shadow")
		}
		return
	}
	switch {
	case e.Code == catalog.StateFuse:
		m.fused = true
	case e.Code == catalog.StateReadOnly && sh.Mode == txshadow.ModeReadOnly && (sh.tx == nil || !sh.tx.read):
		sh.note("write:" + catalog.StateReadOnly + m.now.Writer())
	case e.Code == catalog.StateProcedure && sh.tx == nil:
		sh.note("unsupported:procedure")
	case e.Code == catalog.StateLock && e.Routine == "ProcessInterrupts": // not NOWAIT, with which the application itself asked for it
		sh.note("unsupported:lock-timeout")
	}
}

// lostSession is called when the session can not be used any more.
func (m *member) lostSession(err error) error {
	var told *failure
	if errors.As(err, &told) { // it has been dealt with
		return err
	}
	n := m.lane.session
	// No savepoint of ours means that its transaction has ended.
	if st := sqlState(err); m.sh != nil && (st == catalog.StateNoSavepoint || st == catalog.StateNoTx) {
		m.lane.escaped(m.sh, "chain")
	}
	n.end()
	if m.sh != nil && !m.sh.isOver() {
		m.sh.note("unsupported:session-lost")
	}
	m.lane.log.Warn("a lane's session is lost", "err", err)
	return laneLost()
}
