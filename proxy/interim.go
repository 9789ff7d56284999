package proxy

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/quackproxy/quack/upstream"
)

// maxInterim bounds the interim answers to one request.
const maxInterim = 100

// interim passes interim answers (1xx) on while the call waits for the final
// one. The engine calls it from a goroutine of its own.
type interim struct {
	l *life

	mu   sync.Mutex
	over bool // the handler's goroutine has the answer to itself again
	n    int
}

func (i *interim) pass(code int, header http.Header) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.n++; i.n > maxInterim {
		return fmt.Errorf("more than %d interim answers", maxInterim)
	}
	// The server sends its own 100 when the body is asked for, and HTTP/1.0
	// knows no interim answers.
	if i.over || code == http.StatusContinue || !i.l.r.ProtoAtLeast(1, 1) {
		return nil
	}
	final := i.l.w.Header()
	for name, values := range header {
		final[name] = values
	}
	upstream.RemoveHopByHop(final)
	dropMarks(final)
	i.l.w.WriteHeader(code)
	clear(final)
	return nil
}

// any reports whether anything of an answer has come.
func (i *interim) any() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.n > 0
}

func (i *interim) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.over = true
}
