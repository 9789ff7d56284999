package compare

import (
	"fmt"
	"slices"
	"strings"
)

// compareFootprints lists the tables in which the two sides wrote other
// numbers of rows, by name, where the rows themselves are not known: not in the
// log of the database are those of unlogged tables. A table that one side did
// not write counts nothing.
func (p *pair) compareFootprints() []finding {
	if p.legacy.Footprint == nil || p.new.Footprint == nil {
		return nil
	}
	legacy, new := byTable(p.legacy.Footprint), byTable(p.new.Footprint)
	var tables []string
	for table := range legacy {
		tables = append(tables, table)
	}
	for table := range new {
		if _, ok := legacy[table]; !ok {
			tables = append(tables, table)
		}
	}
	slices.Sort(tables)
	var found []finding
	rules := p.rules.ofTables()
	for _, table := range tables {
		l, n := legacy[table], new[table]
		if l == n || p.bothWritten() && (p.legacy.Writes.has(table) || p.new.Writes.has(table)) {
			continue
		}
		b := tableBase(table)
		f := finding{Difference: Difference{Path: b.path, At: b.at, Kind: KindFootprint, Legacy: l.String(), New: n.String()}}
		if r := rules.tableIgnored(&b, false); r >= 0 {
			f.verdict = forgivenBy(r)
		}
		found = append(found, f)
	}
	weigh(found, len(tables))
	return found
}

// byTable adds up the rows of each table.
func byTable(f Footprint) map[string]TableRows {
	sums := make(map[string]TableRows, len(f))
	for _, t := range f {
		s := sums[t.Table]
		sums[t.Table] = TableRows{"", s.Inserted + t.Inserted, s.Updated + t.Updated, s.Deleted + t.Deleted}
	}
	return sums
}

// String names the table, when there is one, and its counts.
func (t TableRows) String() string {
	s := fmt.Sprintf("inserted %d, updated %d, deleted %d", t.Inserted, t.Updated, t.Deleted)
	return strings.TrimPrefix(t.Table+": "+s, ": ")
}
