package wire

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// held is a backend whose calls last until they are released or cancelled.
type held struct {
	url       string
	began     chan bool
	release   chan bool
	cancelled chan bool
	under     atomic.Int64 // calls under way
	most      atomic.Int64
	total     atomic.Int64
}

func newHeld(t testing.TB) *held {
	b := &held{began: make(chan bool, 1<<16), release: make(chan bool), cancelled: make(chan bool, 1<<16)}
	b.url = newBackend(t, func(w http.ResponseWriter, r *http.Request) {
		n := b.under.Add(1)
		defer b.under.Add(-1)
		for m := b.most.Load(); n > m && !b.most.CompareAndSwap(m, n); m = b.most.Load() {
		}
		b.total.Add(1)
		b.began <- true
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.cancelled <- true
			return
		}
		select {
		case <-b.release:
			io.WriteString(w, "late")
		case <-r.Context().Done():
			b.cancelled <- true
		}
	})
	return b
}

// The client may open as many streams as the server says, and no more; those
// that are open are not hurt (RFC 9113 section 5.1.2).
func TestH2StreamsAtOnce(t *testing.T) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		b := newHeld(t)
		c := newH2(t, start(t, newPath(t, b.url)))
		limit := int(c.limits[http2.SettingMaxConcurrentStreams])
		if limit < 50 || limit > 1000 {
			t.Fatalf("the server allows %d streams at once", limit)
		}
		for range limit {
			c.open(true, request("GET", "/")...)
		}
		for range limit {
			receive(t, "the call began", b.began)
		}
		over := c.open(true, request("GET", "/over")...)
		if a := c.answer(over); a.reset == nil || *a.reset != http2.ErrCodeRefusedStream && *a.reset != http2.ErrCodeProtocol {
			t.Errorf("one stream too many: %v, reset %v", a.fields, a.reset)
		}
		if n := b.total.Load(); n != int64(limit) {
			t.Errorf("the backend got %d calls, want %d", n, limit)
		}
		close(b.release)
		ended := 0
		for ended < limit {
			e := c.await("the answers", func(e event) bool { return e.end || e.kind == http2.FrameRSTStream })
			if e.kind == http2.FrameRSTStream {
				t.Fatalf("stream %d was reset: %v", e.stream, e.code)
			}
			ended++
		}
		if a := c.answer(c.open(true, request("GET", "/")...)); a.status() != 200 {
			t.Errorf("afterwards %v", a.fields)
		}
	})
}

func TestH2ResetEndsTheCall(t *testing.T) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		b := newHeld(t)
		p := newPath(t, b.url)
		c := newH2(t, start(t, p))
		for _, kind := range []struct {
			reason string
			fields []hpack.HeaderField
			end    bool
			data   string
		}{
			{"a request without a body", request("GET", "/"), true, ""},
			{"a body that is not at its end", request("POST", "/"), false, "abc"},
			{"a body of which nothing has come", request("PUT", "/", field("content-length", "10000000")), false, ""},
		} {
			id := c.open(kind.end, kind.fields...)
			if kind.data != "" {
				c.data(id, false, kind.data)
			}
			receive(t, "the call began", b.began)
			c.write(func(fr *http2.Framer) error { return fr.WriteRSTStream(id, http2.ErrCodeCancel) })
			receive(t, "the call was cancelled: "+kind.reason, b.cancelled)
			for _, e := range c.ping() {
				if e.stream == id && e.kind != http2.FrameWindowUpdate {
					t.Errorf("%s: after the reset there came a frame %v", kind.reason, e.kind)
				}
			}
		}
		if got := p.counts.waitServed(t, 3); !slices.Equal(got, []int{499, 499, 499}) {
			t.Errorf("counted %v", got)
		}
		close(b.release)
		if a := c.answer(c.open(true, request("GET", "/")...)); string(a.body) != "late" {
			t.Errorf("afterwards %v %q", a.fields, a.body)
		}
	})
}

// A drain says so, lets the streams that are open finish, refuses others, and
// then closes the connection (RFC 9113 section 6.8).
func TestH2Drain(t *testing.T) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		b := newHeld(t)
		run := start(t, newPath(t, b.url))
		c := newH2(t, run)
		id := c.open(true, request("GET", "/")...)
		receive(t, "the call began", b.began)
		drained := make(chan error, 1)
		go func() { drained <- run.drain() }()
		away := c.await("GOAWAY", func(e event) bool { return e.kind == http2.FrameGoAway })
		if away.code != http2.ErrCodeNo || away.last < id {
			t.Errorf("GOAWAY %v, last stream %d", away.code, away.last)
		}
		close(b.release)
		if a := c.answer(id); string(a.body) != "late" {
			t.Errorf("the open stream got %v %q, reset %v", a.fields, a.body, a.reset)
		}
		c.await("the connection's end", func(e event) bool { return e.kind == connectionEnd })
		if err := receive(t, "drained", drained); err != nil {
			t.Errorf("drain: %v", err)
		}
	})
}

// One connection, many requests at once, each with its own body.
func TestH2ManyStreams(t *testing.T) {
	url := newBackend(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.RequestURI, b)
	})
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		c := newH2(t, start(t, newPath(t, url)))
		want := map[uint32]string{}
		for n := range 60 {
			id := c.open(false, request("POST", fmt.Sprint("/", n))...)
			want[id] = fmt.Sprintf("/%d body of %d", n, id)
		}
		for id := range want { // in any order
			c.data(id, false, "body ")
		}
		for id := range want {
			c.data(id, true, fmt.Sprint("of ", id))
		}
		got := map[uint32]string{}
		for left := len(want); left > 0; {
			e := c.await("the answers", func(e event) bool { return e.stream != 0 })
			got[e.stream] += string(e.data)
			if e.end || e.kind == http2.FrameRSTStream {
				left--
			}
		}
		for id, w := range want {
			if got[id] != w {
				t.Errorf("stream %d got %q, want %q", id, got[id], w)
			}
		}
	})
}
