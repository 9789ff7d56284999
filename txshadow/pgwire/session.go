package pgwire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// session is a lane's session with the database. It belongs to who has the
// lane's turn.
type session struct {
	up     *upstream
	r      *bufio.Reader
	status byte              // of the last ReadyForQuery
	asked  map[string]string // start-up parameters that it was opened with

	who catalog.Session // for ending it from outside

	isolation string // of the last shadow

	closing []frame // Close of portals that have come to their end, for the next run

	lost bool // its connection is closed
	noTx bool // the server has told that there was no transaction
}

// Our own statements have names that applications can not take: theirs are all
// replaced. Those that are run often are prepared once.
const (
	ownStatement = "_ts_statement"
	ownPortal    = "_ts_portal"
)

var prepared = map[string]string{"_ts_counts": catalog.Counts, "_ts_open": catalog.Open, "_ts_xid": xidSQL, "_ts_unlock": unlockSQL, "_ts_locks": locksSQL}

// openSession opens a session with a client's parameters and makes it fit for
// shadows: read-only but for the transactions that are opened otherwise, which
// only Lane does. It stays so until its end, and serves nobody else.
func (s *Server) openSession(ctx context.Context, params map[string]string, l layers) (*session, error) {
	up, err := s.connect(ctx, params)
	if err != nil {
		return nil, err
	}
	n := &session{up: up, r: bufio.NewReaderSize(up.conn, 32<<10), status: 'I', asked: params}
	if err := n.prepare(params["application_name"], l); err != nil {
		n.end()
		return nil, fmt.Errorf("make a session fit for shadows: %w", err)
	}
	return n, nil
}

func (n *session) prepare(application string, l layers) error {
	row, err := n.row("SELECT " + catalog.Who())
	if err != nil {
		return err
	}
	n.who = catalog.Session{PID: row[0], Started: row[1], Server: row[2]}
	if n.who.PID != strconv.FormatUint(uint64(n.up.PID()), 10) {
		return errPooled
	}
	set := []string{"SET application_name = " + catalog.Literal(catalog.ShadowName(application))}
	if !l.noBelt {
		set = append(set, "SET default_transaction_read_only = on")
	}
	if _, err := n.run(set...); err != nil {
		return err
	}
	for name, sql := range prepared {
		if err := n.prepareOwn(name, sql); err != nil {
			return err
		}
	}
	return nil
}

// errPooled says that the belt can not be put on.
var errPooled = errors.New("a connection pooler stands before the database: the process that serves the session is not the one that it announced\n" +
	"  a pooler would hand the session's settings on to live work; put the DSN of the database itself")

func (n *session) prepareOwn(name, sql string) error {
	if err := n.send(message('P', name, sql, int16(0)), message('S')); err != nil {
		return err
	}
	_, err := n.answers()
	return err
}

// fits refuses a client whose start-up parameters are others than those of
// the session, which it could not be given. Of encoding and date style, which
// drivers ask for in many ways, it counts what the session has.
func (n *session) fits(params map[string]string) error {
	for _, pair := range [2][2]map[string]string{{params, n.asked}, {n.asked, params}} {
		for name, v := range pair[0] {
			switch lower := strings.ToLower(name); {
			case lower == "application_name" || lower == "user" || lower == "database" || pair[1][name] == v:
			case (lower == "client_encoding" || lower == "datestyle") && n.has(lower, params[name]):
			default:
				return fatal(stateFeature, "all connections of a lane share one session, which has another %s", name)
			}
		}
	}
	return nil
}

// has reports whether the session's setting is value, or "", which asks for none.
func (n *session) has(lower, value string) bool {
	fold := strings.NewReplacer(" ", "", "-", "", "_", "", "'", "")
	for name, now := range n.up.params {
		if strings.ToLower(name) == lower {
			return value == "" || strings.EqualFold(fold.Replace(now), fold.Replace(value))
		}
	}
	return false
}

// send writes frames in one go.
func (n *session) send(frames ...frame) error {
	var b []byte
	for _, f := range frames {
		b = append(b, f...)
	}
	_, err := n.up.conn.Write(b)
	return n.fault(err)
}

// read is the next message. What the server tells of parameters is kept.
func (n *session) read() (frame, error) {
	f, err := readFrame(n.r, maxFrame)
	if err != nil {
		return nil, n.fault(err)
	}
	switch f.kind() {
	case 'Z':
		if len(f) != headerLen+1 {
			return nil, n.fault(errFrame)
		}
		n.status = f[headerLen]
	case 'S':
		if name, rest, ok := field(f.body()); ok {
			n.up.params[name], _, _ = field(rest)
		}
	case 'N':
		n.noTx = n.noTx || sqlState(serverError(f)) == catalog.StateNoTx
	}
	return f, nil
}

// fault closes the connection on an error of it.
func (n *session) fault(err error) error {
	if err != nil {
		n.end()
		return fmt.Errorf("the lane's session: %w", err)
	}
	return nil
}

// end closes the connection; what is open on it is rolled back.
func (n *session) end() {
	n.lost = true
	n.up.close()
}

// ownTimeout is for statements of our own; none of them waits for locks of others.
const ownTimeout = 2 * time.Second

// rows are one statement's, as text.
type rows [][]string

// run runs statements of our own in one round trip, and returns the rows of
// each. They go by the extended protocol under names of our own, so that
// what applications have left unnamed stays. It is called between two
// ReadyForQuery only.
func (n *session) run(sqls ...string) ([]rows, error) {
	frames := append(n.closing, message('C', byte('P'), ownPortal)) // an error leaves it open
	n.closing = nil
	for _, sql := range sqls {
		name := ownStatement
		if own, ok := nameOfOwn[sql]; ok {
			name = own
		} else {
			frames = append(frames, message('C', byte('S'), name), message('P', name, sql, int16(0)))
		}
		frames = append(frames, message('B', ownPortal, name, int16(0), int16(0), int16(0)),
			message('E', ownPortal, int32(0)), message('C', byte('P'), ownPortal))
	}
	n.up.conn.SetDeadline(time.Now().Add(ownTimeout))
	defer n.up.conn.SetDeadline(time.Time{})
	if err := n.send(append(frames, message('S'))...); err != nil {
		return nil, err
	}
	return n.answers()
}

var nameOfOwn = func() map[string]string {
	m := map[string]string{}
	for name, sql := range prepared {
		m[sql] = name
	}
	return m
}()

// answers reads up to ReadyForQuery.
func (n *session) answers() (all []rows, err error) {
	var now rows
	for {
		f, lost := n.read()
		if lost != nil {
			return nil, lost
		}
		switch f.kind() {
		case 'D':
			now = append(now, values(f))
		case 'C':
			all, now = append(all, now), nil
		case 'E':
			err = serverError(f)
		case 'Z':
			return all, err
		}
	}
}

// row is the one row of a statement.
func (n *session) row(sql string) ([]string, error) {
	all, err := n.run(sql)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 || len(all[0]) != 1 {
		return nil, errors.New("a statement of ours has not given one row")
	}
	return all[0][0], nil
}

// values are a DataRow's, null as "".
func values(f frame) []string {
	b := f.body()
	if len(b) < 2 {
		return nil
	}
	var row []string
	for b = b[2:]; len(b) >= 4; {
		size := int(int32(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])))
		b = b[4:]
		size = min(max(size, 0), len(b))
		row = append(row, string(b[:size]))
		b = b[size:]
	}
	return row
}

// serverError reads an ErrorResponse or NoticeResponse.
func serverError(f frame) *pgconn.PgError {
	e := &pgconn.PgError{}
	for rest := f.body(); len(rest) > 1; {
		kind := rest[0]
		value, after, ok := field(rest[1:])
		if !ok {
			break
		}
		switch kind {
		case 'S':
			e.Severity = value
		case 'C':
			e.Code = value
		case 'M':
			e.Message = value
		case 'R':
			e.Routine = value
		}
		rest = after
	}
	return e
}

func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
