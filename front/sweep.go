package front

import (
	"net/http"
	"time"
)

// sweepEvery is the step in which time limits are held and departed clients
// are looked for. A deadline on each read would cost each request a timer.
const sweepEvery = 100 * time.Millisecond

// sweep looks at all connections again and again until the server has ended.
func (s *Server) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var list []*conn
	for {
		select {
		case <-s.stop:
			return
		case now := <-tick.C:
			s.setDate(now)
			ticks := s.ticks.Add(1)
			list = s.all(list[:0])
			for _, c := range list {
				s.look(c, ticks)
			}
			clear(list)
		}
	}
}

// look ends what has taken too long, and the request of a client that has gone.
func (s *Server) look(c *conn, now uint64) {
	seen := c.state.Load()
	lasted := now - min(now, seen>>8)
	switch phase(seen) {
	case opening, reading:
		if lasted > sweeps(s.OpenTimeout) && c.end(seen) {
			c.Close()
		}
	case idle:
		if lasted > sweeps(s.IdleTimeout) && c.end(seen) {
			c.Close()
		}
	case busy:
		if c.stuck(now, sweeps(s.WriteTimeout)) && c.end(seen) {
			c.Close()
		} else if due(lasted) && c.whole.Load() && gone(c.Conn) {
			c.cancel()
		}
	}
}

func sweeps(d time.Duration) uint64 { return uint64((d + sweepEvery - 1) / sweepEvery) }

// due spaces out the questions whether a client is still there: at every sweep
// at first, once a second for what takes long. A short request is never asked.
func due(lasted uint64) bool {
	switch {
	case lasted < 1:
		return false
	case lasted < 10:
		return true
	default:
		return lasted%10 == 0
	}
}

// setDate writes the Date of answers anew when the second has changed.
func (s *Server) setDate(now time.Time) {
	if second := now.Unix(); s.second.Swap(second) != second {
		text := now.UTC().Format(http.TimeFormat)
		s.date.Store(&text)
	}
}
