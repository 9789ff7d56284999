package front

import (
	"context"
	"time"
)

// Shutdown stops accepting, closes idle connections, and waits for the
// requests under way, which are the last of their connections. A request that
// has begun to arrive is under way; a connection that was hijacked is not. It
// is ctx.Err() when ctx ends before that: the connections are left then, and
// Close ends them.
func (s *Server) Shutdown(ctx context.Context) error {
	empty := s.stopAccepting()
	s.std.SetKeepAlivesEnabled(false)
	s.each(func(c *conn) { c.closeIdle() })
	err := s.h2.Shutdown(ctx)
	select {
	case <-empty:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	s.end()
	s.loops.Wait()
	return nil
}

// Close stops at once: connections are closed and the contexts of their
// requests end. It does not wait for handlers; Wait does.
func (s *Server) Close() error {
	s.stopAccepting()
	s.each(func(c *conn) {
		if !c.hijacked.Load() {
			c.cancel()
			c.Close()
		}
	})
	s.end()
	return nil
}

// Wait waits until no handler runs any more, those that have taken their
// connection over included, or until ctx ends. It comes after Shutdown or
// Close.
func (s *Server) Wait(ctx context.Context) error {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for s.running.Load() > 0 {
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// stopAccepting closes the listeners. The channel is closed when there is no
// connection any more.
func (s *Server) stopAccepting() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining.Store(true)
	for ln := range s.listeners {
		ln.Close()
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.emptied()
	return empty
}

// closeIdle closes the connection if nothing of a request has come.
func (c *conn) closeIdle() {
	seen := c.state.Load()
	if p := phase(seen); p != idle && p != opening {
		return
	}
	if !arrived(c.Conn) && c.end(seen) {
		c.Close()
	}
}

// end ends what start began.
func (s *Server) end() {
	s.ended.Do(func() {
		close(s.stop)
		s.toStd.Close()
		s.toH2.Close()
		s.std.Close()
		s.h2.Close()
	})
	s.own.Wait()
}
