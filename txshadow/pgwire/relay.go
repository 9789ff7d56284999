package pgwire

import "strings"

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
			m.failed(f)
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

// failed passes the server's error on.
func (m *member) failed(f frame) {
	m.observe(f)
	m.answer(m.original(f))
	m.skipping = true
	m.undo()
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
