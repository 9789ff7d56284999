// Package catalog is the SQL by which a PostgreSQL is asked about a shadow's
// transaction, and the SQLSTATEs that are acted on. It is the same whatever
// library sends it.
package catalog

import (
	"strconv"
	"strings"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
)

// SQLSTATEs that we act on.
const (
	StateCancelled   = "57014"
	StateNoTx        = "25P01" // also the code of the notice for a ROLLBACK without a transaction
	StateNoSavepoint = "3B001"
	StateReadOnly    = "25006"
	StateLock        = "55P03"
	StateNoSchema    = "3F000"
	StateNoTable     = "42P01"
	StateNoRight     = "42501"
	StateNoObject    = "42704"
	StateBusy        = "55000"
	StateProcedure   = "2D000" // COMMIT or ROLLBACK in a procedure, which is not called by itself here

	// StateFuse is that with which the fuse refuses a commit. The SQL standard
	// keeps classes 0 to 4 and A to H for itself; PostgreSQL has none in Q.
	StateFuse = "QF001"
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

// Counts reads the rows written per table. It is pg_stat_xact_user_tables
// without its joins of the indexes, and without temporary tables, which end
// with the session.
const Counts = `SELECT n.nspname, t.relname, t.ins, t.upd, t.del FROM (SELECT relnamespace, relname,
	pg_catalog.pg_stat_get_xact_tuples_inserted(oid) AS ins, pg_catalog.pg_stat_get_xact_tuples_updated(oid) AS upd,
	pg_catalog.pg_stat_get_xact_tuples_deleted(oid) AS del
	FROM pg_catalog.pg_class WHERE relkind = 'r' AND relpersistence <> 't') t
	JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
	WHERE t.ins + t.upd + t.del > 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'txshadow')`

// Counted reads the answer to Counts.
func Counted[V ~string | ~[]byte](rows [][]V) (ledger.Counts, error) {
	c := ledger.Counts{}
	for _, row := range rows {
		var t ledger.Rows
		for i, to := range []*int64{&t.Inserted, &t.Updated, &t.Deleted} {
			n, err := strconv.ParseInt(string(row[2+i]), 10, 64)
			if err != nil {
				return nil, err
			}
			*to = n
		}
		c[TableName(string(row[0]), string(row[1]))] = t
	}
	return c, nil
}

// TableName is a table's name as a footprint has it.
func TableName(schema, table string) string {
	quote := func(s string) string {
		if strings.ContainsAny(s, `."`) {
			return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		return s
	}
	if schema == "public" {
		return quote(table)
	}
	return quote(schema) + "." + quote(table)
}

// Touched holds for constraints that an event may wait for: those of tables
// with changed rows, on either side of a foreign key.
const Touched = ` AND 0 < pg_catalog.pg_stat_get_xact_tuples_inserted(c.conrelid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.conrelid)
	+ pg_catalog.pg_stat_get_xact_tuples_deleted(c.conrelid) + pg_catalog.pg_stat_get_xact_tuples_inserted(c.confrelid)
	+ pg_catalog.pg_stat_get_xact_tuples_updated(c.confrelid) + pg_catalog.pg_stat_get_xact_tuples_deleted(c.confrelid)`

// Deferrable names the deferrable constraints but the fuse, for SET
// CONSTRAINTS: all, and those that are deferred from the start. condition
// follows a WHERE.
func Deferrable(condition string) string {
	return `SELECT pg_catalog.string_agg(DISTINCT name, ', '), pg_catalog.string_agg(DISTINCT name, ', ') FILTER (WHERE condeferred)
		FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.conname) AS name, c.condeferred
			FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
			WHERE c.condeferrable AND n.nspname <> 'txshadow'` + condition + `) c`
}

// Instant is SQL for a timestamptz as text that does not depend on settings,
// which hooks may have changed: DateStyle and TimeZone.
func Instant(expr string) string {
	return "pg_catalog.round(EXTRACT(epoch FROM " + expr + ")::numeric * 1000000)::bigint::text"
}

// Literal quotes s for SQL whatever standard_conforming_strings says. s has no
// NUL.
func Literal(s string) string {
	quoted := []byte{' ', 'E', '\''}
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, s[i])
	}
	return string(append(quoted, '\''))
}

// NameSuffix ends the application_name of sessions of shadows.
const NameSuffix = "quack-shadow"

// ShadowName is the application's name with our suffix, by which people and
// watchdogs find shadows in pg_stat_activity. PostgreSQL cuts at 63 bytes.
func ShadowName(application string) string {
	if application == "" {
		return NameSuffix
	}
	return application[:min(len(application), 63-1-len(NameSuffix))] + " " + NameSuffix
}
