package upstream

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Retries of a backend are at most a fifth of its requests, and so many
// whatever the traffic, in so many seconds. What could not be sent at all costs
// no instance anything, and is not counted.
const (
	retryShare  = 5 // one in so many
	retryFree   = 10
	retryWindow = 10 // seconds
)

// retryBudget keeps requests sent twice from doubling the load of a backend
// that is down with it. Safe for concurrent use.
type retryBudget struct {
	mu      sync.Mutex
	seconds [retryWindow]retrySecond
}

type retrySecond struct {
	at       int64 // Unix
	requests int
	retries  int
}

// request counts a request that is sent for the first time.
func (r *retryBudget) request(now time.Time) {
	r.mu.Lock()
	r.second(now).requests++
	r.mu.Unlock()
}

// second is where now is counted. mu is held.
func (r *retryBudget) second(now time.Time) *retrySecond {
	at := now.Unix()
	s := &r.seconds[at%retryWindow]
	if s.at != at {
		*s = retrySecond{at: at}
	}
	return s
}

// take takes one retry, if there is one left.
func (r *retryBudget) take(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	this := r.second(now)
	requests, retries := 0, 0
	for _, s := range r.seconds {
		if now.Unix()-s.at < retryWindow {
			requests += s.requests
			retries += s.retries
		}
	}
	if retries >= retryFree+requests/retryShare {
		return false
	}
	this.retries++
	return true
}

// Retry reports whether a request that may have reached an instance may be sent
// to another one, and counts it. Of late requests one in five may, and ten in
// ten seconds always.
func (b *Backend) Retry() bool {
	if !b.retries.take(time.Now()) {
		b.counts.retriesRefused.Add(1)
		return false
	}
	b.counts.retries.Add(1)
	return true
}

// Lost reports whether a call failed because its connection was lost before the
// answer's head had come. The request may have been received and acted upon.
func Lost(err error) bool {
	for _, one := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED} {
		if errors.Is(err, one) {
			return true
		}
	}
	if err == nil {
		return false
	}
	// The engines have no type for these.
	for _, text := range []string{"server closed idle connection", "http2: server sent GOAWAY", "http2: client connection lost"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}
