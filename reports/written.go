package reports

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/compare"
)

// What was compared of writes.
const (
	WritesCounted = "level 1" // rows of each table, as the adapters counted them
	WritesDecoded = "level 4" // the rows, decoded from the log while their transaction was prepared

	writesCountedOnce = "footprint" // WritesCounted in older evidence
)

// WritesText says what of writes was compared, for a person; "" when nothing was.
func (c Comparison) WritesText() string {
	switch c.Writes {
	case "":
		return ""
	case writesCountedOnce, WritesCounted:
		return "writes compared by the number of rows (level 1)"
	case WritesDecoded:
		return "writes compared row by row (level 4)"
	}
	return "writes compared by " + c.Writes
}

// WrittenRow is a row that was written, as both sides wrote it.
type WrittenRow struct {
	Table       string
	Legacy, New string // what was done to it: "insert"; "" on a side that did nothing
	Differs     bool   // some difference that counts is in it
	Columns     []WrittenColumn
}

// WrittenColumn is a value of the row on both sides; "" on a side that has none.
type WrittenColumn struct {
	Name, Legacy, New string
	Differs           bool // a difference that counts is in it
}

// WrittenRows are the rows of both sides beside each other, by table: those that
// are paired in the order of legacy, then those of new alone. It is as good as
// what is stored of them.
func (c *Comparison) WrittenRows() []WrittenRow {
	legacy, new := byTable(c.Legacy.Answer.Writes), byTable(c.New.Answer.Writes)
	names := maps.Clone(legacy)
	maps.Copy(names, new)
	var rows []WrittenRow
	for _, name := range slices.Sorted(maps.Keys(names)) {
		rows = append(rows, c.tableRows(name, legacy[name], new[name])...)
	}
	return rows
}

func byTable(set compare.WriteSet) map[string][]compare.Change {
	tables := map[string][]compare.Change{}
	for _, change := range set {
		tables[change.Table] = append(tables[change.Table], change)
	}
	return tables
}

// tableRows are those of one table.
func (c *Comparison) tableRows(table string, legacy, new []compare.Change) []WrittenRow {
	var rows []WrittenRow
	for _, p := range compare.PairRows(legacy, new) {
		row := WrittenRow{Table: table}
		var l, n *compare.Change
		if p.Legacy >= 0 {
			l = &legacy[p.Legacy]
			row.Legacy = string(l.Op)
		}
		if p.New >= 0 {
			n = &new[p.New]
			row.New = string(n.Op)
		}
		row.Differs, row.Columns = c.differsIn(table, p), columnsOf(l, n)
		if l != nil && n != nil {
			for i := range row.Columns {
				row.Columns[i].Differs = c.differsAt(rowAt(table, p.Legacy) + compare.NameSegment(row.Columns[i].Name))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// columnsOf are the columns of a row in the order of legacy, then what only new has.
func columnsOf(legacy, new *compare.Change) []WrittenColumn {
	var columns []WrittenColumn
	for side, change := range []*compare.Change{legacy, new} {
		if change == nil {
			continue
		}
		for _, col := range change.Row() {
			i := slices.IndexFunc(columns, func(w WrittenColumn) bool { return w.Name == col.Name })
			if i < 0 {
				i = len(columns)
				columns = append(columns, WrittenColumn{Name: col.Name})
			}
			if side == 0 {
				columns[i].Legacy = col.String()
			} else {
				columns[i].New = col.String()
			}
		}
	}
	return columns
}

func rowAt(table string, index int) string { return "table:" + table + "[" + strconv.Itoa(index) + "]" }

// differsIn reports whether a difference stands in a row: in that of legacy, or of
// new where only new has it.
func (c *Comparison) differsIn(table string, p compare.RowPair) bool {
	if p.Legacy < 0 { // what only new has stands under new's index
		return c.differs(func(d Found) bool { return d.At == rowAt(table, p.New) && d.Legacy == "" })
	}
	at := rowAt(table, p.Legacy)
	return c.differs(func(d Found) bool { return d.At == at && d.Legacy != "" || isWithin(d.At, at) })
}

// differsAt reports whether a difference is a place, or within it.
func (c *Comparison) differsAt(at string) bool {
	return c.differs(func(d Found) bool { return d.At == at || isWithin(d.At, at) })
}

func (c *Comparison) differs(is func(Found) bool) bool {
	return slices.ContainsFunc(c.Differences, func(d Found) bool { return d.Kind == compare.KindWrites && is(d) })
}

// isWithin reports whether a path leads on from another.
func isWithin(path, outer string) bool {
	rest, on := strings.CutPrefix(path, outer)
	return on && rest != "" && strings.ContainsAny(rest[:1], ".[")
}
