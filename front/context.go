package front

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// requestContext is the context of a request in the fast lane. It ends when
// the handler has returned, the client has gone, or the server's own context
// has ended. What hangs on it costs no goroutine.
type requestContext struct {
	base   context.Context // for values; its end is passed on by the server
	server *http.Server
	local  net.Addr

	mu    sync.Mutex
	done  chan struct{} // made when it is asked for
	err   error
	first func()    // the first that hangs on it, which mostly is the only one
	turn  int       // of first: how many have been
	after []*func() // the others
}

var closedChan = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Deadline is the base's.
func (c *requestContext) Deadline() (time.Time, bool) { return c.base.Deadline() }

// Done is closed when the request has ended.
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		if c.err != nil {
			return closedChan
		}
		c.done = make(chan struct{})
	}
	return c.done
}

// Err is context.Canceled when the request has ended.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Value knows the keys of net/http's server.
func (c *requestContext) Value(key any) any {
	switch key {
	case http.ServerContextKey:
		return c.server
	case http.LocalAddrContextKey:
		return c.local
	}
	return c.base.Value(key)
}

// AfterFunc has f called when the context ends; package context asks for it,
// so that a derived context needs no goroutine.
func (c *requestContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	if c.first == nil && len(c.after) == 0 {
		c.first = f
		c.turn++
		turn := c.turn
		return func() bool { return c.stopFirst(turn) }
	}
	entry := &f
	c.after = append(c.after, entry)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		i := slices.Index(c.after, entry)
		if i < 0 {
			return false
		}
		c.after = slices.Delete(c.after, i, i+1)
		return true
	}
}

// stopFirst takes the first of that turn off again.
func (c *requestContext) stopFirst(turn int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil || c.turn != turn {
		return false
	}
	c.first = nil
	return true
}

// cancel ends the context.
func (c *requestContext) cancel() {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = context.Canceled
	if c.done != nil {
		close(c.done)
	}
	first, after := c.first, c.after
	c.first, c.after = nil, nil
	c.mu.Unlock()
	if first != nil {
		first()
	}
	for _, f := range after {
		(*f)()
	}
}
