package proxy

import (
	"bytes"
	"io"

	"github.com/quackproxy/quack/routes"
)

// encode compresses the body on its way to a backend that asks for it, where
// it is long enough, text of some kind, and nothing depends on its bytes. One
// that is kept whole stays so, and can be sent again. A body without a length
// goes piece by piece as it comes. What is compared, and what a shadow is sent,
// is the body as the client sent it.
func (c *content) encode(how routes.Compress) {
	h := c.header
	if how.Type == "" || c.length >= 0 && c.length <= how.Over || !compressible(h.Get("Content-Type")) || fixed(h, nil) {
		return
	}
	if whole, ok := c.body.(*bytes.Reader); ok {
		packed := pack(whole, how.Type)
		if packed.Size() >= whole.Size() {
			return
		}
		c.body = packed
		if c.length >= 0 {
			c.length = packed.Size()
		}
	} else {
		c.body = &encoding{from: c.body.(io.ReadCloser), coding: how.Type, stream: c.length < 0}
		c.length = -1
	}
	h = h.Clone() // another backend may be asked yet, and may not want it
	h["Content-Encoding"] = []string{string(how.Type)}
	delete(h, "Content-Length")
	c.header = h
}

// pack is the whole body, compressed. The body can be read again.
func pack(whole *bytes.Reader, coding routes.Compression) *bytes.Reader {
	var out bytes.Buffer
	e := encoderTo(coding, &out)
	defer release(e)
	// A Buffer takes all, and a Reader gives all.
	_, _ = whole.WriteTo(e)
	_ = e.Close()
	_, _ = whole.Seek(0, io.SeekStart)
	return bytes.NewReader(out.Bytes())
}

// encoding is a body that is compressed while it is read. Read is called by one
// goroutine at a time; Close, as of the body that it reads, by any.
type encoding struct {
	from   io.ReadCloser
	coding routes.Compression
	stream bool // each piece goes on at once

	to  encoder // nil before the first Read and after the end
	out bytes.Buffer
	err error // that from ended with
}

func (e *encoding) Read(p []byte) (int, error) {
	for e.out.Len() == 0 {
		if e.err != nil {
			return 0, e.err
		}
		e.more()
	}
	return e.out.Read(p)
}

// more takes one piece.
func (e *encoding) more() {
	if e.to == nil {
		e.to = encoderTo(e.coding, &e.out)
	}
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	n, err := e.from.Read(buf[:])
	_, _ = e.to.Write(buf[:n]) // into a Buffer, which takes all
	switch {
	case err == io.EOF:
		_ = e.to.Close()
	case err == nil && e.stream:
		_ = e.to.Flush()
	}
	if e.err = err; err != nil {
		release(e.to)
		e.to = nil
	}
}

func (e *encoding) Close() error { return e.from.Close() }
