package main

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// lingerWait is how long a process that has handed over serves on the
// connections that it has: a client that sends a request on one gets its answer
// and the word to connect anew. One that is idle for longer is closed under it.
const lingerWait = 5 * time.Second

// linger is the end of serving clients when another process has taken over.
type linger struct {
	handed   *atomic.Bool // whether one has
	switched atomic.Int64 // requests that have asked for another protocol and are not over
}

// run runs the part that serves clients. After a hand-over it stops the part
// when no connection is left, or lingerWait is over for those that have not
// switched protocols and drain for those that have; at another stop at once.
func (l *linger) run(ctx context.Context, drain time.Duration, open func() int64, part func(context.Context) error) error {
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- part(own) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	if l.handed.Load() {
		waitFor(own, lingerWait, func() bool { return open() <= l.switched.Load() })
		waitFor(own, drain, func() bool { return l.switched.Load() == 0 })
	}
	stop()
	return <-ended
}

// handler says in each answer, once another process has taken over, that the
// connection is closed after it; over HTTP/2 that ends the connection when its
// streams have ended.
func (l *linger) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Upgrade"] != nil {
			l.switched.Add(1)
			defer l.switched.Add(-1)
		} else if l.handed.Load() {
			w.Header().Set("Connection", "close")
			w = lastAnswer{w}
		}
		next.ServeHTTP(w, r)
	})
}

// lastAnswer is an answer whose header stays the one that was begun, where the
// server would take another in its place.
type lastAnswer struct{ http.ResponseWriter }

// Unwrap is for http.ResponseController.
func (a lastAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// waitFor returns when it is so, after most at the latest, or when ctx ends.
func waitFor(ctx context.Context, most time.Duration, so func() bool) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}
