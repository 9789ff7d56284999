package wire

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// event is a frame that the server sent.
type event struct {
	kind   http2.FrameType
	stream uint32
	ack    bool
	end    bool          // END_STREAM
	code   http2.ErrCode // of RST_STREAM and GOAWAY
	last   uint32        // GOAWAY's last stream
	amount uint32        // of WINDOW_UPDATE
	data   []byte        // of DATA and PING
	fields []hpack.HeaderField
	err    error // the connection's end; kind is 0xff then
}

const connectionEnd http2.FrameType = 0xff

// h2 is a client that sends and gets frames. Frames are read in a goroutine of
// its own, so that a server that answers a flood is not held up.
type h2 struct {
	t    *testing.T
	conn net.Conn

	mu   sync.Mutex // guards writing
	fr   *http2.Framer
	enc  *hpack.Encoder
	buf  bytes.Buffer
	next uint32 // id of the next stream

	came   chan event
	closed chan bool // tells the reader that nobody takes events any more
	limits map[http2.SettingID]uint32

	target string // sent where a :path is wrongPath; "" is wrongPath itself
}

// wrongPath is the path of requests that are wrong. Each case has a target of
// its own for it, so that what arrives late is known.
const wrongPath = "/wrong"

// newH2 opens a connection: preface, the client's settings, the server's, and
// both acknowledgements.
func newH2(t *testing.T, r *running, settings ...http2.Setting) *h2 {
	t.Helper()
	c := newH2Over(t, r.dial(t, "h2"), settings...)
	acks := 0
	for range 4 { // the server's settings, its window, its acknowledgement
		e := c.await("settings", func(e event) bool {
			return e.kind == http2.FrameSettings || e.kind == http2.FrameWindowUpdate
		})
		if e.kind == http2.FrameSettings && e.ack {
			acks++
			break
		}
	}
	if acks != 1 || len(c.limits) == 0 {
		t.Fatalf("%d acknowledgements of settings, and these settings: %v", acks, c.limits)
	}
	return c
}

// newH2Over sends preface and settings. Only then does the reader start, which
// acknowledges the server's.
func newH2Over(t *testing.T, conn net.Conn, settings ...http2.Setting) *h2 {
	t.Helper()
	c := &h2{
		t: t, conn: conn, fr: http2.NewFramer(conn, conn), next: 1,
		came: make(chan event, 1<<12), closed: make(chan bool),
		limits: map[http2.SettingID]uint32{},
	}
	c.enc = hpack.NewEncoder(&c.buf)
	c.fr.AllowIllegalWrites = true
	c.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	c.write(func(fr *http2.Framer) error { return fr.WriteSettings(settings...) })
	var reader sync.WaitGroup
	reader.Go(c.read)
	t.Cleanup(func() {
		close(c.closed)
		conn.Close()
		reader.Wait()
	})
	return c
}

// read turns frames into events, acknowledging settings, until the end.
func (c *h2) read() {
	for {
		f, err := c.fr.ReadFrame()
		e := event{kind: connectionEnd, err: err}
		if err == nil {
			e = c.eventOf(f)
		}
		select {
		case c.came <- e:
		case <-c.closed:
			return
		}
		if err != nil {
			return
		}
	}
}

func (c *h2) eventOf(f http2.Frame) event {
	e := event{kind: f.Header().Type, stream: f.Header().StreamID}
	switch f := f.(type) {
	case *http2.SettingsFrame:
		e.ack = f.IsAck()
		if !e.ack {
			_ = f.ForeachSetting(func(s http2.Setting) error { c.limits[s.ID] = s.Val; return nil })
			c.send(func(fr *http2.Framer) error { return fr.WriteSettingsAck() })
		}
	case *http2.PingFrame:
		e.ack, e.data = f.IsAck(), slices.Clone(f.Data[:])
	case *http2.DataFrame:
		e.data, e.end = slices.Clone(f.Data()), f.StreamEnded()
	case *http2.MetaHeadersFrame:
		e.fields, e.end = f.Fields, f.StreamEnded()
	case *http2.RSTStreamFrame:
		e.code = f.ErrCode
	case *http2.GoAwayFrame:
		e.code, e.last, e.data = f.ErrCode, f.LastStreamID, slices.Clone(f.DebugData())
	case *http2.WindowUpdateFrame:
		e.amount = f.Increment
	}
	return e
}

// send writes frames; an error says that the connection has ended.
func (c *h2) send(frames func(*http2.Framer) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return frames(c.fr)
}

// write is send where the connection has to be there.
func (c *h2) write(frames func(*http2.Framer) error) {
	c.t.Helper()
	if err := c.send(frames); err != nil {
		c.t.Fatalf("write a frame: %v", err)
	}
}

// await skips events until one is what is waited for.
func (c *h2) await(what string, is func(event) bool) event {
	c.t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for {
		select {
		case e := <-c.came:
			if is(e) {
				return e
			}
			if e.kind == connectionEnd {
				c.t.Fatalf("waiting for %s: the connection ended: %v", what, e.err)
			}
		case <-late.C:
			c.t.Fatalf("waiting for %s: it did not come", what)
		}
	}
}

// block is a header block.
func (c *h2) block(fields ...hpack.HeaderField) []byte {
	c.buf.Reset()
	for _, f := range fields {
		if f.Name == ":path" && f.Value == wrongPath && c.target != "" {
			f.Value = c.target
		}
		_ = c.enc.WriteField(f) // into a buffer, which takes all
	}
	return slices.Clone(c.buf.Bytes())
}

func field(name, value string) hpack.HeaderField { return hpack.HeaderField{Name: name, Value: value} }

// request is the fields of a request, with more after the four of the line.
func request(method, path string, more ...hpack.HeaderField) []hpack.HeaderField {
	return append([]hpack.HeaderField{
		field(":method", method), field(":scheme", "https"), field(":authority", "h.example"), field(":path", path),
	}, more...)
}

// open sends a request's head and gives the stream's id.
func (c *h2) open(end bool, fields ...hpack.HeaderField) uint32 {
	c.t.Helper()
	id := c.next
	c.next += 2
	c.write(func(fr *http2.Framer) error {
		return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block(fields...), EndHeaders: true, EndStream: end})
	})
	return id
}

func (c *h2) data(id uint32, end bool, data string) {
	c.t.Helper()
	c.write(func(fr *http2.Framer) error { return fr.WriteData(id, end, []byte(data)) })
}

func (c *h2) window(id, amount uint32) {
	c.t.Helper()
	c.write(func(fr *http2.Framer) error { return fr.WriteWindowUpdate(id, amount) })
}

// answer is what came on a stream.
type answer struct {
	interim []answer
	fields  []hpack.HeaderField
	body    []byte
	trailer []hpack.HeaderField
	reset   *http2.ErrCode
}

func (a answer) status() int {
	n, _ := strconv.Atoi(a.get(":status"))
	return n
}

func (a answer) get(name string) string { return value(a.fields, name) }

// value is the first value of a name; "" when there is none.
func value(fields []hpack.HeaderField, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// answer waits for a stream's end and gives what came. Windows are opened
// again as data comes.
func (c *h2) answer(id uint32) answer {
	c.t.Helper()
	var a answer
	for {
		e := c.await(fmt.Sprintf("stream %d", id), func(e event) bool { return e.stream == id })
		switch e.kind {
		case http2.FrameHeaders:
			a.headers(e)
		case http2.FrameData:
			a.body = append(a.body, e.data...)
			if n := uint32(len(e.data)); n > 0 && !e.end {
				_ = c.send(func(fr *http2.Framer) error {
					_ = fr.WriteWindowUpdate(0, n)
					return fr.WriteWindowUpdate(id, n)
				})
			}
		case http2.FrameRSTStream:
			a.reset = &e.code
			return a
		}
		if e.end {
			return a
		}
	}
}

func (a *answer) headers(e event) {
	switch status := value(e.fields, ":status"); {
	case status == "":
		a.trailer = e.fields
	case status[0] == '1':
		a.interim = append(a.interim, answer{fields: e.fields})
	default:
		a.fields = e.fields
	}
}

// ping sends a PING and gives the events that came before its acknowledgement:
// what the server had to say until then.
func (c *h2) ping() []event {
	c.t.Helper()
	mark := [8]byte{'q', 'u', 'a', 'c', 'k', byte(time.Now().Nanosecond())}
	c.write(func(fr *http2.Framer) error { return fr.WritePing(false, mark) })
	var before []event
	c.await("the acknowledgement of a PING", func(e event) bool {
		if e.kind == http2.FramePing && e.ack && bytes.Equal(e.data, mark[:]) {
			return true
		}
		before = append(before, e)
		return false
	})
	return before
}

// dataOf counts the bytes of DATA for a stream, 0 for all.
func dataOf(events []event, id uint32) int {
	n := 0
	for _, e := range events {
		if e.kind == http2.FrameData && (id == 0 || e.stream == id) {
			n += len(e.data)
		}
	}
	return n
}

// slow makes the kernel keep little of what comes over a connection.
func slow(conn net.Conn) {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
}
