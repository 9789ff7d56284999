package pgwire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
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
	unsynced  bool                // the server has had messages, and no Sync
	covered   *ledger.Mark        // savepoint of the implicit transaction
	wrote     bool                // the implicit transaction
	broken    bool                // we have refused something, which the server does not know
	inQuery   bool                // a simple query is run
	copies    bool                // the segment has a COPY
	copied    bool                // the server has asked for the data of one
	swallowed bool                // a Sync was sent with a COPY, and counts for nothing
	now       []sqltext.Statement // what is under way
	fused     bool                // the fuse has spoken
	held      frame               // a CommandComplete that waits for the end of its transaction
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

// enter takes the lane's turn for frames, unless the client has it. A failure
// is for the client.
func (m *member) enter(ctx context.Context, frames []frame) error {
	if m.holds {
		return nil
	}
	if err := m.turn(ctx); err != nil || m.sh == nil || m.sh.trace == "" || m.sh.isOver() {
		return err
	}
	foreign, writes := m.foreign(frames)
	if !foreign {
		return nil
	}
	if sh := m.sh; writes || sh.tx != nil && sh.tx.owner == m {
		sh.note("unsupported:contaminated")
		return plain(StateBackground, "this statement belongs to another request than the shadow that is open, and may write")
	}
	// It waits until the shadow is no more.
	done := m.sh.done
	m.leaveTurn()
	select {
	case <-done:
	case <-ctx.Done():
		return errLeft
	}
	return m.turn(ctx)
}

func (m *member) turn(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, m.lane.cfg.TurnTimeout)
	defer cancel()
	if !m.lane.take(wait) {
		if ctx.Err() != nil {
			return fatal(stateShutdown, "terminating connection due to administrator command")
		}
		return plain(catalog.StateLock, "another connection of the lane has a transaction open, and they share one session")
	}
	m.holds = true
	l := m.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	m.sh = l.shadow
	if l.session == nil || l.session.lost || l.session.up != m.up {
		return fatal(StateLaneLost, "the lane's session is gone, and with it what was prepared and set")
	}
	return nil
}

func (m *member) leaveTurn() {
	m.holds, m.sh = false, nil
	m.lane.give()
}

// status is what ReadyForQuery says of the application's transaction.
func (m *member) status() byte {
	switch {
	case m.ghost.Load():
		return 'E'
	case m.sh == nil || m.sh.armed == nil || m.sh.isSettled() || m.lane.cfg.layers.noInterception:
		return m.lane.session.status
	case m.sh.tx != nil && m.sh.tx.owner == m:
		return m.lane.session.status
	}
	return 'I'
}

func (sh *shadow) isSettled() bool {
	sh.lane.mu.Lock()
	defer sh.lane.mu.Unlock()
	return sh.outcome != nil
}

// ready tells the client that its unit is over, and gives the turn back unless
// a transaction of its own is open outside of shadows.
func (m *member) ready() {
	m.write(m.held)
	m.held = nil
	if !m.holds { // it never got the turn
		status := byte('I')
		if m.ghost.Load() {
			status = 'E'
		}
		m.write(message('Z', status))
		m.flush()
		return
	}
	status := m.status()
	if status == 'I' {
		clear(m.portals)
	}
	m.write(m.lane.newsFor(m))
	m.write(message('Z', status))
	m.flush()
	if m.sh == nil && m.lane.session.status != 'I' {
		return
	}
	m.leaveTurn()
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
	if sh := m.sh; sh != nil && sh.armed != nil && !sh.isSettled() {
		if sh.tx != nil && sh.tx.owner == m {
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

// names are what a client calls its statements and portals, and what they are
// called on the session.
type names struct {
	wires      map[string]string // of named statements and portals, by their name
	serial     int
	statements map[string]*parsed // by the client's name, "" included
	portals    map[string]*bound
}

// parsed is a statement that a client has parsed.
type parsed struct {
	frame frame // its Parse
	sql   string
	stmts []sqltext.Statement
}

// bound is a portal.
type bound struct {
	*parsed
	refusal string // what its parameters have against it
}

func (n *names) init() {
	n.wires, n.statements, n.portals = map[string]string{}, map[string]*parsed{}, map[string]*bound{}
}

// wirePrefix begins the names of applications on the session.
const wirePrefix = "_tc"

// wire is what name is called on the session.
func (m *member) wire(name string) string {
	if name == "" {
		return ""
	}
	w, known := m.wires[name]
	if !known {
		m.serial++
		w = wirePrefix + strconv.Itoa(m.id) + "_" + strconv.Itoa(m.serial)
		m.wires[name] = w
	}
	return w
}

// original replaces the session's names in an error's text by the client's.
func (m *member) original(f frame) frame {
	if !bytes.Contains(f, []byte(wirePrefix)) {
		return f
	}
	body := f.body()
	for name, wire := range m.wires {
		body = bytes.ReplaceAll(body, []byte(`"`+wire+`"`), []byte(`"`+name+`"`))
	}
	return message(f.kind(), body)
}

// set changes a map and returns what undoes it.
func set[T any](in map[string]T, name string, to T) (undo func()) {
	before, had := in[name]
	in[name] = to
	return func() {
		if had {
			in[name] = before
		} else {
			delete(in, name)
		}
	}
}

// forget drops the session's name of what is no more.
func (n *names) forget(name string) {
	if n.statements[name] == nil && n.portals[name] == nil {
		delete(n.wires, name)
	}
}
