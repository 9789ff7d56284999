package upstream

import (
	"errors"
	"io"
	"sync/atomic"
)

// errBodyClosed is that a body was read after its Close.
var errBodyClosed = errors.New("read an answer's body after its close")

// body is the body of an answer, read straight from the connection's buffer.
// When it has been read to its end the connection goes back to the idle ones;
// closed before, it is closed. Read is for one goroutine at a time, Close may
// come from any.
type body struct {
	x       *exchange
	framing framing
	over    atomic.Bool // the connection is not the body's any more
	closed  atomic.Bool

	// Owned by the goroutine that reads.
	left   int64 // of the body (byLength) or of the chunk (byChunks)
	chunks chunkState
	excess int64 // see nextChunk
	err    error // for all reads to come
}

func (b *body) Read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.closed.Load():
		return 0, errBodyClosed
	case len(p) == 0:
		return 0, nil
	}
	n, err := b.read(p)
	if err == nil {
		return n, nil
	}
	if err != io.EOF {
		err = b.x.explain(err)
	}
	b.err = err
	b.end(err == io.EOF)
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	c := b.x.conn
	switch b.framing {
	case byChunks:
		return b.readChunks(p)
	case byClose:
		return c.readBody(p)
	}
	n, err := c.readBody(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if b.left == 0 {
		return n, io.EOF
	}
	return n, unexpected(err)
}

// Close ends the call.
func (b *body) Close() error {
	b.closed.Store(true)
	b.end(false)
	return nil
}

// end gives the connection away, once. whole is that the body was read to its
// end.
func (b *body) end(whole bool) {
	if b.over.CompareAndSwap(false, true) {
		b.x.end(whole)
	}
}

// Buffered is how many bytes of the body can be read without waiting.
func (b *body) Buffered() int {
	if b.err != nil || b.over.Load() {
		return 0
	}
	n := b.x.conn.buffered()
	if b.framing != byClose {
		n = int(min(int64(n), b.left))
	}
	return n
}

// Whole reports whether the body can be read to its end without waiting.
func (b *body) Whole() bool {
	if b.err != nil || b.over.Load() {
		return true
	}
	switch b.framing {
	case byLength:
		return b.left <= int64(b.x.conn.buffered())
	case byChunks:
		return b.chunksBuffered()
	}
	return false
}
