package compare

import (
	"fmt"
	"strings"
)

// compareFootprints lists the tables in which the two sides wrote other
// numbers of rows, by name, where the rows themselves are not known (those of
// unlogged tables are not in the log of the database), and then the effects. A
// table that one side did not write counts nothing.
func (p *pair) compareFootprints() []finding {
	if p.legacy.Footprint == nil || p.new.Footprint == nil {
		return nil
	}
	legacy, new := byTable(p.legacy.Footprint), byTable(p.new.Footprint)
	tables := namesOf(legacy, new)
	var found []finding
	for _, table := range tables {
		if l, n := legacy[table], new[table]; l != n && !p.hasRows(table) {
			found = append(found, p.written("table:"+table, l.String(), n.String()))
		}
	}
	weigh(found, len(tables))
	return append(found, p.compareEffects()...)
}

// written is a difference between counts, and what the rules say of it.
func (p *pair) written(path, legacy, new string) finding {
	f := finding{Difference: Difference{Path: path, At: path, Kind: KindFootprint, Legacy: legacy, New: new}}
	for _, r := range p.rules.field(path) {
		f.verdict = forgivenBy(r) // ignore is all that a count can have
		break
	}
	if table, ok := strings.CutPrefix(path, "table:"); ok {
		at := tableBase(table)
		if r := p.rules.ofTables().tableIgnored(&at, false); r >= 0 {
			f.verdict = forgivenBy(r)
		}
	}
	return f
}

// hasRows reports whether there are rows of a table that are compared.
func (p *pair) hasRows(table string) bool {
	return p.bothWritten() && (p.legacy.Writes.has(table) || p.new.Writes.has(table))
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
