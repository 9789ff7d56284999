package pgwire

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// The extended protocol: what a client sends up to its Sync or Flush is kept,
// and then gone through message by message. What goes to the server is
// gathered into segments; where a statement is ours to run, the segment before
// it is sent and answered first.

// collect keeps a message until Sync or Flush.
func (m *member) collect(f frame) error {
	if m.skipping {
		return nil
	}
	m.size += len(f)
	if m.size > m.lane.cfg.MaxGroup {
		return fatal(StateUnsupported, "more than %d bytes of messages without a Sync or Flush", m.lane.cfg.MaxGroup)
	}
	m.pending = append(m.pending, f)
	return nil
}

// finishGroup runs what is kept. sync says that a Sync has come, else it was a
// Flush.
func (m *member) finishGroup(ctx context.Context, sync bool) error {
	frames := m.pending
	m.pending, m.size = nil, 0
	if !m.skipping && (len(frames) > 0 || sync) {
		if err := m.runGroup(ctx, frames, sync); err != nil {
			return err
		}
	}
	if !sync || m.swallowed {
		m.swallowed = false
		m.flush()
		return nil
	}
	if m.holds {
		if err := m.boundary(); err != nil {
			return err
		}
	}
	m.skipping = false
	m.ready()
	return nil
}

func (m *member) runGroup(ctx context.Context, frames []frame, sync bool) error {
	if err := m.enter(ctx, frames); err != nil {
		return m.refused(err)
	}
	for _, f := range frames {
		if m.skipping {
			break
		}
		if err := m.step(f); err != nil {
			return err
		}
	}
	if m.skipping {
		m.drop()
		return nil
	}
	return m.sendSegment(sync)
}

// refused tells a failure that leaves the client connected.
func (m *member) refused(err error) error {
	var f *failure
	if errors.As(err, &f) && f.severity != "FATAL" {
		m.fail(f)
		return nil
	}
	return err
}

// step takes one message into the segment, or runs what it asks for.
func (m *member) step(f frame) error {
	switch f.kind() {
	case 'P':
		return m.stepParse(f)
	case 'B':
		return m.stepBind(f)
	case 'E':
		return m.stepExecute(f)
	}
	if len(f) < headerLen+2 {
		return fatal(stateProtocol, "invalid message format")
	}
	of, body := f[headerLen], f.body()[1:]
	name, _, ok := field(body)
	if !ok || of != 'S' && of != 'P' {
		return fatal(stateProtocol, "invalid message format")
	}
	e := expect{kind: f.kind()}
	if f.kind() == 'D' {
		if err := m.unnamed(of == 'S' && name == ""); err != nil {
			return err
		}
	} else if of == 'S' {
		e.undo = set(m.statements, name, nil)
	} else {
		e.undo = set(m.portals, name, nil)
	}
	return m.push(message(f.kind(), of, m.wire(name)), e)
}

func (m *member) stepParse(f frame) error {
	name, rest, ok := field(f.body())
	if !ok {
		return fatal(stateProtocol, "invalid message format")
	}
	sql, rest, ok := field(rest)
	if !ok {
		return fatal(stateProtocol, "invalid message format")
	}
	p := &parsed{sql: sql, stmts: m.split(sql)}
	p.frame = message('P', m.wire(name), m.renamed(sql, p.stmts), rest)
	undo := set(m.statements, name, p) // when there is one of that name, the server refuses it
	if name != "" {
		return m.push(p.frame, expect{kind: 'P', undo: undo})
	}
	m.lane.unnamed = m
	return m.push(p.frame, expect{kind: 'P', undo: func() { undo(); m.strayed() }, fail: func() { m.statements[""] = nil }})
}

func (m *member) stepBind(f frame) error {
	portal, rest, ok := field(f.body())
	if !ok {
		return fatal(stateProtocol, "invalid message format")
	}
	name, rest, ok := field(rest)
	if !ok {
		return fatal(stateProtocol, "invalid message format")
	}
	if err := m.unnamed(name == ""); err != nil {
		return err
	}
	b := &bound{parsed: m.statements[name]}
	if b.parsed != nil && len(b.stmts) == 1 && b.stmts[0].SetsConfig {
		b.refusal = protectedParameter(rest)
	}
	undo := set(m.portals, portal, b)
	return m.push(message('B', m.wire(portal), m.wire(name), rest), expect{kind: 'B', undo: undo})
}

// protectedParameter looks at the parameters of a Bind for names of settings
// that are not to be set.
func protectedParameter(rest []byte) string {
	if len(rest) < 2 {
		return ""
	}
	formats := int(binary.BigEndian.Uint16(rest))
	if rest = rest[2:]; len(rest) < 2*formats+2 {
		return ""
	}
	rest = rest[2*formats+2:]
	for len(rest) >= 4 {
		n := int(int32(binary.BigEndian.Uint32(rest)))
		if rest = rest[4:]; n < 0 {
			continue
		}
		if n > len(rest) {
			return ""
		}
		if why := sqltext.ProtectedText(string(rest[:n])); why != "" {
			return why
		}
		rest = rest[n:]
	}
	return ""
}

// unnamed sees to it that the session's unnamed statement is this client's,
// when it is needed: clients keep theirs, though they share a session.
func (m *member) unnamed(needed bool) error {
	own := m.statements[""]
	if !needed || m.lane.unnamed == m {
		return nil
	}
	m.lane.unnamed = m
	if own == nil { // the server has to say that there is none
		return m.push(message('C', byte('S'), ""), expect{undo: m.strayed})
	}
	return m.push(own.frame, expect{undo: m.strayed, fail: func() { m.statements[""] = nil }})
}

// strayed says that nobody knows whose unnamed statement the session has.
func (m *member) strayed() { m.lane.unnamed = nil }

func (m *member) stepExecute(f frame) error {
	portal, rest, ok := field(f.body())
	if !ok || len(rest) != 4 {
		return fatal(stateProtocol, "invalid message format")
	}
	b := m.portals[portal]
	if b == nil { // to us it has ended; so it must for the server
		if err := m.push(message('C', byte('P'), m.wire(portal)), expect{}); err != nil || m.skipping {
			return err
		}
	}
	if b != nil && b.parsed != nil && len(b.stmts) > 0 {
		st := b.stmts[0]
		act := m.decide(b.sql, st)
		if len(b.stmts) > 1 && !m.lane.cfg.layers.noInterception { // the server has seen one: somebody reads it wrong
			act = m.refusing("unsupported:statement")
		}
		if b.refusal != "" && act.failure == nil {
			act = m.refusing(b.refusal)
		}
		if act.ours() {
			return m.instead(act)
		}
		if err := m.cover(); err != nil || m.skipping {
			return err
		}
		m.passing(st)
		m.copies = m.copies || st.Verb == "copy"
	}
	return m.push(message('E', m.wire(portal), rest), expect{kind: 'E'})
}

// instead runs what is ours to run, behind the segment before it.
func (m *member) instead(act action) error {
	if err := m.sendSegment(true); err != nil || m.skipping {
		return err
	}
	if f, err := m.perform(act); err != nil {
		return err
	} else if f != nil {
		m.fail(f)
	}
	return nil
}

// push takes a message into the segment, behind the savepoint of its implicit
// transaction.
func (m *member) push(f frame, e expect) error {
	if err := m.cover(); err != nil || m.skipping {
		return err
	}
	m.segment = append(m.segment, f)
	m.expects = append(m.expects, e)
	return nil
}

// sendSegment sends the segment and passes the answers on. With sync the
// server has answered ReadyForQuery when it returns, which the client does not
// see; but for a COPY from the client, whose Sync the server leaves out.
func (m *member) sendSegment(sync bool) error {
	if !sync && len(m.segment) == 0 {
		return nil
	}
	n, frames, now := m.lane.session, m.segment, sync && !m.copies
	m.segment, m.copies, m.copied, m.unsynced = nil, false, false, !now
	m.lane.window.open(m)
	err := n.send(append(frames, m.ending(now))...)
	if err == nil {
		err = m.relay(now)
	}
	switch {
	case err != nil || now:
	case m.skipping, sync && !m.copied: // the server waits for a Sync
		m.unsynced = false
		if err = n.send(message('S')); err == nil {
			err = m.relay(true)
		}
	}
	m.swallowed, m.copied = sync && m.copied, false
	m.lane.window.shut()
	if err != nil {
		return m.lostSession(err)
	}
	return m.watch()
}

func (m *member) ending(sync bool) frame {
	if sync {
		return message('S')
	}
	return message('H')
}

// relay passes answers on, up to ReadyForQuery, or without sync up to that of
// the last message.
func (m *member) relay(sync bool) error {
	n := m.lane.session
	for sync || len(m.expects) > 0 {
		if n.r.Buffered() == 0 {
			m.flush()
		}
		f, err := n.read()
		if err != nil {
			return err
		}
		switch f.kind() {
		case 'Z':
			m.undo()
			return nil
		case 'E':
			m.observe(f)
			m.answer(m.original(f))
			m.skipping = true
			m.undo()
			if !sync {
				return nil
			}
		case 'S':
			m.lane.tell(m, f)
		case 'N', 'A':
			m.write(f)
		case 'G', 'W':
			m.answer(f)
			m.flush()
			m.copied = true
			if err := m.copyIn(); err != nil {
				return err
			}
		default:
			m.answered(f)
		}
	}
	return nil
}

// drop takes back a segment that is not sent.
func (m *member) drop() {
	for i := len(m.expects) - 1; i >= 0; i-- {
		if m.expects[i].undo != nil {
			m.expects[i].undo()
		}
	}
	m.segment, m.expects = nil, nil
}

// undo takes back what the server has refused or skipped.
func (m *member) undo() {
	refused := m.expects
	m.drop()
	if len(refused) > 0 && refused[0].fail != nil {
		refused[0].fail()
	}
}

// answered passes an answer on, and pops what it was expected for.
func (m *member) answered(f frame) {
	if len(m.expects) == 0 || !strings.ContainsRune("123nTCIsV", rune(f.kind())) {
		m.answer(f)
		return
	}
	e := m.expects[0]
	m.expects = m.expects[1:]
	if e.kind != 0 {
		m.answer(f)
	}
}

// answer passes a message on. That a simple query's statement is complete is
// held back until what comes next shows how its transaction ends.
func (m *member) answer(f frame) {
	m.write(m.held)
	m.held = nil
	if m.inQuery && (f.kind() == 'C' || f.kind() == 'I') {
		m.held = f
		return
	}
	m.write(f)
}
