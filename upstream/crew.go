package upstream

import "sync"

// crew is goroutines that may outlive the call that started them: dials that
// nobody waits for any more, bodies whose reader does not return. A
// sync.WaitGroup does not allow that one starts while the last is waited for.
type crew struct {
	mu   sync.Mutex
	n    int
	gone chan struct{} // closed when n gets 0; nil while nobody waits
}

func (c *crew) start(work func()) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	go func() {
		defer c.end()
		work()
	}()
}

func (c *crew) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.gone != nil {
		close(c.gone)
		c.gone = nil
	}
}

// wait returns when none is at work.
func (c *crew) wait() {
	c.mu.Lock()
	if c.n == 0 {
		c.mu.Unlock()
		return
	}
	if c.gone == nil {
		c.gone = make(chan struct{})
	}
	gone := c.gone
	c.mu.Unlock()
	<-gone
}
