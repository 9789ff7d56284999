package proxy

import (
	"encoding/binary"
	"net/http"
	"strings"
)

// grpcType reports whether the content is gRPC in any of its forms, and whether
// it is that of HTTP/2, whose messages are framed as framing has it. That of
// browsers (application/grpc-web) has its trailers in the body.
func grpcType(h http.Header) (grpc, framed bool) {
	const name = "application/grpc"
	value := h["Content-Type"]
	if len(value) == 0 || len(value[0]) < len(name) || !strings.EqualFold(value[0][:len(name)], name) {
		return false, false
	}
	rest := value[0][len(name):]
	return true, rest == "" || strings.IndexByte("+; \t", rest[0]) >= 0
}

// framing follows the messages of a gRPC body as it passes ("gRPC over HTTP2",
// Length-Prefixed-Message): a byte, four of the length, the message. Only its
// messages tell a unary call from one that streams: one message each way.
type framing struct {
	head [5]byte // the body's first bytes, as far as size goes
	size int64   // of what has passed
}

func (f *framing) add(p []byte) {
	if f.size < int64(len(f.head)) {
		copy(f.head[f.size:], p)
	}
	f.size += int64(len(p))
}

// first is the size of the first message with its prefix; 0 when the prefix has
// not passed yet.
func (f *framing) first() int64 {
	if f.size < int64(len(f.head)) {
		return 0
	}
	return int64(len(f.head)) + int64(binary.BigEndian.Uint32(f.head[1:]))
}

// one reports whether one message has passed to its end, and nothing else.
func (f *framing) one() bool { return f.size > 0 && f.size == f.first() }

// more reports whether there is more than one message.
func (f *framing) more() bool { return f.first() > 0 && f.size > f.first() }

// prepareGRPC finds out whether a gRPC call may be compared. Whether it streams
// is not known before its end, so that nothing can be held up for a shadow that
// runs first.
func (l *life) prepareGRPC() {
	grpc, framed := grpcType(l.header)
	if !grpc {
		return
	}
	l.grpc = framed && l.upload != nil
	switch {
	case !framed, !l.safe, l.route.ShadowFirst(l.r.Method):
		l.skip(skipUnsupported)
	case !l.grpc:
		l.skip(skipStream) // of no messages: a unary call has one
	}
}

// follow has the messages followed of an answer that is gRPC; one of something
// between may be of another type.
func (k *keeper) follow(h http.Header) {
	if _, framed := grpcType(h); framed {
		k.messages = new(framing)
	}
}

// keepAnswer copies a piece of the answer. A gRPC answer of several messages is
// not compared, and not copied on: it may go on for days.
func (l *life) keepAnswer(p []byte) {
	l.answer.add(p)
	if l.answer.streams {
		l.answer.streams = false
		l.upload.stop(skipStream)
		l.skip(skipStream)
	}
}

// message is the body of a gRPC request that is one message, or why there is no
// copy of one. The server may have answered before it has seen the end of the
// request: when the message was whole by then, it was all that it had.
func (u *upload) message() (body []byte, refuse string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.refuse != "":
		return nil, u.refuse
	case u.messages.one():
		return u.kept, ""
	case u.messages.more(), u.size == 0 && !u.ended.IsZero():
		return nil, skipStream
	case u.ended.IsZero():
		return nil, skipAborted
	}
	return nil, skipUnsupported // half a message
}

// stop gives up the copy.
func (u *upload) stop(why string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drop(why)
}
