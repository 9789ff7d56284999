package pgwire

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

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

// unnamed sees to it that the session's unnamed statement is this client's,
// when it is needed: clients keep theirs, though they share a session.
func (m *member) unnamed(needed bool) error {
	own := m.statements[""]
	if !needed || m.lane.unnamed == m {
		return nil
	}
	m.lane.unnamed = m
	if own == nil { // the server has to say that there is none
		return m.push(message('C', byte('S'), ""), expect{undo: m.strayed})
	}
	return m.push(own.frame, expect{undo: m.strayed, fail: func() { m.statements[""] = nil }})
}

// strayed says that nobody knows whose unnamed statement the session has.
func (m *member) strayed() { m.lane.unnamed = nil }

// dropStatements closes all statements of the client, for DEALLOCATE ALL and
// DISCARD ALL.
func (m *member) dropStatements() error {
	var frames []frame
	for name, wire := range m.wires {
		frames = append(frames, message('C', byte('S'), wire))
		delete(m.statements, name)
		m.forget(name)
	}
	if m.lane.unnamed == m {
		m.lane.unnamed = nil
	}
	delete(m.statements, "")
	n := m.lane.session
	if err := n.send(append(frames, message('S'))...); err != nil {
		return m.lostSession(err)
	}
	_, err := n.answers()
	return err
}

// renamed is sql with the names of prepared statements replaced by those that
// they have on the session.
func (m *member) renamed(sql string, stmts []sqltext.Statement) string {
	for _, st := range slices.Backward(stmts) {
		c := st.Control
		if c.Name == "" || c.NameEnd == 0 || c.Kind != sqltext.Prepare && c.Kind != sqltext.Execute && c.Kind != sqltext.Deallocate {
			continue
		}
		wire, known := m.wires[c.Name]
		if c.Kind == sqltext.Prepare {
			wire, known = m.wire(c.Name), true
		}
		if known {
			sql = sql[:c.NameStart] + wire + sql[c.NameEnd:]
		}
	}
	return sql
}
