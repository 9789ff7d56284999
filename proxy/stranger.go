package proxy

import (
	"net/http"
	"net/netip"
	"slices"
	"sync"
)

// maxStrangers bounds the peers that are warned of: any client can send the
// fields, and a log is not a client's to fill.
const maxStrangers = 4

// strangers are the peers that spoke of clients before them without being
// trusted to. One of them is likely a load balancer that nobody has named.
type strangers struct {
	mu  sync.Mutex
	met []netip.Addr
}

// meet warns once of each of the first few peers whose word is dropped.
func (s *strangers) meet(l *life, h http.Header) {
	if len(h["X-Forwarded-For"]) == 0 && len(h["Forwarded"]) == 0 || !s.add(l.peer) {
		return
	}
	l.Log.Warn("a peer that is not trusted says who its client is, which is not believed: clients behind it are told apart by its address only\n"+
		"if it is your load balancer, name it in --trusted (QUACK_TRUSTED)", "peer", l.peer.String())
}

// add reports whether the peer is a new one that there is still room for.
func (s *strangers) add(peer netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.met) == maxStrangers || slices.Contains(s.met, peer) {
		return false
	}
	s.met = append(s.met, peer)
	return true
}
