package pgwire

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// appTx is a transaction of the application inside a shadow: a savepoint.
type appTx struct {
	owner *member
	mark  ledger.Mark
	saves []ledger.Mark // of the application's own savepoints
	wrote bool
	read  bool // READ ONLY

	// What its COMMIT has to end.
	locals      map[string]string // settings, and what they were before
	temps       []sqltext.Control // temporary tables with ON COMMIT
	cursors     bool
	constraints bool
	leak        string // what can not be ended
}

// inTx reports whether the client has a transaction open in the shadow.
func (m *member) inTx() bool { return m.sh != nil && m.sh.tx != nil && m.sh.tx.owner == m }

// asClient takes a server's error for the client's; what else there is is ours.
func asClient(err error) (*failure, error) {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return plain(e.Code, "%s", e.Message), nil
	}
	return nil, err
}

// boundary ends a unit: a Query, or what a Sync ends.
func (m *member) boundary() error {
	defer func() { m.broken = false }()
	sh, n := m.sh, m.lane.session
	if m.covered != nil && sh.isOpen() {
		f, err := m.uncover()
		if err != nil {
			return m.lostSession(err)
		}
		if f != nil {
			m.held = nil
			m.write(f.frame())
		}
		return nil
	}
	if m.broken && n.status == 'T' && !m.ghost.Load() && (sh == nil || m.inTx()) {
		// The application takes its transaction for failed.
		if _, err := n.run("ROLLBACK TO SAVEPOINT _ts_refused"); n.lost {
			return m.lostSession(err)
		}
	}
	return nil
}

// decideTransaction is for transaction control, in a shadow.
func (m *member) decideTransaction(sql string, st sqltext.Statement) action {
	c, sh := st.Control, m.sh
	text := sql[st.Start:st.End]
	switch c.Kind {
	case sqltext.Begin:
		return action{run: func() (string, *failure, error) { return m.begin(st) }}
	case sqltext.Commit:
		return action{always: true, run: func() (string, *failure, error) { return m.commit(c) }}
	case sqltext.Rollback:
		return action{always: true, run: func() (string, *failure, error) { return m.rollback(c) }}
	case sqltext.SetTransaction:
		if c.Isolation != "" && level(c.Isolation) != sh.armed.isolation {
			return m.refusing("unsupported:isolation")
		}
		if !m.inTx() || !c.ReadOnly {
			return answering("SET")
		}
		return action{run: func() (string, *failure, error) { return m.own("SET", "SET TRANSACTION READ ONLY") }}
	}
	if st.Refusal != "" {
		return m.refusing(st.Refusal)
	}
	if !m.inTx() {
		name := map[sqltext.ControlKind]string{sqltext.Savepoint: "SAVEPOINT", sqltext.Release: "RELEASE SAVEPOINT", sqltext.RollbackTo: "ROLLBACK TO SAVEPOINT"}[c.Kind]
		return action{failure: plain(catalog.StateNoTx, "%s can only be used in transaction blocks", name)}
	}
	return action{always: c.Kind == sqltext.RollbackTo, run: func() (string, *failure, error) { return m.appSavepoint(c, text) }}
}

// own runs SQL of the application's as our own.
func (m *member) own(tag string, sql ...string) (string, *failure, error) {
	_, err := m.lane.session.run(sql...)
	f, err := asClient(err)
	return tag, f, err
}

func level(isolation string) string {
	if isolation == "read uncommitted" { // the same in PostgreSQL
		return "read committed"
	}
	return isolation
}

// begin begins a transaction of the application. What an implicit transaction
// has done before belongs to it.
func (m *member) begin(st sqltext.Statement) (string, *failure, error) {
	sh, c := m.sh, st.Control
	tag := "BEGIN"
	if st.Verb == "start" {
		tag = "START TRANSACTION"
	}
	switch {
	case m.inTx():
		m.answer(warning(stateActiveTx, "there is already a transaction in progress").frame())
		return tag, nil, nil
	case sh.tx != nil:
		return "", m.refuse("unsupported:concurrent-transactions"), nil
	case c.Isolation != "" && level(c.Isolation) != sh.armed.isolation:
		return "", m.refuse("unsupported:isolation"), nil
	}
	if err := m.cover(); err != nil {
		return "", nil, err
	}
	if m.covered == nil { // refused, and told
		return "", plain(StateUnsupported, "no transaction can be begun"), nil
	}
	if sh.leaked != "" {
		sh.note("unsupported:" + sh.leaked)
	}
	sh.tx = &appTx{owner: m, mark: *m.covered, locals: map[string]string{}, wrote: m.wrote, read: c.ReadOnly}
	m.covered = nil
	if c.ReadOnly { // the end of the savepoint lifts it
		return m.own(tag, "SET TRANSACTION READ ONLY")
	}
	return tag, nil, nil
}

// commit ends the application's transaction as far as that can be done: its
// deferred constraints are checked, what would end with it is ended, and what
// it has written stays until the shadow is rolled back.
func (m *member) commit(c sqltext.Control) (string, *failure, error) {
	sh, n := m.sh, m.lane.session
	if !m.inTx() {
		return m.noTransaction("COMMIT", c)
	}
	if n.status == 'E' {
		return m.rollback(c)
	}
	tx := sh.tx
	if sh.unchecked || tx.constraints {
		sh.unchecked, sh.books.Stale = false, true
		f, err := asClient(n.probe(sh.armed, tx.constraints))
		if err != nil {
			return "", nil, err
		}
		if f != nil {
			sh.tx = nil
			_, err := n.back(sh, tx.mark)
			return "", f, err
		}
	}
	sh.tx = nil
	n.closing = append(n.closing, m.portalCloses()...)
	if sql := tx.ends(); len(sql) > 0 {
		if _, err := n.run(sql...); err != nil {
			return "", nil, err
		}
	}
	if tx.cursors {
		if err := n.closeCursors(); err != nil {
			return "", nil, err
		}
	}
	sh.open, sh.leaked = tx.mark.Name, tx.leak
	return "COMMIT", nil, m.chain(c)
}

// ends is SQL that does what COMMIT does besides.
func (tx *appTx) ends() (sql []string) {
	for _, t := range tx.temps {
		name := pgx.Identifier{"pg_temp", t.Name}.Sanitize()
		if t.Kind == sqltext.DropOnCommit {
			sql = append(sql, "DROP TABLE IF EXISTS "+name)
		} else {
			sql = append(sql, "DELETE FROM "+name)
		}
	}
	for name, before := range tx.locals {
		sql = append(sql, "SELECT pg_catalog.set_config("+catalog.Literal(name)+", "+catalog.Literal(before)+", false)")
	}
	return sql
}

func (m *member) rollback(c sqltext.Control) (string, *failure, error) {
	sh := m.sh
	if !m.inTx() {
		return m.noTransaction("ROLLBACK", c)
	}
	mk := sh.tx.mark
	sh.tx, m.broken = nil, false
	clear(m.portals)
	if _, err := m.lane.session.back(sh, mk); err != nil {
		return "", nil, err
	}
	return "ROLLBACK", nil, m.chain(c)
}

// chain begins the next transaction, for AND CHAIN.
func (m *member) chain(c sqltext.Control) error {
	if !c.Chain {
		return nil
	}
	_, f, err := m.begin(sqltext.Statement{})
	if f != nil {
		m.write(f.frame())
	}
	return err
}

// noTransaction answers COMMIT and ROLLBACK where the application has no
// transaction. An implicit one ends by it.
func (m *member) noTransaction(tag string, c sqltext.Control) (string, *failure, error) {
	if c.Chain {
		return "", plain(catalog.StateNoTx, "%s AND CHAIN can only be used in transaction blocks", tag), nil
	}
	m.answer(warning(catalog.StateNoTx, "there is no transaction in progress").frame())
	if m.covered == nil {
		return tag, nil, nil
	}
	if tag == "ROLLBACK" {
		mk := *m.covered
		m.covered = nil
		_, err := m.lane.session.back(m.sh, mk)
		return tag, nil, err
	}
	f, err := m.uncover()
	return tag, f, err
}

// setLocal sets for the transaction, and keeps what was before.
func (m *member) setLocal(text, name string) (string, *failure, error) {
	tx, n := m.sh.tx, m.lane.session
	if _, known := tx.locals[name]; !known {
		row, err := n.row("SELECT pg_catalog.current_setting(" + catalog.Literal(name) + ", true)")
		if f, err := asClient(err); f != nil || err != nil {
			return "", f, err
		}
		tx.locals[name] = row[0]
	}
	return m.own("SET", text)
}

// allImmediate is SET CONSTRAINTS ALL IMMEDIATE for all but the fuse.
func (m *member) allImmediate() (string, *failure, error) {
	names, _, err := m.lane.session.constraints("")
	if err != nil || names == "" {
		return "SET CONSTRAINTS", nil, err
	}
	if m.inTx() {
		m.sh.tx.constraints = true
	}
	return m.own("SET CONSTRAINTS", "SET CONSTRAINTS "+names+" IMMEDIATE")
}

// portalCloses closes what the client has bound, as the end of its transaction
// would.
func (m *member) portalCloses() []frame {
	frames := []frame{message('C', byte('P'), "")}
	for name := range m.portals {
		if wire := m.wires[name]; wire != "" && name != "" {
			frames = append(frames, message('C', byte('P'), wire))
		}
	}
	clear(m.portals)
	return frames
}

// closeCursors closes those that the end of a transaction would.
func (n *session) closeCursors() error {
	all, err := n.run("SELECT name FROM pg_catalog.pg_cursors WHERE NOT is_holdable AND name <> ''")
	if err != nil {
		return err
	}
	var sql []string
	for _, row := range all[0] {
		if !strings.HasPrefix(row[0], wirePrefix) && row[0] != ownPortal {
			sql = append(sql, "CLOSE "+pgx.Identifier{row[0]}.Sanitize())
		}
	}
	if len(sql) == 0 {
		return nil
	}
	_, err = n.run(sql...)
	return err
}
