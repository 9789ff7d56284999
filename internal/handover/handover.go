// Package handover passes the work of a running process on to a new one, which
// it starts from the binary now on disk and gives its open files: listening
// sockets and locks. Nothing that was open is closed in between.
//
// The old process calls [Start], then the steps of [Successor]; the new one
// finds what it was given with [Inherit] and takes the steps of [Predecessor]:
//
//	new: started, nothing touched  ── loaded  ─▶ old: nothing has changed for it
//	new: may touch shared state    ◀─ prepare ── old: has stopped changing it
//	new: could serve               ── ready   ─▶
//	new: serves                    ◀─ serve   ──
//	                               ── serving ─▶ old: stops accepting, drains, ends
//
// Until the old one has heard "serving" it can go on as if nothing had
// happened. Each sees the end of the other as the end of the link.
package handover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// The words that are said, one a line.
const (
	wordLoaded  = "loaded"
	wordPrepare = "prepare"
	wordReady   = "ready"
	wordServe   = "serve"
	wordServing = "serving"
	wordFailed  = "failed " // and why, on the same line
)

// ErrEnded is returned when the other process has ended.
var ErrEnded = errors.New("the other process has ended")

// link is one end of the connection between the two.
type link struct {
	conn net.Conn
	in   *bufio.Reader
}

// newLink takes over f, one of a pair of connected sockets.
func newLink(f *os.File) (*link, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("the link between the processes: %w", err)
	}
	return &link{conn: conn, in: bufio.NewReader(conn)}, nil
}

func (l *link) tell(word string) error {
	// The other side reads all that is said; one that does not is as good as
	// ended.
	l.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := io.WriteString(l.conn, word+"\n")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEnded, err)
	}
	return nil
}

// await returns when the word has been said: ErrEnded when the other process
// has ended, ctx's error when it has not come by then.
func (l *link) await(ctx context.Context, word string) error {
	l.conn.SetReadDeadline(time.Time{})
	past := time.Unix(1, 0)
	stop := context.AfterFunc(ctx, func() { l.conn.SetReadDeadline(past) })
	defer stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	line, err := l.in.ReadString('\n')
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("wait for it to say %q: %w", word, ctx.Err())
	case err != nil:
		return ErrEnded
	}
	line = strings.TrimSuffix(line, "\n")
	if why, failed := strings.CutPrefix(line, wordFailed); failed {
		return errors.New(why)
	}
	if line != word {
		return fmt.Errorf("it said %q, not %q", line, word)
	}
	return nil
}
