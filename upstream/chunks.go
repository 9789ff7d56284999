package upstream

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
)

// chunkState is what comes next of a chunked body (RFC 9112 section 7.1).
type chunkState int

const (
	atSize chunkState = iota // chunk-size, its extensions, CRLF
	inData                   // what is left of a chunk's data
	atEnd                    // the CRLF behind it
	atTrailer
)

// maxChunkLine bounds a chunk's size with its extensions.
const maxChunkLine = 1 << 10

var (
	errLineTooLong = errors.New("malformed chunk: its line is too long")
	errChunkSize   = errors.New("malformed chunk: not a size")
	errChunkLine   = errors.New("malformed chunk: its line does not end with CRLF")
	errChunkEnd    = errors.New("malformed chunk: more data than its size")
	errChunkExcess = errors.New("malformed chunks: too little data for their lines")
)

// readChunks reads as much as there is without waiting, at least one byte.
func (b *body) readChunks(p []byte) (n int, err error) {
	c := b.x.conn
	for n < len(p) {
		if n > 0 && !b.stepBuffered() {
			return n, nil
		}
		if b.chunks != inData {
			if err := b.nextChunk(); err != nil {
				return n, err
			}
			continue
		}
		m, err := c.readBody(p[n:min(int64(len(p)), int64(n)+b.left)])
		n, b.left = n+m, b.left-int64(m)
		if b.left == 0 {
			b.chunks = atEnd
		}
		if err != nil {
			return n, unexpected(err)
		}
	}
	return n, nil
}

// stepBuffered reports whether the next step can be made without waiting.
func (b *body) stepBuffered() bool {
	c := b.x.conn
	have := c.buf[c.r:c.w]
	switch b.chunks {
	case inData:
		return len(have) > 0
	case atEnd:
		return len(have) >= 2
	case atTrailer:
		_, ok := endOfHead(have, 0)
		return ok
	}
	return bytes.IndexByte(have, '\n') >= 0
}

// nextChunk makes a step that is not data; io.EOF is the end of the body.
func (b *body) nextChunk() error {
	c := b.x.conn
	switch b.chunks {
	case atEnd:
		for c.buffered() < 2 {
			if err := c.fill(); err != nil {
				return unexpected(err)
			}
		}
		if string(c.buf[c.r:c.r+2]) != "\r\n" {
			return errChunkEnd
		}
		c.r += 2
		b.chunks = atSize
		return nil
	case atTrailer:
		return b.readTrailer()
	}
	line, err := c.readLine(maxChunkLine)
	if err != nil {
		return err
	}
	size, err := chunkSize(line)
	if err != nil {
		return err
	}
	// Extensions are passed over, but a sender must not be able to keep us busy
	// with next to nothing (the rule is that of net/http): 16 bytes are free for
	// each chunk, and twice as many as it has data.
	b.excess = max(0, b.excess+int64(len(line))+2-16-2*min(size, 1<<30))
	if b.excess > 16<<10 {
		return errChunkExcess
	}
	b.left, b.chunks = size, inData
	if size == 0 {
		b.chunks = atTrailer
	}
	return nil
}

// chunkSize is the size that a chunk's line gives: hexadecimal digits, then
// perhaps blanks and extensions, then CRLF.
func chunkSize(line []byte) (int64, error) {
	if len(line) > maxChunkLine {
		return 0, errLineTooLong
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return 0, errChunkLine
	}
	var size int64
	digits := 0
	for digits < len(line) && unhex(line[digits]) >= 0 {
		if size >= 1<<58 {
			return 0, errChunkSize
		}
		size = size<<4 | int64(unhex(line[digits]))
		digits++
	}
	if digits == 0 || digits > 16 {
		return 0, errChunkSize
	}
	rest := bytes.TrimLeft(line[digits:], " \t")
	if len(rest) > 0 && rest[0] != ';' {
		return 0, errChunkSize
	}
	for _, c := range rest {
		if !isText(c) {
			return 0, errChunkSize
		}
	}
	return size, nil
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// readTrailer reads the fields after the last chunk, and the end.
func (b *body) readTrailer() error {
	head, err := b.x.conn.readHead(b.x.instance.options.MaxHeaderBytes)
	if err != nil {
		return unexpected(err)
	}
	trailer, err := parseTrailer(head)
	if err != nil {
		return err
	}
	if len(trailer) > 0 {
		res := &b.x.response
		if res.Trailer == nil {
			res.Trailer = make(http.Header, len(trailer))
		}
		maps.Copy(res.Trailer, trailer)
	}
	return io.EOF
}

// parseTrailer parses what stands after the last chunk, up to and with the
// empty line.
func parseTrailer(head []byte) (http.Header, error) {
	var few [8]span
	spans, err := parseFields(head, 0, few[:0], true)
	if err != nil || len(spans) == 0 {
		return nil, err
	}
	return makeHeader(string(head), spans), nil
}

// chunksBuffered reports whether the body is in the buffer to its end.
func (b *body) chunksBuffered() bool {
	c := b.x.conn
	have := c.buf[c.r:c.w]
	left, state := b.left, b.chunks
	for {
		switch state {
		case inData:
			if int64(len(have)) < left {
				return false
			}
			have, state = have[left:], atEnd
		case atEnd:
			if len(have) < 2 {
				return false
			}
			have, state = have[2:], atSize
		case atTrailer:
			_, ok := endOfHead(have, 0)
			return ok
		case atSize:
			n := bytes.IndexByte(have, '\n')
			if n < 0 {
				return false
			}
			size, err := chunkSize(have[:n+1])
			if err != nil {
				return true // the error is there already
			}
			have, left, state = have[n+1:], size, inData
			if size == 0 {
				state = atTrailer
			}
		}
	}
}
