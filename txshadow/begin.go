package txshadow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// minPool is the least MaxConns of a pool that reading shadows borrow from:
// of fewer connections, one is more than a quarter, and live requests wait.
const minPool = 4

// begin finds a place for a shadow and, for one that writes, arms its session.
// reason says why nothing has been started.
func (a *Adapter) begin(ctx context.Context, request *Shadow) (tx Transaction, reason string) {
	s := newWork(a, request)
	if s.free, reason = a.start(ctx, s); reason != "" {
		return nil, reason
	}
	return s, ""
}

// start is begin for the work of a shadow. free gives the place back.
func (a *Adapter) start(ctx context.Context, s *shadow) (free func(), reason string) {
	if s.mode == ModeReadOnly {
		if s.attach = s.attachToPool; a.live == nil {
			s.attach = s.attachToSession
		} else if a.live.Config().MaxConns < minPool {
			return nil, "unsupported:pool-size"
		}
		select {
		case a.reading <- struct{}{}:
			return func() { <-a.reading }, ""
		case <-ctx.Done():
			return nil, "unsupported:busy"
		}
	}
	select {
	case a.writing <- struct{}{}:
		free = func() { <-a.writing }
	default:
		return nil, "unsupported:busy"
	}
	session, err := a.armed(ctx, time.Until(s.deadline))
	if err == nil && !session.flushed {
		err = s.openBooks(ctx, session)
	}
	a.sessions.Refill()
	if err != nil {
		free()
		if ctx.Err() != nil {
			return nil, "budget"
		}
		if errors.Is(err, catalog.ErrSerializable) {
			a.log.Warn("a shadow write was not run", "request", s.id, "err", err)
			return nil, "unsupported:isolation"
		}
		a.log.Error("a shadow write was not run", "request", s.id, "err", err)
		return nil, "unsupported:arm"
	}
	s.session = session
	return free, ""
}

// openBooks takes what the session has written before as void.
func (s *shadow) openBooks(ctx context.Context, session *session) error {
	results, err := session.control(ctx, session.countsSQL)
	if err == nil {
		s.books.Last, err = catalog.Counted(results[0].Rows)
		s.books.Void = s.books.Last
	}
	if err != nil {
		session.release()
	}
	return err
}

// attachToPool begins the transaction of a reading shadow on a connection of
// the application's pool.
func (s *shadow) attachToPool(ctx context.Context) (*session, error) {
	conn, err := s.adapter.live.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	session := &session{conn: conn.Conn(), release: sync.OnceFunc(conn.Release), openSQL: catalog.Open}
	if err := session.beginReadOnly(ctx, time.Until(s.deadline), s.adapter.lockTimeout); err != nil {
		if errors.Is(err, catalog.ErrSerializable) { // the connection is as it was
			session.release()
			s.log.Warn("a reading shadow was not run", "err", err)
			return nil, s.refuse("unsupported:isolation")
		}
		closeConn(session.conn)
		session.release()
		return nil, fmt.Errorf("begin the transaction of a reading shadow: %w", err)
	}
	return session, nil
}

// attachToSession begins the transaction of a reading shadow on a session of
// its own, where there is no pool.
func (s *shadow) attachToSession(ctx context.Context) (*session, error) {
	session, _, err := s.adapter.sessions.Take(ctx)
	if err != nil {
		return nil, err
	}
	s.adapter.sessions.Refill()
	if err := session.beginReadOnly(ctx, time.Until(s.deadline), s.adapter.lockTimeout); err != nil {
		session.release()
		if errors.Is(err, catalog.ErrSerializable) {
			s.log.Warn("a reading shadow was not run", "err", err)
			return nil, s.refuse("unsupported:isolation")
		}
		return nil, fmt.Errorf("begin the transaction of a reading shadow: %w", err)
	}
	return session, nil
}
