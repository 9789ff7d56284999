package wire

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// highWater notes the most goroutines and the largest heap until stop.
func highWater() (stop func() (goroutines int, heap uint64)) {
	end, ended := make(chan bool), make(chan bool)
	var most int
	var heap uint64
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most, heap = max(most, runtime.NumGoroutine()), max(heap, m.HeapAlloc)
			select {
			case <-end:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() (int, uint64) {
		close(end)
		<-ended
		return most, heap
	}
}

// flood sends frames n times, until the server closes the connection, and says
// how often it took them and how the connection ended: "open" when it did not.
func (c *h2) flood(n int, frames func(fr *http2.Framer) error) (taken int, end string) {
	for taken = 0; taken < n && c.send(frames) == nil; taken++ {
	}
	mark := [8]byte{1, 2, 3}
	_ = c.send(func(fr *http2.Framer) error { return fr.WritePing(false, mark) })
	late := time.After(20 * time.Second)
	for {
		select {
		case e := <-c.came:
			switch {
			case e.kind == http2.FrameGoAway:
				return taken, e.code.String()
			case e.kind == connectionEnd:
				return taken, "closed"
			case e.kind == http2.FramePing && e.ack && [8]byte(e.data) == mark:
				return taken, "open"
			}
		case <-late:
			c.t.Fatal("the server neither answers nor closes")
		}
	}
}

// Rapid reset (CVE-2023-44487): streams that are opened and reset at once cost
// the server no more work than the streams that may be open do.
func TestH2RapidReset(t *testing.T) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		b := newHeld(t)
		run := start(t, newPath(t, b.url))
		c := newH2(t, run)
		limit := int64(c.limits[http2.SettingMaxConcurrentStreams])
		stop := highWater()
		var id uint32 = 1
		taken, end := c.flood(4000, func(fr *http2.Framer) error {
			defer func() { id += 2 }()
			if err := fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block(request("GET", "/")...), EndHeaders: true, EndStream: true}); err != nil {
				return err
			}
			return fr.WriteRSTStream(id, http2.ErrCodeCancel)
		})
		goroutines, heap := stop()
		t.Logf("%d taken, %s; %d goroutines, heap %d KiB, %d calls", taken, end, goroutines, heap>>10, b.total.Load())
		if b.most.Load() > limit {
			t.Errorf("%d calls at once, although only %d streams may be open", b.most.Load(), limit)
		}
		// A stream, its call and both ends of the call's connection.
		if goroutines > 12*int(limit) {
			t.Errorf("%d goroutines for %d streams", goroutines, limit)
		}
		if heap > 256<<20 {
			t.Errorf("the heap grew to %d bytes", heap)
		}
		c.conn.Close()
		until(t, "all calls ended", func() bool { return b.under.Load() == 0 })
		close(b.release)
		c = newH2(t, run)
		if a := c.answer(c.open(true, request("GET", "/")...)); a.status() != 200 {
			t.Errorf("afterwards %v, reset %v", a.fields, a.reset)
		}
	})
}

// A head that goes on for ever (CVE-2023-45288) ends the connection soon.
func TestH2EndlessHead(t *testing.T) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		url := newBackend(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s reached the backend", r.RequestURI) })
		for _, k := range []struct{ reason, value string }{
			{"fields that are long", strings.Repeat("v", 8000)},
			{"fields that are short", "v"},
		} {
			c := newH2(t, start(t, newPath(t, url)))
			c.write(func(fr *http2.Framer) error {
				return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block(request("GET", wrongPath)...)})
			})
			_, end := c.flood(20000, func(fr *http2.Framer) error {
				return fr.WriteContinuation(1, false, c.block(field("x-endless", k.value), field("x-endless", k.value)))
			})
			if end != http2.ErrCodeProtocol.String() && end != "closed" {
				t.Errorf("%s: %s after 20000 frames", k.reason, end)
			}
		}
	})
}

// Frames that ask for an answer, from a client that reads none: the server
// keeps no endless queue. For PING it closes the connection or reads no more;
// of SETTINGS it notes no more than that one is to be acknowledged.
func TestH2UnreadAnswers(t *testing.T) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		run := start(t, newPath(t, newBackend(t, sized)))
		for _, k := range []struct {
			reason string
			n      int
			ends   bool
			frame  func(fr *http2.Framer) error
		}{
			{"PING", 2000000, true, func(fr *http2.Framer) error { return fr.WritePing(false, [8]byte{}) }},
			{"SETTINGS", 100000, false, func(fr *http2.Framer) error {
				return fr.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 0})
			}},
		} {
			stop := highWater()
			conn := run.dial(t, "h2")
			slow(conn)
			fr := http2.NewFramer(conn, nil)
			io.WriteString(conn, http2.ClientPreface)
			_ = fr.WriteSettings()
			sent := 0
			for ; sent < k.n; sent++ {
				_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
				if k.frame(fr) != nil {
					break
				}
			}
			_, heap := stop()
			if k.ends && sent == k.n {
				t.Errorf("%s: %d were taken", k.reason, sent)
			}
			if heap > 256<<20 {
				t.Errorf("%s: the heap grew to %d bytes", k.reason, heap)
			}
		}
	})
}

// Empty frames that a client may send for ever cost no more than reading them.
func TestH2CheapFrames(t *testing.T) {
	overEach(t, func(t *testing.T, start func(testing.TB, http.Handler) *running) {
		run := start(t, newPath(t, newBackend(t, answerWhole)))
		for _, k := range []struct {
			reason string
			frame  func(fr *http2.Framer) error
		}{
			{"empty DATA", func(fr *http2.Framer) error { return fr.WriteData(1, false, nil) }},
			{"WINDOW_UPDATE", func(fr *http2.Framer) error { return fr.WriteWindowUpdate(1, 1) }},
			{"PRIORITY", func(fr *http2.Framer) error { return fr.WritePriority(1, http2.PriorityParam{StreamDep: 3}) }},
			{"PRIORITY of streams that are not open", func(fr *http2.Framer) error {
				return fr.WritePriority(uint32(2*time.Now().Nanosecond()%1000000)|1, http2.PriorityParam{})
			}},
			{"a kind that nobody knows", func(fr *http2.Framer) error { return fr.WriteRawFrame(0xee, 0, 0, nil) }},
		} {
			c := newH2(t, run)
			id := c.open(false, request("POST", "/")...)
			stop := highWater()
			_, end := c.flood(10000, k.frame)
			goroutines, heap := stop()
			if end == "open" {
				c.data(id, true, "x")
				if a := c.answer(id); a.status() != 200 {
					t.Errorf("%s: then %v, reset %v", k.reason, a.fields, a.reset)
				}
			}
			if goroutines > 300 || heap > 256<<20 {
				t.Errorf("%s: %d goroutines, heap %d", k.reason, goroutines, heap)
			}
		}
	})
}
