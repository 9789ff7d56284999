// Package linelog is a log's way to a file that nobody waits for.
//
// Start with [New] and run [Log.Run]; [Log.Write] takes whole lines, never
// blocks, and drops and counts what does not fit or could not be written.
// [Log.Reopen] opens the file anew, for those who rename it (logrotate).
package linelog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// bufferMax bounds the lines that wait to be written, in bytes. As many
	// again may be under way.
	bufferMax = 1 << 20

	// lastWrite is how long the last lines may take, where the file can be told
	// to give up: a pipe that nobody reads takes none.
	lastWrite = 2 * time.Second

	complaintEvery = time.Minute
)

// Log takes lines. Safe for concurrent use.
type Log struct {
	name   string
	open   func() (io.WriteCloser, error)
	log    *slog.Logger
	max    int
	wake   chan struct{} // holds one: there is something to write
	reopen chan struct{} // holds one

	mu      sync.Mutex
	waiting []byte
	lines   int64          // of waiting
	file    io.WriteCloser // changed and written to by Run alone

	complained time.Time // Run's

	written, dropped atomic.Int64
}

// New opens the file of that name, to append to it. What goes wrong later is
// said in log, at most once a minute.
func New(name string, log *slog.Logger) (*Log, error) {
	return newLog(name, log, func() (io.WriteCloser, error) {
		return os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	})
}

// To makes a log that writes to w, which stays open.
func To(name string, w io.Writer, log *slog.Logger) *Log {
	l, _ := newLog(name, log, func() (io.WriteCloser, error) { return unclosed{w}, nil })
	return l
}

type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

func newLog(name string, log *slog.Logger, open func() (io.WriteCloser, error)) (*Log, error) {
	l := &Log{name: name, open: open, log: log, max: bufferMax, wake: make(chan struct{}, 1), reopen: make(chan struct{}, 1)}
	var err error
	if l.file, err = open(); err != nil {
		return nil, err
	}
	return l, nil
}

// Write takes one line, which it copies. It never blocks and never fails.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	fits := len(l.waiting)+len(line) <= l.max
	if fits {
		l.waiting = append(l.waiting, line...)
		l.lines++
	}
	l.mu.Unlock()
	if !fits {
		l.dropped.Add(1)
		return len(line), nil
	}
	poke(l.wake)
	return len(line), nil
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Reopen has the file opened anew before the next line is written. When that
// fails the one that is open is kept.
func (l *Log) Reopen() { poke(l.reopen) }

// Stats are lines since the start.
func (l *Log) Stats() (written, dropped int64) { return l.written.Load(), l.dropped.Load() }

// Run writes until ctx ends, then what is left, and closes the file.
func (l *Log) Run(ctx context.Context) error {
	defer func() { l.file.Close() }()
	defer context.AfterFunc(ctx, l.hurry)()
	var spare []byte
	for {
		select {
		case <-l.reopen:
			poke(l.reopen)
			spare = l.flush(spare)
		case <-l.wake:
			spare = l.flush(spare)
		case <-ctx.Done():
			l.flush(spare)
			return nil
		}
	}
}

// hurry has a write that does not come to its end given up.
func (l *Log) hurry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f, ok := l.file.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = f.SetWriteDeadline(time.Now().Add(lastWrite)) // plain files have none, and need none
	}
}

// flush opens the file anew if that was asked for, writes what waits, and returns its memory for what comes next.
func (l *Log) flush(spare []byte) []byte {
	select {
	case <-l.reopen:
		l.openAnew()
	default:
	}
	l.mu.Lock()
	lines, n := l.waiting, l.lines
	l.waiting, l.lines = spare[:0], 0
	l.mu.Unlock()
	if len(lines) == 0 {
		return lines
	}
	if _, err := l.file.Write(lines); err != nil {
		l.dropped.Add(n)
		l.complain(fmt.Errorf("write: %w", err))
		return lines
	}
	l.written.Add(n)
	return lines
}

func (l *Log) openAnew() {
	file, err := l.open()
	if err != nil {
		l.complain(fmt.Errorf("open anew: %w", err))
		return
	}
	l.file.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file = file
}

func (l *Log) complain(err error) {
	if now := time.Now(); l.complained.IsZero() || now.Sub(l.complained) >= complaintEvery {
		l.complained = now
		l.log.Error("lines of a log are lost; they are counted", "log", l.name, "error", err)
	}
}
