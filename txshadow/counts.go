package txshadow

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow/internal/ledger"
)

// readCounts reads the answer to catalog.Counts.
func readCounts(r *pgconn.Result) (ledger.Counts, error) {
	c := ledger.Counts{}
	for _, row := range r.Rows {
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

// footprintOf is the footprint that says of tables, named by TableName, what was
// written in them.
func footprintOf(c ledger.Counts) Footprint {
	f := Footprint{}
	for table, r := range c {
		f = append(f, TableRows{table, r.Inserted, r.Updated, r.Deleted})
	}
	return f.sorted()
}
