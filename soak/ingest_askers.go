package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// asker is one client. What it has seen is its own until it has stopped.
type asker struct {
	n       int // of the request
	answers []answered
	failed  []error
	broken  int // requests that a kill of Quack has struck
}

// answered is a request that was.
type answered struct {
	id   int
	at   time.Time
	took time.Duration
}

// traffic sends requests until the returned function is called, which waits
// until the last is answered.
func (l *live) traffic(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for _, a := range l.asked {
		all.Go(func() { a.ask(ctx, l.quack.live) })
	}
	return func() { cancel(); all.Wait() }
}

// ask asks for one after the other, and leaves at the first that fails.
func (a *asker) ask(ctx context.Context, addr string) {
	w := &wire{addr: addr}
	defer w.close()
	for ctx.Err() == nil {
		id := a.n
		a.n++
		begun := time.Now()
		body, err := w.do(call{method: "GET", path: fmt.Sprintf("/ducks/%d/%d", liveRoute(id), id)})
		if err == nil && !strings.HasPrefix(body, `{"id":`+strconv.Itoa(id)+`,"price":10,`) {
			err = fmt.Errorf("the answer to %d is another's: %.100s", id, body)
		}
		if err != nil {
			a.failed = append(a.failed, err)
			return
		}
		now := time.Now()
		a.answers = append(a.answers, answered{id, now, now.Sub(begun)})
	}
}

func liveRoute(id int) int { return id / 20 % liveRoutes }
