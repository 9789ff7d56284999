package front

import (
	"cmp"
	"slices"
)

// roomAtOnce is the share of MaxConns that is made room for at once, so that
// not each connection has all others looked at.
const roomAtOnce = 16

// makeRoom sees to it that one more connection can be held. It closes
// connections over which nothing has come for longest. False is that there are
// none.
func (s *Server) makeRoom() bool {
	if s.MaxConns <= 0 || s.held() < s.MaxConns {
		return true
	}
	type quiet struct {
		*conn
		seen uint64
	}
	var list []quiet
	for _, c := range s.all(nil) {
		seen := c.state.Load()
		if p := phase(seen); p == idle || p == opening {
			list = append(list, quiet{c, seen})
		}
	}
	slices.SortFunc(list, func(a, b quiet) int { return cmp.Compare(a.seen>>8, b.seen>>8) })
	closed := 0
	for _, c := range list {
		if arrived(c.Conn) || !c.end(c.seen) {
			continue
		}
		c.Close()
		if closed++; closed > s.MaxConns/roomAtOnce {
			break
		}
	}
	return closed > 0
}

// held is how many connections there are.
func (s *Server) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
