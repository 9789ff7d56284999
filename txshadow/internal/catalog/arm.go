package catalog

import (
	"errors"
	"strconv"
	"time"
)

// Open asks what has to be known of a transaction. It has no parameters, so
// that its plan is kept.
const Open = `SELECT pg_catalog.txid_current_if_assigned(), pg_catalog.current_setting('default_transaction_isolation'),
	pg_catalog.current_setting('track_counts'),
	EXISTS (SELECT FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
		WHERE c.condeferrable AND n.nspname <> 'txshadow'),
	EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = pg_catalog.to_regclass('txshadow.fuse')
		AND tgname = 'fuse' AND tgenabled = 'A' AND tgdeferrable AND tginitdeferred),
	pg_catalog.current_setting('default_transaction_read_only')`

// ErrNoFuse says that a row in the fuse would stop nothing.
var ErrNoFuse = errors.New("the trigger of txshadow.fuse is missing or switched off\n  install it anew: quack txshadow install")

// ErrSerializable refuses shadows where SERIALIZABLE is the default: one that
// is open can make live transactions fail, and one at another level would not
// give the same answers.
var ErrSerializable = errors.New("default_transaction_isolation is serializable: an open shadow would make live transactions fail with 40001")

// Remedy is the next step after an error of arming with that SQLSTATE; "" when
// it says nothing.
func Remedy(state string) string {
	switch state {
	case StateNoSchema, StateNoTable:
		return "\n  the fuse is not installed in this database: quack txshadow install"
	case StateNoRight:
		return "\n  this role may not arm the fuse: quack txshadow install --role ROLE"
	case StateRecovery:
		return "\n  the database is a standby: connect this service to the primary, or wait until this one is promoted"
	}
	return ""
}

// Milliseconds is a time limit as settings have it: never 0, which is none.
func Milliseconds(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }
