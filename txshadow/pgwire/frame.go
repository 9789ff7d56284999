package pgwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// frame is one message with its header: a type, and four bytes of length that
// count themselves and what follows.
type frame []byte

const headerLen = 5

func (f frame) kind() byte   { return f[0] }
func (f frame) body() []byte { return f[headerLen:] }

// field is the zero-ended string that stands at the beginning of b, and what
// follows it; ok is false when there is no end.
func field(b []byte) (s string, rest []byte, ok bool) {
	n := bytes.IndexByte(b, 0)
	if n < 0 {
		return "", nil, false
	}
	return string(b[:n]), b[n+1:], true
}

// maxFrame is the greatest message that PostgreSQL itself takes or sends.
const maxFrame = 1<<30 - 1

var errFrame = errors.New("a message with a length that can not be")

// readFrame reads one message of at most limit bytes. The frame is the
// caller's.
func readFrame(r io.Reader, limit int) (frame, error) {
	var head [headerLen]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[1:]))
	if n < 4 {
		return nil, errFrame
	}
	if n > limit {
		return nil, fmt.Errorf("a message %q of %d bytes, where %d are the most: %w", head[0], n, limit, errFrame)
	}
	// What is announced is believed only as it comes.
	f := append(make(frame, 0, min(n+1, 64<<10)), head[:]...)
	for len(f) < n+1 {
		part := min(n+1-len(f), max(len(f), 64<<10))
		f = slices.Grow(f, part)
		at := len(f)
		f = f[:at+part]
		if _, err := io.ReadFull(r, f[at:]); err != nil {
			return nil, unexpected(err)
		}
	}
	return f, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// message makes a frame of parts: strings end with a zero byte, []byte,
// byte, int16 and int32 stand as they are.
func message(kind byte, parts ...any) frame {
	f := frame{kind, 0, 0, 0, 0}
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			f = append(append(f, p...), 0)
		case []byte:
			f = append(f, p...)
		case byte:
			f = append(f, p)
		case int16:
			f = binary.BigEndian.AppendUint16(f, uint16(p))
		case int32:
			f = binary.BigEndian.AppendUint32(f, uint32(p))
		}
	}
	binary.BigEndian.PutUint32(f[1:], uint32(len(f)-1))
	return f
}

// headers finds the headers in a stream of messages that comes in chunks.
type headers struct {
	head [headerLen]byte
	have int  // bytes of head
	skip int  // bytes of the body still to come
	lost bool // a length was none
}

// scan calls at with the kind of each message whose header ends in chunk. After
// a length that can not be it finds no more.
func (h *headers) scan(chunk []byte, at func(kind byte)) {
	for len(chunk) > 0 && !h.lost {
		if h.skip > 0 {
			n := min(h.skip, len(chunk))
			h.skip, chunk = h.skip-n, chunk[n:]
			continue
		}
		n := copy(h.head[h.have:], chunk)
		h.have, chunk = h.have+n, chunk[n:]
		if h.have < headerLen {
			return
		}
		size := binary.BigEndian.Uint32(h.head[1:])
		h.lost = size < 4 || size > maxFrame
		h.have, h.skip = 0, int(size)-4
		at(h.head[0])
	}
}
