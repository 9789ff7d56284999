package reports

import (
	"fmt"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/redact"
)

// How much is kept of what a side wrote: so many rows, and bytes of their values;
// and of one value.
const (
	rowsMax   = 200
	valuesMax = 64 << 10
	valueMax  = 1 << 10
)

// cleanWrites redacts the rows that a side wrote, and cuts their list and their
// values. note says what is left out.
func cleanWrites(r *redact.Redactor, set compare.WriteSet) (kept compare.WriteSet, note string) {
	if set == nil {
		return nil, ""
	}
	kept = compare.WriteSet{}
	size := 0
	for i, c := range set {
		c.Table = r.Text(c.Table)
		c.Old, c.New = cleanRow(r, c.Table, c.Old), cleanRow(r, c.Table, c.New)
		for _, row := range [][]compare.Column{c.Old, c.New} {
			for _, col := range row {
				size += len(col.Name) + len(col.Type) + len(col.Value)
			}
		}
		if i == rowsMax || size > valuesMax {
			return kept, fmt.Sprintf(cutNote+" %d rows of %d", i, len(set))
		}
		kept = append(kept, c)
	}
	return kept, ""
}

func cleanRow(r *redact.Redactor, table string, row []compare.Column) []compare.Column {
	var kept []compare.Column
	for _, c := range row {
		if c.Value = r.Column(table, c.Name, c.Value); len(c.Value) > valueMax {
			c.Value = c.Value[:wholeRunes(c.Value, valueMax)] + "…"
		}
		kept = append(kept, c)
	}
	return kept
}

// cleanFootprint is a footprint whose tables have no secrets for names.
func cleanFootprint(r *redact.Redactor, f compare.Footprint) compare.Footprint {
	if f == nil {
		return nil
	}
	kept := make(compare.Footprint, len(f))
	for i, t := range f {
		t.Table = r.Text(t.Table)
		kept[i] = t
	}
	return kept
}

// cleanEffects are effects without secrets: what was done may be told with to whom.
func cleanEffects(r *redact.Redactor, e compare.Effects) compare.Effects {
	if e == nil {
		return nil
	}
	kept := make(compare.Effects, len(e))
	for i, x := range e {
		x.Name = r.Text(x.Name)
		kept[i] = x
	}
	return kept
}
