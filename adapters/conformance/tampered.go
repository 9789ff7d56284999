package conformance

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// tamper stands between the app and its server and changes SQL on the way: so a
// transaction ends that the adapter believes open, as if interception had
// missed something.
type tamper struct {
	addr     string
	server   string
	listener net.Listener
	all      sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// What the app sends, and what becomes of it.
const (
	markerOfROLLBACK = "SELECT 'this is going to be a ROLLBACK'"
	markerOfAnother  = "SELECT 'this is going to be another transaction'"
	// After this one the connection's own ROLLBACK comes twice, the second
	// without a transaction: NOTICE 25P01.
	markerOfTwice = "SELECT 'the rollback is going to come twice'"
)

var instead = map[string]string{
	markerOfROLLBACK: "ROLLBACK",
	markerOfAnother:  "ROLLBACK; BEGIN READ WRITE",
}

// tamperWith listens until t's end for connections to server ("host:port").
func tamperWith(t *testing.T, server string) *tamper {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &tamper{addr: l.Addr().String(), server: server, listener: l}
	w.all.Go(w.accept)
	t.Cleanup(w.close)
	return w
}

func (w *tamper) close() {
	w.listener.Close()
	w.mu.Lock()
	for _, c := range w.conns {
		c.Close()
	}
	w.mu.Unlock()
	w.all.Wait()
}

func (w *tamper) accept() {
	for {
		app, err := w.listener.Accept()
		if err != nil {
			return
		}
		db, err := net.Dial("tcp", w.server)
		if err != nil {
			app.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, app, db)
		w.mu.Unlock()
		w.all.Go(func() { w.forward(db, app) })
		w.all.Go(func() {
			defer app.Close()
			io.Copy(app, db)
		})
	}
}

// forward takes the app's messages to the server.
func (w *tamper) forward(db, app net.Conn) {
	defer db.Close()
	started, twice := false, false
	for {
		head := make([]byte, 4) // a start has no type
		if started {
			head = make([]byte, 5)
		}
		if _, err := io.ReadFull(app, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(app, body); err != nil {
			return
		}
		switch {
		case !started: // protocol 3, or a question about encryption before it
			started = len(body) >= 4 && body[0] == 0 && body[1] == 3
		case head[0] == 'Q' || head[0] == 'P':
			body, twice = changed(body, twice, head[0] == 'Q')
			binary.BigEndian.PutUint32(head[1:], uint32(len(body)+4))
		}
		if _, err := db.Write(append(head, body...)); err != nil {
			return
		}
	}
}

// changed is the body of a Query or a Parse. twice is what it is for the next.
func changed(body []byte, twice, simple bool) ([]byte, bool) {
	for marker, sql := range instead {
		body = bytes.ReplaceAll(body, []byte(marker), []byte(sql))
	}
	if text, ok := strings.CutSuffix(strings.TrimRight(string(body), "\x00; \n"), "ROLLBACK"); ok && twice && simple {
		return []byte(text + "ROLLBACK;ROLLBACK\x00"), twice
	}
	return body, twice || bytes.Contains(body, []byte(markerOfTwice))
}

// checkTampered: a transaction that has ended behind the adapter's back is an
// escape, or there is no acknowledgement.
func (s *suite) checkTampered(t *testing.T, w *tamper) {
	for why, c := range map[string]struct {
		marker    string
		protocols []Protocol
	}{
		"a ROLLBACK that was not seen":            {markerOfROLLBACK, protocols},
		"another transaction":                     {markerOfAnother, []Protocol{Simple}}, // several in one string
		"a NOTICE 25P01 at the adapter's own end": {markerOfTwice, protocols},
	} {
		if c.marker == markerOfTwice && s.app.NoNotices {
			continue // the second of the two ROLLBACKs is told by a notice alone
		}
		for _, p := range c.protocols {
			r := statements(p, insert, c.marker, insert).shadow()
			s.db.unchanged(t, func() {
				out := s.do(t, s.marked(t, r))
				s.db.settles(t)
				if p == Extended && strings.Contains(out.body, `"42601"`) {
					return // sent within a statement of the framework's, and so no SQL
				}
				if out.err == nil && !strings.HasPrefix(out.ack.Reason, "escape:") || out.err != nil && out.status < 500 {
					t.Errorf("%s, %s: %d, %+v, %v\n%s", why, p, out.status, out.ack, out.err, out.body)
				}
			})
		}
	}
	sameAnswer(t, s.rolledBack(t, post("/items", fields{"name": "grapes"}).shadow()), s.live(t, post("/items", fields{"name": "grapes"})))
}
