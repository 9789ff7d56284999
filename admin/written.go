package admin

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
)

// countRows are what each side did, in numbers, under the names that texts gives.
func countRows(c *reports.Comparison, m *places, space string, texts func(*compare.Exchange) map[string]string) []sideRow {
	l, n := &c.Legacy.Answer, &c.New.Answer
	legacy, new := texts(l), texts(n)
	names := maps.Clone(legacy)
	maps.Copy(names, new)
	rows := make([]sideRow, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		row := sideRow{Name: name, Legacy: cmp.Or(legacy[name], written(l.Footprint)), New: cmp.Or(new[name], written(n.Footprint)), Here: m.looksAt(space + name)}
		if l.Footprint != nil && n.Footprint != nil && row.Legacy != row.New {
			row.Became = m.of(space + name)
		}
		rows = append(rows, row)
	}
	return rows
}

func rowCounts(e *compare.Exchange) map[string]string {
	texts := map[string]string{}
	for _, t := range e.Footprint {
		texts[t.Table] = rowsText(t)
	}
	return texts
}

// effectCounts are of what a side did, or would have done, besides writing.
func effectCounts(e *compare.Exchange) map[string]string {
	texts := map[string]string{}
	for _, effect := range e.Effects {
		texts[effect.Name] = num(effect.Count)
	}
	return texts
}

// writtenRows are the rows that both sides wrote, and what was left out of them.
func writtenRows(c *reports.Comparison, m *places) []sideRow {
	var rows []sideRow
	for _, w := range c.WrittenRows() {
		rows = append(rows, sideRow{Name: w.Table, Legacy: w.Legacy, New: w.New, Became: becameOf(w.Differs)})
		for _, col := range w.Columns {
			name := w.Table + compare.NameSegment(col.Name)
			here := col.Differs && m.looksAt("table:"+name)
			rows = append(rows, sideRow{Name: name, Legacy: col.Legacy, New: col.New, Became: becameOf(col.Differs), Here: here})
		}
	}
	if l, n := c.Legacy.WritesNote, c.New.WritesNote; l != "" || n != "" {
		rows = append(rows, sideRow{Name: "as stored", Legacy: l, New: n})
	}
	return rows
}

func becameOf(differs bool) string {
	if differs {
		return lineDiffers
	}
	return ""
}

// written is what a side wrote in a table that its footprint does not name.
func written(f compare.Footprint) string {
	if f == nil {
		return "unknown"
	}
	return "nothing"
}

func rowsText(t compare.TableRows) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{{t.Inserted, "inserted"}, {t.Updated, "updated"}, {t.Deleted, "deleted"}} {
		if p.n != 0 {
			parts = append(parts, num(p.n)+" "+p.what)
		}
	}
	return strings.Join(parts, ", ")
}
