package pgwire

import "sync"

// copying is a client's data on its way to the server while the server's
// answers are read.
type copying struct {
	mu   sync.Mutex
	over bool // the server takes no more
	odd  byte // kind of a message that has no place in a COPY, 0 when none came
}

func (c *copying) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// send writes f to the session, and reports whether the COPY still runs. When
// it does not, f is dropped, as the server would.
func (c *copying) send(n *session, f frame) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	n.up.conn.Write(f) // that it is gone is seen by who reads
	return true
}

// violate ends a COPY for a message that has no place in it.
func (c *copying) violate(n *session, kind byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.odd = kind
		n.up.conn.Write(message('f', "a message that has no place in a COPY"))
	}
}

// copyIn lets the client's data through until the server has had enough or
// all of it.
func (m *member) copyIn() error {
	c := &copying{}
	defer c.end()
	done := make(chan struct{})
	m.copying = done
	go m.pump(c, done)
	for {
		f, err := m.lane.session.read()
		if err != nil {
			return err
		}
		switch f.kind() {
		case 'E':
			c.end()
			if c.odd != 0 {
				return m.lostStep(c.odd)
			}
			m.failed(f)
			m.flush() // so that the client stops
			return nil
		case 'S':
			m.lane.tell(m, f)
		case 'N', 'A':
			m.write(f)
		default: // the data has come to its end
			m.answered(f)
			return nil
		}
	}
}

// lostStep ends a client that has sent a message of kind odd in a COPY, with
// PostgreSQL's words. The session is put in order for the others.
func (m *member) lostStep(odd byte) error {
	m.write(plain(stateProtocol, "unexpected message type 0x%02X during COPY from stdin", odd).frame())
	n := m.lane.session
	if !m.inQuery {
		if err := n.send(message('S')); err != nil {
			return err
		}
	}
	m.unsynced = false
	if _, err := n.answers(); n.lost {
		return err
	}
	return fatal(stateProtocol, "terminating connection because protocol synchronization was lost")
}

// pump copies the client's data of a COPY. It ends with the data, and with
// the first message that is none, which it keeps for next.
func (m *member) pump(c *copying, done chan struct{}) {
	defer close(done)
	n := m.lane.session
	for {
		f, err := readFrame(m.r, maxFrame)
		if err != nil {
			c.send(n, message('f', "the client has left"))
			return
		}
		switch f.kind() {
		case 'd':
			c.send(n, f)
		case 'c', 'f':
			c.send(n, f)
			return
		default:
			running := c.send(n, nil)
			if running && (f.kind() == 'H' || f.kind() == 'S') { // PostgreSQL ignores them in a COPY
				continue
			}
			m.stashed = f
			c.violate(n, f.kind())
			return
		}
	}
}
