package txshadow

import (
	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/ledger"
)

// TableName is a table's name as a Footprint has it.
func TableName(schema, table string) string { return catalog.TableName(schema, table) }

// FootprintOf is the footprint that says of tables, named by TableName, what was
// written in them. It is for the packages beside this one.
func FootprintOf(c ledger.Counts) Footprint {
	f := Footprint{}
	for table, r := range c {
		f = append(f, TableRows{table, r.Inserted, r.Updated, r.Deleted})
	}
	return f.sorted()
}
