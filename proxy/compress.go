package proxy

import (
	"net/http"
	"strings"
)

// smallestCompressed is the length from which an answer is compressed.
const smallestCompressed = 1 << 10

// An encoder takes up to two megabytes for as long as its client takes to read
// the answer, which a client can make long. Over encoderBytes answers go out as
// they are.
const (
	encoderCost  = 2 << 20
	encoderBytes = 512 << 20
)

// compress prepares the answer in h to go out compressed, where the route says
// so and the client takes it. Only what is whole, plain, and text of some kind
// is touched. length is -1 when it is not known. What the answer would have
// been is said in Vary also where this client gets it as it is.
func (l *life) compress(status int, h, trailer http.Header, length int64) {
	switch {
	case !l.route.Compress, length >= 0 && length < smallestCompressed, !compressible(h.Get("Content-Type")), fixed(h, trailer):
		return
	case status < 200, status == http.StatusNoContent, status == http.StatusResetContent, status == http.StatusPartialContent, status == http.StatusNotModified:
		return
	}
	if !hasToken(h["Vary"], "Accept-Encoding") && !hasToken(h["Vary"], "*") {
		h["Vary"] = append(h["Vary"][:len(h["Vary"]):len(h["Vary"])], "Accept-Encoding")
	}
	coding := acceptedCoding(l.r.Header["Accept-Encoding"])
	if coding == "" || l.r.Method == http.MethodHead || !l.encoders.take(encoderCost) {
		return
	}
	h["Content-Encoding"] = []string{string(coding)}
	delete(h, "Content-Length")
	delete(h, "Accept-Ranges") // a range would be of the bytes before
	weaken(h)
	l.encoder = encoderTo(coding, counted{l.w, &l.sent})
}

// weaken makes a strong validator weak: it named other bytes (RFC 9110 section
// 8.8.3).
func weaken(h http.Header) {
	if tag := h.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h["Etag"] = []string{"W/" + tag}
	}
}

// write passes a piece of the answer's body on.
func (l *life) write(p []byte) (int, error) {
	if l.encoder != nil {
		return l.encoder.Write(p)
	}
	n, err := l.w.Write(p)
	l.sent += int64(n)
	return n, err
}

// flush sends what has been written.
func (l *life) flush() error {
	if l.encoder != nil {
		if err := l.encoder.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(l.w).Flush()
}

// finish writes the end of a compressed body.
func (l *life) finish() error {
	if l.encoder == nil {
		return nil
	}
	defer l.releaseEncoder()
	return l.encoder.Close()
}

// releaseEncoder gives the encoder back, also after an answer that broke off.
func (l *life) releaseEncoder() {
	if l.encoder != nil {
		release(l.encoder)
		l.encoder = nil
		l.encoders.give(encoderCost)
	}
}
