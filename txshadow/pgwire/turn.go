package pgwire

import (
	"context"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// enter takes the lane's turn for frames, unless the client has it. A failure
// is for the client.
func (m *member) enter(ctx context.Context, frames []frame) error {
	if m.holds {
		return nil
	}
	if err := m.turn(ctx); err != nil || m.sh == nil || m.sh.Trace == "" || m.sh.isOver() {
		return err
	}
	foreign, writes := m.foreign(frames)
	if !foreign {
		return nil
	}
	if sh := m.sh; writes || m.inTx() {
		sh.note("unsupported:contaminated")
		return plain(StateBackground, "this statement belongs to another request than the shadow that is open, and may write")
	}
	// It waits until the shadow is no more.
	done := m.sh.done
	m.leaveTurn()
	select {
	case <-done:
	case <-ctx.Done():
		return errLeft
	}
	return m.turn(ctx)
}

func (m *member) turn(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, m.lane.cfg.TurnTimeout)
	defer cancel()
	if !m.lane.take(wait) {
		if ctx.Err() != nil {
			return fatal(stateShutdown, "terminating connection due to administrator command")
		}
		return plain(catalog.StateLock, "another connection of the lane has a transaction open, and they share one session")
	}
	m.holds = true
	l := m.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	m.sh = l.shadow
	if l.session == nil || l.session.lost || l.session.up != m.up {
		return laneLost()
	}
	return nil
}

func (m *member) leaveTurn() {
	m.holds, m.sh = false, nil
	m.lane.give()
}

// status is what ReadyForQuery says of the application's transaction.
func (m *member) status() byte {
	switch {
	case m.ghost.Load():
		return 'E'
	case !m.sh.isOpen() || m.lane.cfg.layers.noInterception:
		return m.lane.session.status
	case m.inTx():
		return m.lane.session.status
	}
	return 'I'
}

// ready tells the client that its unit is over, and gives the turn back unless
// a transaction of its own is open outside of shadows.
func (m *member) ready() {
	m.write(m.held)
	m.held = nil
	if !m.holds { // it never got the turn
		status := byte('I')
		if m.ghost.Load() {
			status = 'E'
		}
		m.write(message('Z', status))
		m.flush()
		return
	}
	status := m.status()
	if status == 'I' {
		clear(m.portals)
	}
	m.write(m.lane.newsFor(m))
	m.write(message('Z', status))
	m.flush()
	if m.sh == nil && m.lane.session.status != 'I' {
		return
	}
	m.leaveTurn()
}
