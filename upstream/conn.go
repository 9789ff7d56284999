package upstream

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// readSize is a connection's read buffer. A longer head makes it grow, for the
// time that it is needed.
const readSize = 4 << 10

// errHeadTooLong is that a head did not end within MaxHeaderBytes.
var errHeadTooLong = errors.New("the head is longer than is allowed")

// aLongTimeAgo is a deadline that wakes whoever reads or writes.
var aLongTimeAgo = time.Unix(1, 0)

// conn is a connection to an instance.
type conn struct {
	net.Conn // what is read and written: wire, or TLS over it
	wire     *wire
	cut      func() // interrupt, bound once

	since time.Time     // idle since
	idled time.Duration // how long it was, before this call
	kept  bool          // it was idle before this call

	// Owned by the goroutine that reads.
	buf  []byte
	r, w int // buf[r:w] is read and not used

	mu          sync.Mutex
	interrupted bool // for good
	bounded     bool // there is a deadline for the head
	// left is a deadline for reads and writes that stays when a call is over, for
	// the next one to use: setting one costs more than most steps of a call.
	left time.Time
}

func newConn(w *wire, over net.Conn) *conn {
	c := &conn{Conn: over, wire: w, buf: make([]byte, readSize)}
	c.cut = c.interrupt
	return c
}

// plain reports whether nothing lies over the TCP connection.
func (c *conn) plain() bool { return c.Conn == net.Conn(c.wire) && c.wire.raw != nil }

// interrupt ends what is read and written, and all that comes after it.
func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	_ = c.SetDeadline(aLongTimeAgo) // fails only when it is closed
}

// slackShare is by which share of it a limit may be exceeded, so that one
// deadline serves many calls.
const slackShare = 32

// bound sets the deadline for an answer's head, w.until or a little later: for
// writes too where these are the reader's. Without a limit it takes away what
// another call has left.
func (c *conn) bound(w wait, writes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bounded = w.limit > 0
	slack := w.limit / slackShare
	switch {
	case c.interrupted:
	case c.bounded && writes:
		if over := c.left.Sub(w.until); over < 0 || over > slack {
			c.left = w.until.Add(slack)
			_ = c.SetDeadline(c.left)
		}
	default:
		if !c.left.IsZero() {
			c.left = time.Time{}
			_ = c.SetDeadline(time.Time{})
		}
		if c.bounded {
			_ = c.SetReadDeadline(w.until)
		}
	}
}

// leave leaves the deadline to the next call: nothing is read or written under
// it before.
func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bounded = false
}

// extend moves the deadline, as long as there is one.
func (c *conn) extend(until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bounded && !c.interrupted {
		_ = c.SetReadDeadline(until)
	}
}

// unbound takes the deadline away.
func (c *conn) unbound() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if (c.bounded || !c.left.IsZero()) && !c.interrupted {
		_ = c.SetDeadline(time.Time{})
	}
	c.bounded, c.left = false, time.Time{}
}

// hangUp closes an idle connection, as its protocol wants it.
func (c *conn) hangUp() { _ = c.Close() } // it is done with, whatever Close says

// abort closes the connection without a word to the other end: TLS's would
// have to wait for those that write.
func (c *conn) abort() { _ = c.wire.Close() }

func (c *conn) buffered() int { return c.w - c.r }

// drained reports whether all that was read off the socket has been used. What
// is left would be taken for the answer to the next request. TLS reads ahead
// where quiet can not see it, so it is asked for what it has; with a deadline
// that is over it does not go to the socket. For who has unhooked the
// connection.
func (c *conn) drained() bool {
	if c.buffered() > 0 {
		return false
	}
	if c.Conn == net.Conn(c.wire) {
		return true
	}
	var one [1]byte
	_ = c.Conn.SetReadDeadline(aLongTimeAgo) // fails only when it is closed, and then Read does
	n, err := c.Conn.Read(one[:])
	_ = c.Conn.SetReadDeadline(time.Time{})
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// room makes room for at least one byte to be read.
func (c *conn) room() {
	switch {
	case c.r == c.w:
		c.r, c.w = 0, 0
		if len(c.buf) > readSize {
			c.buf = make([]byte, readSize)
		}
	case c.w < len(c.buf):
	case c.r > 0:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	default:
		larger := make([]byte, 2*len(c.buf))
		copy(larger, c.buf)
		c.buf = larger
	}
}

// fill reads more into the buffer. It never returns nothing without an error.
func (c *conn) fill() error {
	c.room()
	for range 100 {
		n, err := c.Conn.Read(c.buf[c.w:])
		c.w += n
		if n > 0 {
			return nil // an error comes again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// readBody reads bytes as they come: what is buffered, or straight into p.
func (c *conn) readBody(p []byte) (int, error) {
	if c.r == c.w {
		if len(p) >= readSize {
			return c.Conn.Read(p)
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.buf[c.r:c.w])
	c.r += n
	return n, nil
}

// readHead reads to the end of a head or a trailer: up to and with the empty
// line. The bytes are valid until the next read. io.EOF is that the connection
// was closed before the first byte.
func (c *conn) readHead(limit int64) ([]byte, error) {
	seen := 0
	for {
		end, ok := endOfHead(c.buf[c.r:c.w], seen)
		switch {
		case ok && int64(end) <= limit:
			head := c.buf[c.r : c.r+end]
			c.r += end
			return head, nil
		case ok, int64(c.buffered()) >= limit:
			return nil, errHeadTooLong
		}
		seen = end
		if err := c.fill(); err != nil {
			if err == io.EOF && c.buffered() > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// readLine reads a line that ends with a line feed, of at most limit bytes. It
// is valid until the next read.
func (c *conn) readLine(limit int) ([]byte, error) {
	seen := 0
	for {
		if n := indexByte(c.buf[c.r+seen:c.w], '\n'); n >= 0 {
			line := c.buf[c.r : c.r+seen+n+1]
			c.r += seen + n + 1
			return line, nil
		}
		if seen = c.buffered(); seen >= limit {
			return nil, errLineTooLong
		}
		if err := c.fill(); err != nil {
			return nil, unexpected(err)
		}
	}
}

// unexpected is err of a read that had to give something.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
