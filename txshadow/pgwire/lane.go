package pgwire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/quackproxy/quack/txshadow"
)

// LaneConfig says how a lane protects others. The zero value is right for most.
type LaneConfig struct {
	WallCap     time.Duration // the most that a shadow's transaction is open; default 500ms
	LockTimeout time.Duration // how long a shadow waits for locks of others; default 50ms
	// Patience is how long Open waits for a transaction that the instance has
	// open by itself; default 100ms.
	Patience time.Duration
	// TurnTimeout is how long a client waits for another client's transaction
	// outside of shadows; default 5s.
	TurnTimeout time.Duration
	// MaxGroup is how much of a client's pipelined messages is kept, in bytes,
	// until they are sent together; default 16 MiB.
	MaxGroup int
	// Alarm is told when a shadow's transaction has ended behind our back, and
	// something may have been written. It must not block. May be nil.
	Alarm func(id, reason string)

	layers layers
	seize  time.Duration // seizePatience in place of its default
}

func (c *LaneConfig) defaults() {
	for _, d := range []struct {
		to *time.Duration
		is time.Duration
	}{{&c.WallCap, 500 * time.Millisecond}, {&c.LockTimeout, 50 * time.Millisecond}, {&c.Patience, 100 * time.Millisecond}, {&c.TurnTimeout, 5 * time.Second}, {&c.seize, seizePatience}} {
		if *d.to <= 0 {
			*d.to = d.is
		}
	}
	if c.MaxGroup <= 0 {
		c.MaxGroup = 16 << 20
	}
}

// Lane is the one session that all connections of a backend instance share, and
// the shadow that is open on it. Safe for concurrent use.
//
// Outside of shadows the session is read-only: what the instance does by
// itself can not write. It is opened for the first client, and closed behind
// the last one.
type Lane struct {
	server *Server
	cfg    LaneConfig
	log    *slog.Logger

	turn   chan struct{} // holds a token while the session is used; who put it there owns held
	window window

	mu         sync.Mutex
	members    map[*member]struct{}
	shadow     *shadow // open, or over and not closed yet
	quarantine string  // why nothing more is taken
	serial     int

	held
}

// held belongs to who has the turn.
type held struct {
	session *session // nil without clients
	unnamed *member  // whose unnamed statement the session has
}

// Errors of Open.
var (
	ErrBusy       = errors.New("the lane is busy: a shadow is open, or a transaction of the instance's own")
	ErrQuarantine = errors.New("the lane is in quarantine: a shadow's transaction has ended behind our back\n  compare what it may have written, then release the lane")
)

func newLane(s *Server, cfg LaneConfig) *Lane {
	cfg.defaults()
	return &Lane{server: s, cfg: cfg, log: s.log, turn: make(chan struct{}, 1), members: map[*member]struct{}{}}
}

// Open opens a shadow: from now on, what the instance sends belongs to it. It
// returns when the transaction that can not commit is open; when no client is
// connected, that is done when the first one comes. ctx limits the wait for
// the lane.
func (l *Lane) Open(ctx context.Context, s Shadow) error {
	if s.Mode != txshadow.ModeRollback && s.Mode != txshadow.ModeReadOnly {
		return fmt.Errorf("a lane knows no shadows of mode %q", s.Mode)
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Patience)
	defer cancel()
	if !l.take(ctx) {
		return ErrBusy
	}
	defer l.give()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.quarantine != "":
		return ErrQuarantine
	case l.shadow != nil:
		return ErrBusy
	}
	sh := newShadow(l, s)
	if l.session != nil && !l.session.lost {
		if err := l.armShadow(sh); err != nil {
			return fmt.Errorf("open a shadow: %w", err)
		}
	}
	l.shadow = sh
	go l.watch(sh)
	return nil
}

// armShadow opens the transaction of sh, or leaves the session without one.
func (l *Lane) armShadow(sh *shadow) error {
	a, base, err := l.session.arm(sh.Mode, sh.budget, l.cfg.LockTimeout, l.cfg.layers)
	if err != nil {
		if !l.session.lost && l.session.status != 'I' {
			if _, back := l.session.run("ROLLBACK"); back != nil {
				l.session.end()
			}
		}
		return err
	}
	sh.armed = a
	sh.books.Last, sh.books.Void = base, base
	return nil
}

// Prove opens a shadow and rolls it back: an error says why the lane can not
// hold one. It is the proof of rollback that has to come before any write.
func (l *Lane) Prove(ctx context.Context) error {
	if err := l.Open(ctx, Shadow{ID: "proof", Mode: txshadow.ModeRollback, Budget: l.cfg.WallCap}); err != nil {
		return err
	}
	out := l.Close(ctx)
	if !out.RolledBack {
		return fmt.Errorf("the proof was not rolled back: %s", out.Reason)
	}
	return nil
}

// Release ends a quarantine.
func (l *Lane) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quarantine = ""
}

// take waits for the turn.
func (l *Lane) take(ctx context.Context) bool {
	select {
	case l.turn <- struct{}{}:
		return true
	default:
	}
	select {
	case l.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *Lane) give() { <-l.turn }

// join brings a client in, and returns what it is told of the session.
func (l *Lane) join(ctx context.Context, m *member) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.server.cfg.LoginTimeout)
	defer cancel()
	if !l.take(ctx) {
		return nil, plain(StateOver, "the lane was busy for too long")
	}
	defer l.give()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.quarantine != "" {
		return nil, fatal(StateQuarantine, "the lane is in quarantine: %s", l.quarantine)
	}
	if l.session != nil && l.session.lost {
		l.session.end()
		l.session = nil
	}
	if l.session == nil {
		if err := l.begin(ctx, m.params); err != nil {
			return nil, err
		}
	}
	if err := l.session.fits(m.params); err != nil {
		return nil, err
	}
	l.serial++
	m.id = l.serial
	m.up = l.session.up
	l.members[m] = struct{}{}
	return maps.Clone(l.session.up.params), nil
}

// begin opens the session, and the transaction of the shadow that waits for it.
func (l *Lane) begin(ctx context.Context, params map[string]string) (err error) {
	l.unnamed = nil
	if l.session, err = l.server.openSession(ctx, params, l.cfg.layers); err != nil {
		return err
	}
	sh := l.shadow
	if sh == nil || sh.over || sh.armed != nil {
		return nil
	}
	if err = l.armShadow(sh); err != nil {
		l.log.Error("open the transaction of a shadow", "shadow", sh.ID, "err", err)
		sh.noteLocked("unsupported:arm")
		l.session.end()
		l.session = nil
		return fatal(stateUnreachable, "the shadow's transaction can not be opened")
	}
	return nil
}

// leave takes a client out. What it has left open is rolled back, and its
// statements are closed. Behind the last one the session is closed.
func (l *Lane) leave(ctx context.Context, m *member) {
	if !m.holds {
		l.turn <- struct{}{} // whoever has it gives it back within its limits
	}
	defer l.give()
	l.mu.Lock()
	delete(l.members, m)
	last := len(l.members) == 0 && l.shadow == nil
	sh := l.shadow
	l.mu.Unlock()
	if l.unnamed == m {
		l.unnamed = nil
	}
	switch {
	case l.session == nil:
	case last || l.session.lost || m.holds && m.sh == nil && l.session.status != 'I':
		// Others get a new session with their next connection.
		l.session.end()
		if last {
			l.session = nil
		}
	default:
		m.sh = sh
		m.cleanUp()
	}
}

// shutDown ends the session under whoever uses it.
func (l *Lane) shutDown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for m := range l.members {
		if m.up != nil {
			m.up.close()
		}
	}
}

// tell keeps for the others what the server has told of a parameter, and gives
// it to m at once.
func (l *Lane) tell(m *member, f frame) {
	m.write(f)
	l.mu.Lock()
	defer l.mu.Unlock()
	for other := range l.members {
		if other != m {
			other.news = append(other.news, f...)
		}
	}
}

func (l *Lane) newsFor(m *member) frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := m.news
	m.news = nil
	return news
}
