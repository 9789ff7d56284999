package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// upload is the client's body on its way to the live side. It can keep a copy
// as it goes, and can be read ahead. The engine may read on in a goroutine of
// its own after the call has returned; what is shared with it is under mu.
type upload struct {
	client *http.Request
	length int64        // -1 is unknown
	moved  func()       // called with each piece; nil does nothing
	out    *http.Header // trailer of the live call, filled at the end
	copies *budget

	mu     sync.Mutex
	ahead  []byte // read, not yet passed on
	kept   []byte // the copy
	max    int64  // of the copy
	refuse string // why there is no copy: a reason to skip; "" while there is one
	size   int64  // bytes read
	limit  int64  // of size; 0 is none
	// messages are those of a gRPC call, nil of others: it is copied only while
	// there is not more than one.
	messages *framing
	ended    time.Time
	err      error // of reading, other than io.EOF
	begun    bool  // something of it may have been passed on
	closed   bool
}

// errBodyTooLarge is that the body has more bytes than its route allows.
var errBodyTooLarge = errors.New("the body is larger than its route allows")

// errUploadEnded is what the engine gets when it reads on after the end.
var errUploadEnded = errors.New("the request has ended")

func newUpload(r *http.Request, copies *budget) *upload {
	return &upload{client: r, length: r.ContentLength, copies: copies, refuse: skipAborted}
}

// keep has the upload copied as it goes, up to max bytes.
func (u *upload) keep(max int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.max, u.refuse = max, ""
	if u.length > max {
		u.refuse = skipBodySize
	}
}

// readAhead reads the body into the copy until it ends or there is no copy any
// more. What was read is passed on first.
func (u *upload) readAhead() {
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	for u.copying() {
		n, err := u.client.Body.Read(buf[:])
		before := u.kept
		u.took(buf[:n], err)
		if u.moved != nil {
			u.moved()
		}
		u.ahead = u.kept
		if u.kept == nil && n > 0 { // this piece was one too many
			u.ahead = append(before, buf[:n]...)
		}
		if err != nil || u.failed() != nil {
			return
		}
	}
}

func (u *upload) copying() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.refuse == "" && u.err == nil && u.ended.IsZero()
}

// Read passes the body on.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	if u.closed {
		u.mu.Unlock()
		return 0, errUploadEnded
	}
	u.begun = true
	if len(u.ahead) > 0 {
		defer u.mu.Unlock()
		n := copy(p, u.ahead)
		u.ahead = u.ahead[n:]
		return n, nil
	}
	if u.err != nil || !u.ended.IsZero() {
		defer u.mu.Unlock()
		if u.err != nil {
			return 0, u.err
		}
		u.passTrailer()
		return 0, io.EOF
	}
	u.mu.Unlock()

	n, err := u.client.Body.Read(p)
	u.took(p[:n], err)
	if u.failed() == errBodyTooLarge {
		n, err = 0, errBodyTooLarge
	}
	if err == io.EOF {
		u.passTrailer()
	}
	if u.moved != nil {
		u.moved()
	}
	return n, err
}

// took notes a piece that was read, and how reading ended.
func (u *upload) took(piece []byte, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.size += int64(len(piece))
	if u.messages != nil {
		u.messages.add(piece)
	}
	if u.limit > 0 && u.size > u.limit {
		u.err = errBodyTooLarge
		u.drop(skipAborted)
		return
	}
	if u.refuse == "" && len(piece) > 0 {
		switch {
		case u.length < 0 && u.messages != nil && u.messages.more():
			u.drop(skipStream)
		case u.size > u.max:
			u.drop(skipBodySize)
		case !u.copies.take(int64(len(piece))):
			u.drop(skipBusy)
		default:
			u.kept = append(u.kept, piece...)
		}
	}
	switch {
	case err == io.EOF, err == nil && u.size == u.length:
		if u.ended.IsZero() {
			u.ended = time.Now()
		}
	case err != nil:
		u.err = err
		u.drop(skipAborted)
	}
}

// drop gives up the copy.
func (u *upload) drop(why string) {
	u.copies.give(int64(len(u.kept)))
	u.kept, u.refuse = nil, why
}

// passTrailer hands the client's trailer to the live call. Fields that frame
// the message, or are Quack's, have no place there.
func (u *upload) passTrailer() {
	if u.out == nil {
		return
	}
	for name, values := range u.client.Trailer {
		(*u.out)[name] = values
	}
	cleanClientTrailer(*u.out)
}

// Close is the engine's, which does so when it has no more use for the body;
// the client's end of it is the server's to close.
func (u *upload) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	return nil
}

// reopen makes the upload, closed by a call that was never sent, ready for
// another, and reports whether that call had left it untouched. A request
// without a body (nil) always is ready.
func (u *upload) reopen() bool {
	if u == nil {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.begun {
		u.closed = false
	}
	return !u.begun
}

// whole reports whether the body was read to its end.
func (u *upload) whole() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.ended.IsZero()
}

// sent is when the body was read to its end; zero when it was not.
func (u *upload) sent() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ended
}

// received is how many bytes of the body were read.
func (u *upload) received() int64 {
	if u == nil {
		return 0
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.size
}

// failed is why the body could not be read to its end.
func (u *upload) failed() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// copy is the whole body, or why there is no copy of it.
func (u *upload) copy() (body []byte, refuse string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.refuse == "" && u.ended.IsZero() {
		return nil, skipAborted // answered before it was read
	}
	return u.kept, u.refuse
}

// end gives the copy's bytes back and lets nobody read on.
func (u *upload) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	u.drop(skipAborted)
}
