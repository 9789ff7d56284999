package writeset

import (
	"slices"
	"strings"

	"github.com/quackproxy/quack/txshadow"
)

// Gap is a table of which a set and a footprint of the same request do not
// have the same number of rows.
type Gap struct {
	Table   string
	Decoded txshadow.TableRows // of the set
	Counted txshadow.TableRows // of the footprint
}

// Against compares the set with the footprint of the same request, by table
// and count, and returns where they are apart, sorted by table.
//
// Rows that were counted and not decoded are to be expected of unlogged
// tables, which are in no log, and of what a PL/pgSQL block with EXCEPTION has
// taken back. Rows that were decoded and not counted are a fault. Tables that
// were truncated, which are not counted, are left out, and so is everything
// when the set is Truncated.
func (s Set) Against(f txshadow.Footprint) []Gap {
	if s.Truncated {
		return nil
	}
	decoded, truncated := s.counts()
	var gaps []Gap
	compare := func(table string, counted txshadow.TableRows) {
		counted.Table = table
		if d := decoded[table]; d != counted && !truncated[table] {
			gaps = append(gaps, Gap{Table: table, Decoded: d, Counted: counted})
		}
	}
	seen := map[string]bool{}
	for _, t := range f {
		if _, ok := decoded[t.Table]; !ok {
			decoded[t.Table] = txshadow.TableRows{Table: t.Table}
		}
		seen[t.Table] = true
		compare(t.Table, t)
	}
	for table := range decoded {
		if !seen[table] {
			compare(table, txshadow.TableRows{})
		}
	}
	slices.SortFunc(gaps, func(a, b Gap) int { return strings.Compare(a.Table, b.Table) })
	return gaps
}

// counts adds the rows up by table.
func (s Set) counts() (rows map[string]txshadow.TableRows, truncated map[string]bool) {
	rows, truncated = map[string]txshadow.TableRows{}, map[string]bool{}
	for _, c := range s.Changes {
		if c.Op == Truncate {
			truncated[c.Table] = true
			continue
		}
		t := rows[c.Table]
		t.Table = c.Table
		switch c.Op {
		case Insert:
			t.Inserted++
		case Update:
			t.Updated++
		case Delete:
			t.Deleted++
		}
		rows[c.Table] = t
	}
	return rows, truncated
}
