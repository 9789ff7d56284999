package pgwire

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// The simple protocol: a query goes as it is when all its statements do, else
// in pieces, between which we run what is ours.

// simple runs a Query, or a FunctionCall.
func (m *member) simple(ctx context.Context, f frame) error {
	if len(m.pending) > 0 { // of a group without its Sync
		frames := m.pending
		m.pending, m.size = nil, 0
		if err := m.runGroup(ctx, frames, false); err != nil {
			return err
		}
	}
	if m.skipping { // the server would skip it, up to the Sync
		return nil
	}
	m.inQuery = true
	defer func() { m.inQuery, m.skipping = false, false }()
	if err := m.enter(ctx, []frame{f}); err != nil {
		if err = m.refused(err); err != nil {
			return err
		}
	} else if err := m.runQuery(f); err != nil {
		return err
	}
	if m.holds {
		if err := m.boundary(); err != nil {
			return err
		}
	}
	m.ready()
	return nil
}

func (m *member) runQuery(f frame) error {
	if f.kind() == 'F' {
		if m.lane.cfg.layers.noInterception {
			return m.sendQuery(f)
		}
		// By its number, so that it can not be told what it does; outside of
		// shadows some write although the session is read-only.
		m.fail(m.refuse("unsupported:function-call"))
		return nil
	}
	sql, rest, ok := field(f.body())
	if !ok || len(rest) > 0 {
		return fatal(stateProtocol, "invalid message format")
	}
	m.statements[""], m.portals[""] = nil, nil // a Query is their end, also when it does not get to the server
	m.strayed()
	stmts := m.split(sql)
	pieces := m.pieces(sql, stmts)
	if len(pieces) == 0 {
		pieces = []piece{{sql: sql}}
	}
	for _, p := range pieces {
		if err := m.runPiece(p); err != nil || m.skipping {
			return err
		}
	}
	return nil
}

// piece is a part of a query: for the server, or ours.
type piece struct {
	sql string
	st  *sqltext.Statement // ours; nil for the server
}

// pieces cuts a query where a statement is, or may be, ours. A part for the
// server stands behind as many blanks as it stood behind characters, so that
// places in errors are right.
func (m *member) pieces(sql string, stmts []sqltext.Statement) []piece {
	for i := range stmts {
		if st := &stmts[i]; (st.Refusal == "unsupported:syntax" || st.Refusal == "unsupported:begin-atomic") && m.mayBeOurs(st) {
			return []piece{{sql, st}} // where a statement ends is not known
		}
	}
	var all []piece
	from := 0 // of the part for the server
	flush := func(to, next int, some bool) {
		if some {
			all = append(all, piece{sql: padding(sql[:from]) + sql[from:to]})
		}
		from = next
	}
	some := false
	for i := range stmts {
		if !m.mayBeOurs(&stmts[i]) {
			some = true
			continue
		}
		flush(stmts[i].Start, stmts[i].End, some)
		some = false
		all = append(all, piece{sql, &stmts[i]})
	}
	flush(len(sql), len(sql), some)
	return all
}

// padding is as many blanks as before has characters; none when that is long,
// since each piece has its own.
func padding(before string) string {
	if len(before) > 16<<10 {
		return ""
	}
	return strings.Repeat(" ", utf8.RuneCountInString(before))
}

func (m *member) runPiece(p piece) error {
	if p.st == nil {
		if err := m.cover(); err != nil || m.skipping {
			return err
		}
		stmts := m.split(p.sql)
		for _, st := range stmts {
			m.passing(st)
		}
		m.now = stmts
		return m.sendQuery(message('Q', m.renamed(p.sql, stmts)))
	}
	act := m.decide(p.sql, *p.st)
	if !act.ours() {
		return m.runPiece(piece{sql: padding(p.sql[:p.st.Start]) + p.sql[p.st.Start:p.st.End]})
	}
	f, err := m.perform(act)
	if err == nil && f != nil {
		m.fail(f)
	}
	return err
}

// sendQuery sends a Query and passes the answers on.
func (m *member) sendQuery(f frame) error {
	if err := m.cover(); err != nil || m.skipping {
		return err
	}
	m.lane.unnamed = m
	m.unsynced = false
	m.lane.window.open(m)
	err := m.lane.session.send(f)
	if err == nil {
		err = m.relay(true)
	}
	m.lane.window.shut()
	if err != nil {
		return m.lostSession(err)
	}
	return m.watch()
}
