package txshadow

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"net"
	"net/http"
	"strings"
	"time"
)

// answer keeps what a handler answers until its transaction has been rolled
// back. It belongs to the handler's goroutine until that is done.
type answer struct {
	shadow *Shadow // nil for answers of our own
	header http.Header
	body   keptBody
	sum    hash.Hash

	status int
	sent   http.Header // the header section as it was when the body began
}

func newAnswer(s *Shadow, limit int64) *answer {
	return &answer{shadow: s, header: http.Header{}, body: keptBody{limit: limit}, sum: sha256.New()}
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d", status)) // as net/http does, and here rather than there
	}
	if a.status != 0 || status >= 100 && status <= 199 { // informational answers say nothing to compare
		return
	}
	a.status, a.sent = status, a.header.Clone()
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	a.sum.Write(p)
	return a.body.Write(p)
}

func (a *answer) WriteString(s string) (int, error) { return a.Write([]byte(s)) }

// Flush sends nothing: the answer goes out when the transaction has ended.
func (a *answer) Flush() { a.WriteHeader(http.StatusOK) }

// SetReadDeadline, SetWriteDeadline and EnableFullDuplex are for
// http.ResponseController, and do nothing: the body has been read, and the
// answer is kept.
func (a *answer) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline: see SetReadDeadline.
func (a *answer) SetWriteDeadline(time.Time) error { return nil }

// EnableFullDuplex: see SetReadDeadline.
func (a *answer) EnableFullDuplex() error { return nil }

// Hijack is refused: what is said on a raw connection can not be compared.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if a.shadow != nil {
		a.shadow.note("unsupported:hijack")
	}
	return nil, nil, errors.New("txshadow: a connection can not be hijacked inside a shadow request")
}

func (a *answer) tooLong() bool { return a.body.size > a.body.limit }

// send writes the answer to w, with mark's fields among its own. A body that
// was too long to keep is left out; Repr-Digest (RFC 9530) speaks for it.
func (a *answer) send(w http.ResponseWriter, mark func(http.Header)) {
	a.WriteHeader(http.StatusOK)
	h := w.Header()
	for name, v := range a.sent {
		h[name] = v
	}
	mark(h)
	if a.tooLong() {
		h.Del("Content-Length")
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(a.sum.Sum(nil))+":")
		w.WriteHeader(a.status)
		return
	}
	w.WriteHeader(a.status)
	w.Write(a.body.kept.Bytes())
	a.sendTrailers(h)
}

// sendTrailers sets what net/http sends after the body: fields that the
// answer has announced, and those with its prefix.
func (a *answer) sendTrailers(h http.Header) {
	for _, line := range a.sent.Values("Trailer") {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if v, ok := a.header[name]; ok {
				h[name] = v
			}
		}
	}
	for name, v := range a.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			h[name] = v
		}
	}
}
