package pgwire

import (
	"strconv"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/ledger"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// ourPrefix is that of the savepoints that a shadow makes.
const ourPrefix = "_ts_"

// savepoint makes a savepoint. What the last unit has left open is released on
// the way, and the books are read when it will be needed where they stood.
func (n *session) savepoint(sh *shadow) (ledger.Mark, error) {
	var sql []string
	if sh.open != "" {
		sql = append(sql, "RELEASE "+sh.open)
	}
	sh.serial++
	name := ourPrefix + strconv.Itoa(sh.serial)
	sql = append(sql, "SAVEPOINT "+name)
	if sh.books.Stale {
		sql = append(sql, catalog.Counts)
	}
	all, err := n.run(sql...)
	if err != nil {
		return ledger.Mark{}, err
	}
	sh.open = ""
	if sh.books.Stale {
		sh.readBooks(all[len(all)-1])
	}
	return sh.books.Mark(name), nil
}

// readBooks reads the answer to catalog.Counts.
func (c *course) readBooks(answer rows) {
	now, err := catalog.Counted(answer)
	if err != nil {
		c.books.Lost = true
		return
	}
	c.books.Read(now)
}

// back goes back to a savepoint, releases it, and puts the books right.
func (n *session) back(sh *shadow, m ledger.Mark) ([]rows, error) {
	sql := []string{"ROLLBACK TO " + m.Name, "RELEASE " + m.Name}
	if sh.books.Stale {
		sql = append(sql, catalog.Counts)
	}
	all, err := n.run(sql...)
	if err != nil {
		sh.books.Lost = true
		return nil, err
	}
	if sh.books.Stale {
		sh.readBooks(all[2])
	}
	sh.books.Undone(m)
	return all, nil
}

// cover makes the savepoint of an implicit transaction, before anything of it
// is sent.
func (m *member) cover() error {
	sh := m.sh
	if sh == nil || sh.armed == nil || m.covered != nil || m.lane.cfg.layers.noInterception || m.inTx() {
		return nil
	}
	switch {
	case m.ghost.Load():
		m.fail(failedTx())
		return nil
	case sh.isOver():
		m.fail(shadowOver())
		return nil
	case sh.tx != nil && m.lane.session.status == 'E': // on a session of its own it would have run
		m.fail(m.refuse("unsupported:concurrent-statements"))
		return nil
	case sh.writers >= sqltext.MaxWriters:
		m.fail(m.refuse("unsupported:too-many-statements"))
		return nil
	}
	mk, err := m.lane.session.savepoint(sh)
	if err != nil {
		return m.lostSession(err)
	}
	m.covered, m.wrote = &mk, false
	return nil
}

// uncover ends the savepoint of an implicit transaction, as its commit or its
// rollback.
func (m *member) uncover() (*failure, error) {
	sh, n := m.sh, m.lane.session
	mk := *m.covered
	m.covered = nil
	n.closing = append(n.closing, m.portalCloses()...)
	var f *failure
	failed := n.status == 'E' || m.broken
	if !failed && sh.unchecked {
		sh.unchecked = false
		sh.books.Stale = true
		var err error
		if f, err = asClient(n.probe(sh.armed, false)); err != nil {
			return nil, err
		}
		failed = f != nil
	}
	switch {
	case failed:
		_, err := n.back(sh, mk)
		return f, err
	case sh.tx != nil: // a savepoint of that transaction must not be inside this one
		_, err := n.run("RELEASE " + mk.Name)
		return nil, err
	}
	sh.open = mk.Name
	return nil, nil
}

// appSavepoint runs the application's own SAVEPOINT, RELEASE and ROLLBACK TO,
// with the books kept.
func (m *member) appSavepoint(c sqltext.Control, text string) (string, *failure, error) {
	sh, n := m.sh, m.lane.session
	tx := sh.tx
	if c.Kind == sqltext.Savepoint && sh.books.Stale && n.status == 'T' {
		all, err := n.run(catalog.Counts)
		if err != nil {
			return "", nil, err
		}
		sh.readBooks(all[0])
	}
	tag := map[sqltext.ControlKind]string{sqltext.Savepoint: "SAVEPOINT", sqltext.Release: "RELEASE", sqltext.RollbackTo: "ROLLBACK"}[c.Kind]
	if _, f, err := m.own(tag, text); err != nil || f != nil {
		return "", f, err
	}
	switch c.Kind {
	case sqltext.Savepoint:
		tx.saves = append(tx.saves, sh.books.Mark(c.Name))
		tx.wrote = false // the next write has an id of its own
		return tag, nil, nil
	case sqltext.Release:
		tx.forget(c.Name, true)
		return tag, nil, nil
	}
	m.broken = false
	mk, found := tx.forget(c.Name, false)
	if !found {
		sh.books.Lost = true
	}
	all, err := n.run(catalog.Counts)
	if err != nil {
		return "", nil, err
	}
	sh.readBooks(all[0])
	sh.books.Undone(mk)
	return tag, nil, nil
}

// forget drops the savepoints above the one called name, and with too that one.
func (tx *appTx) forget(name string, too bool) (ledger.Mark, bool) {
	for i := len(tx.saves) - 1; i >= 0; i-- {
		if tx.saves[i].Name != name {
			continue
		}
		mk := tx.saves[i]
		tx.saves = tx.saves[:i]
		if !too {
			tx.saves = append(tx.saves, mk)
		}
		return mk, true
	}
	return ledger.Mark{}, false
}
