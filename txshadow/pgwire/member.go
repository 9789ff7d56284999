package pgwire

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// member is one client of a lane. It belongs to its goroutine; what others
// need of it is said.
type member struct {
	lane   *Lane
	conn   net.Conn
	r      *bufio.Reader
	w      *bufio.Writer
	params map[string]string
	id     int
	up     *upstream // of the session it has joined; set once

	gone    bool          // nothing can be written to it any more
	copying chan struct{} // closed when nobody else reads from it any more; nil when nobody does
	stashed frame         // what the other reader has read too much

	holds bool        // the lane's turn
	sh    *shadow     // that it was taken in; nil outside of shadows
	news  []byte      // ParameterStatus of what others have set; under the lane's lock
	ghost atomic.Bool // its transaction was a shadow's that is over

	group
	names
}

// group is what a client has sent since the server's last ReadyForQuery, by
// the extended protocol.
type group struct {
	pending   []frame
	size      int // of pending, in bytes
	skipping  bool
	segment   []frame // rewritten, to be sent
	expects   []expect
	unsynced  bool         // the server has had messages, and no Sync
	covered   *ledger.Mark // savepoint of the implicit transaction
	wrote     bool         // the implicit transaction
	broken    bool         // we have refused something, which the server does not know
	inQuery   bool         // a simple query is run
	copies    bool         // the segment has a COPY
	copied    bool         // the server has asked for the data of one
	swallowed bool         // a Sync was sent with a COPY, and counts for nothing
	now       sqltext.Sent // what is under way
	fused     bool         // the fuse has spoken
	held      frame        // a CommandComplete that waits for the end of its transaction
}

// expect is an answer that is owed for a message that was sent.
type expect struct {
	kind byte   // of the message; 0 when the answer is not for the client
	undo func() // takes back what does not hold when the server refuses or skips it; may be nil
	fail func() // the same, only for when the server refuses it; may be nil
}

// writeTimeout is how long a client may leave its answers unread.
const writeTimeout = 10 * time.Second

var errLeft = errors.New("the client has left")

// serve serves a client that has logged in.
func (l *Lane) serve(ctx context.Context, conn net.Conn, h hello) {
	m := &member{lane: l, conn: conn, r: bufio.NewReaderSize(conn, 16<<10), w: bufio.NewWriterSize(conn, 16<<10), params: h.params}
	m.names.init()
	if h.params["replication"] != "" {
		l.server.turnAway(conn, fatal(stateFeature, "a lane has no replication connections"))
		return
	}
	told, err := l.join(ctx, m)
	if err != nil {
		l.server.turnAway(conn, asFailure(err))
		return
	}
	defer l.leave(ctx, m)
	key := l.server.keys.add(h.version, m)
	defer l.server.keys.remove(key)
	if _, err := conn.Write(welcome(told, key)); err != nil {
		return
	}
	conn.SetDeadline(time.Time{})
	err = m.loop(ctx)
	var f *failure
	if errors.As(err, &f) {
		m.write(f.frame())
		m.flush()
	}
	conn.Close()
	if m.copying != nil {
		<-m.copying
	}
}

// cancel is called by others.
func (m *member) cancel(ctx context.Context) { m.lane.window.cancel(ctx, m) }

// loop takes what the client sends until it leaves. An error that is a
// failure is to be told.
func (m *member) loop(ctx context.Context) error {
	for {
		f, err := m.next()
		if err != nil {
			return err
		}
		switch f.kind() {
		case 'P', 'B', 'D', 'E', 'C':
			err = m.collect(f)
		case 'S', 'H':
			err = m.finishGroup(ctx, f.kind() == 'S')
		case 'Q', 'F':
			err = m.simple(ctx, f)
		case 'd', 'c', 'f': // late, behind an error in a COPY
		case 'X':
			return errLeft
		default:
			return fatal(stateProtocol, "invalid frontend message type %d", f.kind())
		}
		if err != nil {
			return err
		}
		if m.gone {
			return errLeft
		}
	}
}

// next is the client's next message.
func (m *member) next() (frame, error) {
	if m.copying != nil {
		<-m.copying
		m.copying = nil
		if f := m.stashed; f != nil {
			m.stashed = nil
			return f, nil
		}
	}
	f, err := readFrame(m.r, maxFrame)
	if errors.Is(err, errFrame) {
		return nil, fatal(stateProtocol, "invalid message length")
	}
	return f, err
}

// write puts a message into the client's buffer.
func (m *member) write(f frame) {
	if m.gone || f == nil {
		return
	}
	m.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := m.w.Write(f); err != nil {
		m.gone = true
	}
}

func (m *member) flush() {
	if m.gone {
		return
	}
	m.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if m.w.Flush() != nil {
		m.gone = true
	}
}

// fail tells the client of an error of ours.
func (m *member) fail(f *failure) {
	m.write(m.held)
	m.held = nil
	m.write(f.frame())
	m.skipping, m.broken = true, true
}

// split reads SQL as the server will.
func (m *member) split(sql string) []sqltext.Statement {
	return sqltext.Split(sql, m.lane.session.up.params["standard_conforming_strings"] == "off")
}

// cleanUp takes back and closes what the client has left. The turn is held.
func (m *member) cleanUp() {
	n := m.lane.session
	var frames []frame
	if m.unsynced {
		frames = append(frames, message('S'))
		if n.send(frames...) != nil {
			return
		}
		if _, err := n.answers(); n.lost {
			m.lane.log.Debug("a client has left in the middle", "err", err)
			return
		}
	}
	if sh := m.sh; sh.isOpen() {
		if m.inTx() {
			n.back(sh, sh.tx.mark)
			sh.tx = nil
		} else if m.covered != nil {
			n.back(sh, *m.covered)
		}
		m.covered = nil
	}
	if n.lost || len(m.wires) == 0 {
		return
	}
	frames = nil
	for _, wire := range m.wires {
		frames = append(frames, message('C', byte('S'), wire))
	}
	if n.send(append(frames, message('S'))...) == nil {
		n.answers()
	}
}
