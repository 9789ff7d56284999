package front

import "bytes"

// Bounds on what a chunked body may hold beside its data. net/http does not
// take a longer trailer either.
const (
	maxChunkDigits  = 15
	maxChunkLine    = 256      // of an extension
	maxChunkExtra   = 16 << 10 // of all extensions
	maxTrailerBytes = 3 << 10
)

// chunks reads a chunked body (RFC 9112 section 7.1) byte by byte and takes
// nothing that is not exactly so: hex digits, an extension that is skipped,
// CR LF, the data, CR LF.
type chunks struct {
	state   chunkState
	left    uint64 // of the size while it is read, then of the data
	digits  int
	line    int // bytes of the extension
	extra   int // bytes of all extensions
	trailer []byte
	lineAt  int // where the trailer's current line begins
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkExtension
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	chunkTrailer
	chunkEnd
)

// next reads on in b up to the end of the next piece of data that is there.
// data is part of b; n is how much of b was read. Behind the end nothing is.
func (k *chunks) next(b []byte) (data []byte, n int, no *refusal) {
	for n < len(b) {
		switch k.state {
		case chunkData:
			data = b[n:]
			if uint64(len(data)) >= k.left {
				data = data[:k.left]
				k.state = chunkDataCR
			}
			k.left -= uint64(len(data))
			return data, n + len(data), nil
		case chunkEnd:
			return nil, n, nil
		case chunkTrailer:
			var m int
			if m, no = k.trailerBytes(b[n:]); no != nil {
				return nil, n, no
			}
			n += m
		default:
			if no = k.frame(b[n]); no != nil {
				return nil, n, no
			}
			n++
		}
	}
	return nil, n, nil
}

// frame reads a byte of what stands between the data.
func (k *chunks) frame(c byte) *refusal {
	switch k.state {
	case chunkSize:
		return k.size(c)
	case chunkExtension:
		k.line++
		k.extra++
		switch {
		case c == '\r':
			k.state = chunkSizeLF
		case c < ' ' && c != '\t' || c == 0x7f || k.line > maxChunkLine || k.extra > maxChunkExtra:
			return badChunk
		}
	case chunkSizeLF:
		if c != '\n' {
			return badChunk
		}
		k.state = chunkData
		if k.left == 0 {
			k.state = chunkTrailer
		}
	case chunkDataCR:
		if c != '\r' {
			return badChunk
		}
		k.state = chunkDataLF
	case chunkDataLF:
		if c != '\n' {
			return badChunk
		}
		k.state, k.left, k.digits, k.line = chunkSize, 0, 0, 0
	}
	return nil
}

func (k *chunks) size(c byte) *refusal {
	switch {
	case isHex(c) && k.digits < maxChunkDigits:
		k.digits++
		digit := c - '0'
		if !isDigit(c) {
			digit = c | 0x20 - 'a' + 10
		}
		k.left = k.left<<4 | uint64(digit)
	case k.digits == 0:
		return badChunk
	case c == ';':
		k.state = chunkExtension
	case c == '\r':
		k.state = chunkSizeLF
	default:
		return badChunk
	}
	return nil
}

// trailerBytes takes whole lines, or what there is of one.
func (k *chunks) trailerBytes(b []byte) (n int, no *refusal) {
	for n < len(b) && k.state == chunkTrailer {
		piece := b[n:]
		if i := bytes.IndexByte(piece, '\n'); i >= 0 {
			piece = piece[:i+1]
		}
		if len(k.trailer)+len(piece) > maxTrailerBytes {
			return n, badTrailer
		}
		k.trailer = append(k.trailer, piece...)
		n += len(piece)
		if no = k.trailerLine(); no != nil {
			return n, no
		}
	}
	return n, nil
}

// trailerLine looks at the line that was read, if it is whole.
func (k *chunks) trailerLine() *refusal {
	line := k.trailer[k.lineAt:]
	if line[len(line)-1] != '\n' {
		return nil
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return badTrailer
	}
	if len(line) == 2 {
		k.state = chunkEnd
		return nil
	}
	f, no := splitField(line[:len(line)-2], k.lineAt)
	if no != nil {
		return badTrailer
	}
	if f.known != nil && (f.known.means == meansHost || f.known.means == meansLength || f.known.means == meansCoding || f.known.means == meansTrailer) {
		return badTrailer
	}
	k.lineAt = len(k.trailer)
	return nil
}

// done reports whether the body has been read to its end.
func (k *chunks) done() bool { return k.state == chunkEnd }

// sound reports whether the part of the body that is there already is well
// formed. It reads ahead and changes nothing.
func (k chunks) sound(b []byte) *refusal {
	k.trailer = nil
	for len(b) > 0 && !k.done() {
		_, n, no := k.next(b)
		if no != nil {
			return no
		}
		b = b[n:]
	}
	return nil
}
