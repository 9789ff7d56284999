package txshadow

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// counts are rows written per table in the session's transaction, as the
// server counts them: triggers and cascades are in, and so is what a savepoint
// took back. Values are not changed once made.
type counts map[string]TableRows

// countsSQL reads the counts. It is pg_stat_xact_user_tables without its joins
// of the indexes, and without temporary tables, which end with the session.
const countsSQL = `SELECT n.nspname, t.relname, t.ins, t.upd, t.del FROM (SELECT relnamespace, relname,
	pg_catalog.pg_stat_get_xact_tuples_inserted(oid) AS ins, pg_catalog.pg_stat_get_xact_tuples_updated(oid) AS upd,
	pg_catalog.pg_stat_get_xact_tuples_deleted(oid) AS del
	FROM pg_catalog.pg_class WHERE relkind = 'r' AND relpersistence <> 't') t
	JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
	WHERE t.ins + t.upd + t.del > 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'txshadow')`

// readCounts reads the answer to countsSQL.
func readCounts(r *pgconn.Result) (counts, error) {
	c := counts{}
	for _, row := range r.Rows {
		t := TableRows{Table: TableName(string(row[0]), string(row[1]))}
		for i, to := range []*int64{&t.Inserted, &t.Updated, &t.Deleted} {
			n, err := strconv.ParseInt(string(row[2+i]), 10, 64)
			if err != nil {
				return nil, err
			}
			*to = n
		}
		c[t.Table] = t
	}
	return c, nil
}

// TableName is a table's name as a Footprint has it.
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

func (c counts) plus(o counts, sign int64) counts {
	sum := make(counts, len(c)+len(o))
	for k, t := range c {
		sum[k] = t
	}
	for k, t := range o {
		s := sum[k]
		sum[k] = TableRows{k, s.Inserted + sign*t.Inserted, s.Updated + sign*t.Updated, s.Deleted + sign*t.Deleted}
	}
	return sum
}

// footprint is the tables with rows, sorted.
func (c counts) footprint() Footprint {
	f := Footprint{}
	for _, t := range c {
		if t.Inserted != 0 || t.Updated != 0 || t.Deleted != 0 {
			f = append(f, t)
		}
	}
	return f.sorted()
}

// ledger keeps the counts right over savepoints that are rolled back: the
// server counts what they wrote and never takes it off again.
type ledger struct {
	last  counts // at the last reading
	stale bool   // something may have been written since
	void  counts // written and taken back, or before the transaction
	lost  bool   // the counts can not be told any more
}

// mark is a savepoint and the books at its time.
type mark struct {
	name string
	base counts
	void counts
}

// mark is called when the savepoint has been made and the last reading is not
// stale.
func (l *ledger) mark(name string) mark { return mark{name: name, base: l.last, void: l.void} }

func (l *ledger) read(now counts) { l.last, l.stale = now, false }

// undone is called after a ROLLBACK TO m, when the last reading is not stale.
func (l *ledger) undone(m mark) { l.void = m.void.plus(l.last.plus(m.base, -1), 1) }

// footprint is what is left of the last reading.
func (l *ledger) footprint() Footprint { return l.last.plus(l.void, -1).footprint() }
