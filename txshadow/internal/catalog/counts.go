package catalog

import (
	"strconv"
	"strings"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
)

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
