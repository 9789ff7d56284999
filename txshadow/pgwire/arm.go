package pgwire

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/ledger"
)

// layers takes the layers that hold a shadow away, for the tests of each.
type layers struct{ noInterception, noFuse, noBelt, noWatch bool }

// armed is a transaction that can not commit.
type armed struct {
	who catalog.Session // whose it is

	xid        string // "" for one that can not write
	isolation  string
	deferrable bool // the database has deferrable constraints, the fuse aside
	counting   bool // track_counts is on
	limit      time.Duration
	lock       time.Duration
}

var errNoBelt = errors.New("default_transaction_read_only is not on in the lane's session")

// arm opens the transaction of a shadow: the fuse first, then the limits that
// protect others. It returns the counts of rows with which it begins.
func (n *session) arm(mode txshadow.Mode, budget, lock time.Duration, l layers) (*armed, ledger.Counts, error) {
	if n.isolation == "" {
		n.isolation = "read committed"
	}
	for range 2 {
		a, base, usual, err := n.armAt(n.isolation, mode, budget, lock, l)
		if err != nil || usual == n.isolation {
			return a, base, err
		}
		if usual == "serializable" {
			return nil, nil, catalog.ErrSerializable
		}
		n.isolation = usual // it has been set since the last shadow
		if _, err := n.run("ROLLBACK"); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, errors.New("default_transaction_isolation does not stay what it is")
}

// armAt opens the transaction at a level, and says which the usual one is.
func (n *session) armAt(isolation string, mode txshadow.Mode, budget, lock time.Duration, l layers) (_ *armed, _ ledger.Counts, usual string, _ error) {
	a := &armed{who: n.who, isolation: isolation, lock: lock, limit: budget + 100*time.Millisecond}
	write := mode == txshadow.ModeRollback
	sql := []string{"BEGIN ISOLATION LEVEL " + a.isolation + " READ ONLY"}
	if write {
		sql[0] = "BEGIN ISOLATION LEVEL " + a.isolation + " READ WRITE"
	}
	if write && !l.noFuse {
		sql = append(sql, "INSERT INTO txshadow.fuse (nonce) VALUES ("+catalog.Literal(rand.Text())+")")
	}
	limit := catalog.Milliseconds(a.limit)
	sql = append(sql, "SELECT pg_catalog.set_config('lock_timeout', '"+catalog.Milliseconds(lock)+"', true), pg_catalog.set_config('statement_timeout', '"+limit+
		"', true), pg_catalog.set_config('idle_in_transaction_session_timeout', '"+limit+"', true), pg_catalog.set_config('synchronous_commit', 'local', true)",
		catalog.Counts, catalog.Open)
	all, err := n.run(sql...)
	if err != nil {
		return nil, nil, "", fmt.Errorf("open the transaction of a shadow: %w%s", err, catalog.Remedy(sqlState(err)))
	}
	if n.status != 'T' || len(all) != len(sql) || len(all[len(all)-1]) != 1 {
		return nil, nil, "", fmt.Errorf("open the transaction of a shadow: the session has status %c", n.status)
	}
	base, err := catalog.Counted(all[len(all)-2])
	if err != nil {
		return nil, nil, "", err
	}
	row := all[len(all)-1][0]
	if usual = row[1]; usual == "read uncommitted" { // the same in PostgreSQL
		usual = "read committed"
	}
	return a, base, usual, a.verify(row, write, l)
}

// verify looks whether the layers are in force.
func (a *armed) verify(row []string, write bool, l layers) error {
	a.xid, a.counting, a.deferrable = row[0], row[2] == "on", row[3] == "t"
	if write && row[4] != "t" && !l.noFuse {
		return catalog.ErrNoFuse
	}
	if row[5] != "on" && !l.noBelt {
		return errNoBelt
	}
	return nil
}

// bound is how long a time limit of the application may be at most.
func (a *armed) bound(guard string) time.Duration {
	if guard == "lock_timeout" {
		return a.lock
	}
	return a.limit
}

// constraints are the names of deferrable constraints but the fuse, for SET
// CONSTRAINTS: all, and those that are deferred from the start.
func (n *session) constraints(condition string) (all, deferred string, err error) {
	row, err := n.row(catalog.Deferrable(condition))
	if err != nil {
		return "", "", err
	}
	return row[0], row[1], nil
}

// probe fires the deferred constraints that wait, the fuse aside, as a commit
// would, and puts them as they were declared. all says that the application
// has set some otherwise.
func (n *session) probe(a *armed, all bool) error {
	if !a.deferrable {
		return nil
	}
	condition := catalog.Touched
	if all || !a.counting {
		condition = ""
	}
	names, deferred, err := n.constraints(condition)
	if err != nil || names == "" {
		return err
	}
	_, err = n.run(catalog.Fire(names, deferred)...)
	return err
}
