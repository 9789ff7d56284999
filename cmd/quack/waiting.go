package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	// quietFor is how long nothing is said: what is done by then needs no word.
	quietFor = 400 * time.Millisecond

	waitingEvery = 100 * time.Millisecond
)

// waiting does work that may take long. Where errors go to a terminal it says
// there what is waited for and for how long, as a bar when it is known how long
// that may be at most; the line is gone when the work is done. Elsewhere it says
// nothing.
func waiting[T any](s *streams, what string, atMost time.Duration, work func() (T, error)) (T, error) {
	if !isTerminal(s.err) {
		return work()
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		sayWaiting(s.err, what, atMost, done)
	}()
	result, err := work()
	close(done)
	<-ended
	return result, err
}

func sayWaiting(w io.Writer, what string, atMost time.Duration, done <-chan struct{}) {
	began := time.Now()
	select {
	case <-done:
		return
	case <-time.After(quietFor):
	}
	tick := time.NewTicker(waitingEvery)
	defer tick.Stop()
	for {
		fmt.Fprint(w, "\r"+waitingLine(what, time.Since(began), atMost)+clearLine)
		select {
		case <-done:
			fmt.Fprint(w, "\r"+clearLine)
			return
		case <-tick.C:
		}
	}
}

// waitingLine is "reading the report: 3s", or with a bar "[====    ] …: 3s of 30s".
func waitingLine(what string, so, atMost time.Duration) string {
	line := fmt.Sprintf("%s: %s", what, so.Truncate(time.Second))
	if atMost <= 0 {
		return line
	}
	full := int(barWidth * min(so, atMost) / atMost)
	return fmt.Sprintf("[%s%s] %s of %s", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), line, atMost)
}
