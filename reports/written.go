package reports

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/compare"
)

// WritesText says what of writes was compared, for a person; "" when nothing was.
func (c *Comparison) WritesText() string {
	switch c.Writes {
	case "":
		return ""
	case "footprint", "level 1":
		return "writes compared by the number of rows (level 1)"
	case "level 4":
		return "writes compared row by row (level 4)"
	}
	return "writes compared by " + c.Writes
}

// WrittenRow is a row that was written, as both sides wrote it; "" on a side that
// did not.
type WrittenRow struct {
	Table       string
	Legacy, New string // what was done, and the row: "insert {"id":7}"
	Differs     bool   // some difference that counts is in it
}

// WrittenRows are the rows of both sides beside each other, by table: those that
// are paired in the order of legacy, then those of new alone. It is as good as
// what is stored of them.
func (c *Comparison) WrittenRows() []WrittenRow {
	legacy, new := byTable(c.Legacy.Answer.Writes), byTable(c.New.Answer.Writes)
	names := map[string]bool{}
	for name := range legacy {
		names[name] = true
	}
	for name := range new {
		names[name] = true
	}
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
	pairs := compare.PairRows(legacy, new)
	for _, p := range pairs {
		row := WrittenRow{Table: table}
		if p.Legacy >= 0 {
			row.Legacy = legacy[p.Legacy].String()
		}
		if p.New >= 0 {
			row.New = new[p.New].String()
		}
		row.Differs = c.differsIn(table, p.Legacy, p.New)
		rows = append(rows, row)
	}
	return rows
}

// differsIn reports whether a difference stands in a row: in that of legacy, or of
// new where only new has it.
func (c *Comparison) differsIn(table string, legacy, new int) bool {
	index := legacy
	if index < 0 {
		index = new
	}
	at := "table:" + table + "[" + strconv.Itoa(index) + "]"
	return slices.ContainsFunc(c.Differences, func(d Found) bool {
		switch {
		case d.Kind != compare.KindWrites:
			return false
		case legacy < 0 || d.At == at: // what only new has stands under new's index
			return d.At == at && (d.Legacy == "") == (legacy < 0)
		}
		return strings.HasPrefix(d.At, at+".") || strings.HasPrefix(d.At, at+"[")
	})
}
