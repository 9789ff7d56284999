package pgwire

import (
	"context"
	"encoding/binary"
	"errors"

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
