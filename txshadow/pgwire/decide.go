package pgwire

import (
	"strings"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// action is what is done with a statement in place of the server. The zero
// action sends it there.
type action struct {
	failure *failure
	// run returns the command tag, or what the client is told instead; err is
	// for what ends the connection.
	run func() (tag string, f *failure, err error)
	// always says that it is run in a failed transaction as well.
	always bool
}

func (a action) ours() bool { return a.failure != nil || a.run != nil }

// answering answers without doing anything.
func answering(tag string) action {
	return action{run: func() (string, *failure, error) { return tag, nil, nil }}
}

// perform runs what is ours to run, and tells the client the command tag.
func (m *member) perform(act action) (*failure, error) {
	if act.failure != nil {
		return act.failure, nil
	}
	if !act.always && m.inTx() && m.lane.session.status == 'E' {
		return failedTx(), nil
	}
	tag, f, err := act.run()
	if err != nil {
		return nil, m.lostSession(err)
	}
	if f != nil {
		return f, nil
	}
	m.answer(message('C', tag))
	return nil, nil
}

// refuse notes why, and is what the client is told.
func (m *member) refuse(reason string) *failure {
	if m.sh != nil {
		m.sh.note(reason)
	}
	f := plain(StateUnsupported, "not possible in a shadow: %s", strings.TrimPrefix(reason, "unsupported:"))
	f.hint = "The request is not compared. See docs/lanes.md of Quack."
	return f
}

func (m *member) refusing(reason string) action { return action{failure: m.refuse(reason)} }

// mayBeOurs says that a statement may need to be run by us, and so has to stand
// alone.
func (m *member) mayBeOurs(st *sqltext.Statement) bool {
	switch {
	case m.lane.cfg.layers.noInterception:
		return false
	case m.ghost.Load(), m.sh != nil && m.sh.isOver():
		return true
	case m.sh == nil:
		return m.decideOutside("", *st).ours() || st.Control.Kind == sqltext.SetSession && st.Refusal != ""
	}
	switch st.Control.Kind {
	case sqltext.ControlNone, sqltext.Prepare, sqltext.SetSession, sqltext.DropOnCommit, sqltext.DeleteOnCommit:
		return st.Refusal != "" || st.Blocks != "" || st.Guard != "" || st.AllImmediate || st.Writable || st.Leak == "cursor"
	}
	return true
}

// decide says what is done with a statement.
func (m *member) decide(sql string, st sqltext.Statement) action {
	switch {
	case m.lane.cfg.layers.noInterception:
		return action{}
	case m.ghost.Load():
		return m.decideGhost(st)
	case m.sh == nil:
		return m.decideOutside(sql, st)
	case m.sh.isOver():
		return action{failure: shadowOver()}
	}
	if c := st.Control; c.Kind >= sqltext.Begin && c.Kind <= sqltext.SetTransaction {
		return m.decideTransaction(sql, st)
	}
	return m.decideInside(sql, st)
}

// decideGhost is for a client whose transaction was rolled back with its
// shadow: it has to end it before anything else is taken.
func (m *member) decideGhost(st sqltext.Statement) action {
	if k := st.Control.Kind; k != sqltext.Commit && k != sqltext.Rollback {
		return action{failure: failedTx()}
	}
	return action{always: true, run: func() (string, *failure, error) {
		m.ghost.Store(false)
		return "ROLLBACK", nil, nil
	}}
}

// decideOutside is for what an instance does by itself. The session can not
// write, and must stay so.
func (m *member) decideOutside(sql string, st sqltext.Statement) action {
	c := st.Control
	switch {
	case (c.Kind == sqltext.Begin || c.Kind == sqltext.SetTransaction) && c.ReadWrite, st.Writable, st.Lasting:
		return action{failure: plain(StateBackground, "outside of a shadow nothing of this instance can write")}
	case c.Kind >= sqltext.Begin && c.Kind <= sqltext.RollbackTo && !strings.Contains(st.Refusal, "savepoint"), st.Refusal == "unsupported:isolation":
		return action{}
	case st.Refusal == "unsupported:session-characteristics" && sql != "" && !strings.Contains(strings.ToLower(sql), "write"):
		return action{}
	}
	if act, settled := m.decideSettings(sql, st); settled {
		return act
	}
	if st.Refusal != "" {
		return m.refusing(twoPhase(st.Refusal))
	}
	return action{}
}

// decideSettings answers what is asked of the session as a whole.
func (m *member) decideSettings(sql string, st sqltext.Statement) (_ action, settled bool) {
	c := st.Control
	switch {
	case c.Kind == sqltext.DiscardAll:
		return action{run: func() (string, *failure, error) { return "DISCARD ALL", nil, m.dropStatements() }}, true
	case c.Kind == sqltext.Deallocate && c.Name == "":
		return action{run: func() (string, *failure, error) { return "DEALLOCATE ALL", nil, m.dropStatements() }}, true
	case c.Kind == sqltext.SetSession && (c.Name == "client_encoding" || c.Name == "names") && sql != "":
		if m.sameEncoding(sql[c.NameEnd:st.End]) {
			return answering("SET"), true
		}
	case c.Kind == sqltext.Execute:
		if p := m.statements[c.Name]; p != nil {
			for _, inner := range p.stmts {
				if inner.Refusal != "" || inner.Blocks != "" || inner.Control.Kind != sqltext.ControlNone {
					return m.refusing("unsupported:execute"), true
				}
			}
		}
	}
	return action{}, false
}

// sameEncoding reports whether what stands behind SET client_encoding is the
// encoding that the session has.
func (m *member) sameEncoding(to string) bool {
	fold := func(s string) string {
		s = strings.Map(func(r rune) rune {
			if strings.ContainsRune(" \t\n'\"=-_;", r) {
				return -1
			}
			return r
		}, strings.ToLower(s))
		if s = strings.TrimPrefix(s, "to"); s == "unicode" {
			return "utf8"
		}
		return s
	}
	return fold(to) == fold(m.lane.session.up.params["client_encoding"])
}

func twoPhase(reason string) string {
	if strings.HasSuffix(reason, "-prepared") || reason == "escape:prepare-transaction" {
		return "unsupported:two-phase"
	}
	return reason
}

// decideInside is for all but transaction control, in a shadow.
func (m *member) decideInside(sql string, st sqltext.Statement) action {
	if act, settled := m.decideSettings(sql, st); settled {
		return act
	}
	sh := m.sh
	switch {
	case st.Guard != "" && !(st.GuardTo > 0 && st.GuardTo < sh.armed.bound(st.Guard)):
		return answering(strings.ToUpper(st.Verb))
	case st.Refusal != "":
		return m.refusing(twoPhase(st.Refusal))
	case st.Writable && sh.Mode == txshadow.ModeReadOnly: // RESET works at any time
		return m.refusing("unsupported:read-write")
	case st.Blocks != "" && sh.Mode == txshadow.ModeRollback:
		return m.refusing(st.Blocks)
	case st.AllImmediate:
		return action{run: m.allImmediate}
	case st.Leak == "cursor" && !m.inTx():
		return action{failure: plain(catalog.StateNoTx, "DECLARE CURSOR can only be used in transaction blocks")}
	case st.Control.Kind == sqltext.SetLocal && !m.inTx():
		return action{run: func() (string, *failure, error) {
			m.answer(warning(catalog.StateNoTx, "SET LOCAL can only be used in transaction blocks").frame())
			return "SET", nil, nil
		}}
	case st.Control.Kind == sqltext.SetLocal:
		return action{run: func() (string, *failure, error) { return m.setLocal(sql[st.Start:st.End], st.Control.Name) }}
	}
	return action{}
}

// passing notes what a statement that goes to the server will leave behind.
func (m *member) passing(st sqltext.Statement) {
	sh := m.sh
	m.now = sqltext.Sent{st}
	if sh == nil || sh.armed == nil || m.lane.cfg.layers.noInterception {
		return
	}
	if sh.leaked != "" {
		sh.note("unsupported:" + sh.leaked)
	}
	if st.Writes {
		m.writing()
	}
	if !m.inTx() {
		if st.Leak != "" {
			sh.leaked = st.Leak
		}
		return
	}
	switch c := st.Control; {
	case c.Kind == sqltext.SetSession:
		delete(sh.tx.locals, c.Name)
	case c.Kind == sqltext.DropOnCommit || c.Kind == sqltext.DeleteOnCommit:
		sh.tx.temps = append(sh.tx.temps, c)
	case st.Leak == "cursor":
		sh.tx.cursors = true
	case st.Leak == "set-constraints":
		sh.tx.constraints = true
	case st.Leak != "":
		sh.tx.leak = st.Leak
	}
}

// writing counts the savepoints that write.
func (m *member) writing() {
	sh := m.sh
	sh.books.Stale, sh.unchecked = true, true
	if sh.tx != nil && !m.inTx() {
		// The other's ROLLBACK will take it back here, and there not.
		sh.note("unsupported:concurrent-writes")
	}
	switch {
	case m.inTx() && !sh.tx.wrote:
		sh.tx.wrote = true
		sh.writers++
	case m.covered != nil && !m.wrote:
		m.wrote = true
		sh.writers++
	}
}
