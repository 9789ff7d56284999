package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// How long is waited: for a server that knows nothing of Expect, before the
// body is sent all the same; for a body that may just have been sent, before
// its connection is given up.
const (
	continueWait = time.Second
	sentWait     = 50 * time.Millisecond
)

// errNotAsked is that a body was not sent: the answer came first.
var errNotAsked = errors.New("the body was not asked for")

// upload sends a body that is not sent together with the head, in a goroutine
// of its own: the answer may begin before the body has ended.
type upload struct {
	conn    *conn
	body    io.ReadCloser
	length  int64       // -1 is chunked
	trailer http.Header // its values are set when the body has ended
	proceed chan bool   // Expect: 100-continue: send the body or do not; nil: send
	limit   time.Duration
	wrote   func() // called when all was sent; nil is nobody

	closing sync.Once
	stopped atomic.Bool   // by the reader of the answer
	done    chan struct{} // closed when the goroutine ends
	err     error         // valid after done
	failed  atomic.Bool   // the body could not be read; conn has been aborted
}

var uploadBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (u *upload) run() {
	defer close(u.done)
	defer u.closeBody()
	if u.err = u.send(); u.err != nil {
		return
	}
	if u.wrote != nil {
		u.wrote()
	}
}

func (u *upload) send() error {
	if !u.mayProceed() {
		return errNotAsked
	}
	buf := uploadBuffers.Get().(*[32 << 10]byte)
	defer uploadBuffers.Put(buf)
	if u.length < 0 {
		return u.sendChunks(buf[:])
	}
	for left := u.length; left > 0; {
		n, err := u.body.Read(buf[:min(int64(len(buf)), left)])
		if n > 0 {
			left -= int64(n)
			if err := u.write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil && left > 0 {
			return u.broken(unexpected(err))
		}
	}
	return nil
}

// mayProceed waits for leave to send the body.
func (u *upload) mayProceed() bool {
	if u.proceed == nil {
		return true
	}
	late := time.NewTimer(continueWait)
	defer late.Stop()
	select {
	case ok := <-u.proceed:
		return ok
	case <-late.C:
		return true
	}
}

// answer says whether the body is wanted. The first word counts.
func (u *upload) answer(wanted bool) {
	if u == nil || u.proceed == nil {
		return
	}
	select {
	case u.proceed <- wanted:
	default:
	}
}

// sendChunks sends each piece as a chunk, when it comes.
func (u *upload) sendChunks(buf []byte) error {
	const before, after = 10, 2 // room for the size and the line ends
	for {
		n, err := u.body.Read(buf[before : len(buf)-after])
		if n > 0 {
			var line [before]byte
			size := append(strconv.AppendInt(line[:0], int64(n), 16), "\r\n"...)
			from := before - copy(buf[before-len(size):], size)
			copy(buf[before+n:], "\r\n")
			if err := u.write(buf[from : before+n+after]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return u.end()
		}
		if err != nil {
			return u.broken(err)
		}
	}
}

// end sends the last chunk and the trailer.
func (u *upload) end() error {
	var o outgoing
	o.bytes = append(o.bytes, "0\r\n"...)
	if err := o.fields(u.trailer); err != nil {
		return u.broken(err)
	}
	return u.write(append(o.bytes, "\r\n"...))
}

func (u *upload) write(p []byte) error {
	if _, err := u.conn.Write(p); err != nil {
		return fmt.Errorf("send the body: %w", err)
	}
	if u.limit > 0 {
		u.conn.extend(time.Now().Add(u.limit))
	}
	return nil
}

// broken ends the call: the body will never be whole, and the backend must not
// take it for that.
func (u *upload) broken(err error) error {
	if !u.stopped.Load() {
		u.failed.Store(true)
		u.conn.abort()
	}
	return fmt.Errorf("read the body: %w", err)
}

// stop is said by the reader of the answer when it has given the connection up.
func (u *upload) stop() {
	u.stopped.Store(true)
	u.answer(false)
	u.closeBody() // may wake a read
}

func (u *upload) closeBody() { u.closing.Do(func() { _ = u.body.Close() }) }

// sent reports whether all was sent, now or in a moment.
func (u *upload) sent() bool {
	select {
	case <-u.done:
		return u.err == nil
	default:
	}
	late := time.NewTimer(sentWait)
	defer late.Stop()
	select {
	case <-u.done:
		return u.err == nil
	case <-late.C:
		return false
	}
}
