package front

import (
	"net"
	"sync"
)

// output gathers what goes to the client, so that a head and a short body
// leave in one write. What does not fit goes out beside the buffer, in one
// vectored write where the connection has that.
type output struct {
	to   net.Conn
	conn *conn        // that to goes over
	tcp  *net.TCPConn // nil: no vectored writes
	buf  []byte
	own  *[outputBuffer]byte // what buf began as
	err  error               // of the first write that failed; nothing is written after it

	vector [3][]byte
	queue  net.Buffers
}

// outputBuffer is how much is gathered.
const outputBuffer = 4 << 10

var outBuffers = sync.Pool{New: func() any { return new([outputBuffer]byte) }}

// acquire takes a buffer for one answer.
func (o *output) acquire() {
	if o.own == nil {
		o.own = outBuffers.Get().(*[outputBuffer]byte)
		o.buf = o.own[:0]
	}
}

// release gives the buffer back.
func (o *output) release() {
	if o.own != nil {
		outBuffers.Put(o.own)
		o.own, o.buf = nil, nil
	}
}

// fits reports whether n more bytes would be gathered.
func (o *output) fits(n int) bool { return len(o.buf)+n <= outputBuffer }

func (o *output) flush() error {
	if len(o.buf) == 0 || o.err != nil {
		return o.err
	}
	_, o.err = o.to.Write(o.buf)
	o.buf = o.buf[:0]
	return o.err
}

// write gathers p, or writes it with what was gathered before and tail behind.
func (o *output) write(p, tail []byte) error {
	if o.err != nil {
		return o.err
	}
	if o.fits(len(p) + len(tail)) {
		o.buf = append(append(o.buf, p...), tail...)
		return nil
	}
	if o.tcp == nil || len(p) > writePiece {
		return o.writeRecords(p, tail)
	}
	o.vector = [3][]byte{o.buf, p, tail}
	o.queue = o.vector[:]
	o.conn.beginWrite()
	_, o.err = o.queue.WriteTo(o.tcp)
	o.conn.endWrite()
	o.vector, o.queue = [3][]byte{}, nil
	o.buf = o.buf[:0]
	return o.err
}

// writeRecords fills the buffer up first: each write costs a record of TLS.
func (o *output) writeRecords(p, tail []byte) error {
	if room := outputBuffer - len(o.buf); len(o.buf) > 0 && room > 0 {
		room = min(room, len(p))
		o.buf = append(o.buf, p[:room]...)
		p = p[room:]
	}
	if o.flush() == nil && len(p) > 0 {
		_, o.err = o.to.Write(p)
	}
	o.buf = append(o.buf, tail...)
	return o.err
}
