package compare

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// compareGRPC compares the messages of a gRPC answer, whose types the method
// tells that was called: $ is the one message of a unary method, and $[*] are
// those of one that streams. By bytes when the method is not known.
func (p *pair) compareGRPC(c *content) (*bodies, error) {
	method := p.method()
	if method == nil {
		return compareBytes(c), nil
	}
	unary := !method.IsStreamingServer()
	render := func(body []byte, e *Exchange) ([]byte, error) {
		frames, err := readFrames(body, e.Header.Get("Grpc-Encoding"))
		if err != nil {
			return nil, err
		}
		if unary && len(frames) != 1 {
			return nil, fmt.Errorf("%d messages in the answer of a method that gives one", len(frames))
		}
		var out []byte
		left := 2 * maxNodes // of a stream, whose messages are made one after the other
		for _, f := range frames {
			out = append(out, ',')
			if out, err = p.messages().render(out, method.Output(), f, &left); err != nil {
				return nil, err
			}
			if len(out) > decodedMost {
				return nil, errTreeLarge
			}
		}
		if unary {
			return out[1:], nil
		}
		out[0] = '['
		return append(out, ']'), nil
	}
	l, errL := render(c.legacy, p.legacy)
	n, errN := render(c.new, p.new)
	return p.compareRendered(c, l, n, errL, errN)
}

// readFrames reads length-prefixed messages ("gRPC over HTTP2"): a byte that
// says whether the message is compressed, four with its length, the message.
// There is at least one, since the body is not empty.
func readFrames(body []byte, coding string) (frames [][]byte, err error) {
	total := 0
	for len(body) > 0 {
		if len(body) < 5 || uint64(len(body)-5) < uint64(binary.BigEndian.Uint32(body[1:])) {
			return nil, errors.New("a message breaks off")
		}
		compressed, size := body[0], binary.BigEndian.Uint32(body[1:])
		message := body[5 : 5+size]
		body = body[5+size:]
		switch compressed {
		case 0:
		case 1:
			if message, err = decodeOne(coding, message, decodedMost); err != nil {
				return nil, fmt.Errorf("%s: %w", coding, err)
			}
		default:
			return nil, fmt.Errorf("a message begins with %d", compressed)
		}
		if total += len(message); total > decodedMost || len(frames) >= maxNodes {
			return nil, errTreeLarge
		}
		frames = append(frames, message)
	}
	return frames, nil
}
