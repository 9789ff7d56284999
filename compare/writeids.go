package compare

import (
	"slices"
	"strings"
)

// A row that is inserted under the next number of a sequence has another id on
// each side, and on each run. Rows are paired without it, and the two ids then
// stand for each other wherever a column refers to the row. Columns that do so
// are known by their foreign keys, or else by their names: many have none.

// rowID is an id of a row that was inserted, by which others may refer to it.
type rowID struct {
	row    *rowOf
	column *Column
	number bool // from a sequence; else it is a UUID, which nothing else has
}

// enterIDs notes the ids of a row, when it was inserted.
func (s *wrote) enterIDs(r *rowOf) {
	r.ids = r.generatedIDs()
	for _, c := range r.ids {
		s.ids[c.Value] = append(s.ids[c.Value], rowID{r, c, true})
	}
	if c := r.uuidKey(); c != nil && !r.isID(c) {
		s.ids[c.Value] = append(s.ids[c.Value], rowID{r, c, false})
	}
}

// isID reports whether a column of the row is a number that it was given.
func (r *rowOf) isID(c *Column) bool { return slices.Contains(r.ids, c) }

// refer notes which inserted rows of its side the row may refer to.
func (r *rowOf) refer(s *wrote, facts columnFacts) {
	r.refs = make([][]*rowOf, len(r.columns))
	for i := range r.columns {
		c := &r.columns[i]
		if c.Null || c.Unchanged || r.isID(c) {
			continue
		}
		var found []rowID
		for _, id := range s.ids[c.Value] {
			if id.column != c && (r.owns(c, id) || facts.refers(r.Table, c.Name, id)) {
				found = append(found, id)
			}
		}
		for _, id := range r.likeliest(c, found) {
			r.refs[i] = append(r.refs[i], id.row)
		}
	}
}

// owns reports whether a column of a row that was changed says that it is the
// very row of the id.
func (r *rowOf) owns(c *Column, id rowID) bool {
	return r.Op != OpInsert && id.row.Table == r.Table && id.column.Name == c.Name
}

// refers reports whether a column may hold an id: by its foreign key, else by its name.
func (f columnFacts) refers(table, column string, id rowID) bool {
	if to := f.target(table, column); to != (Reference{}) {
		return to == Reference{id.row.Table, id.column.Name}
	}
	return !id.number || refersTo(column, id.row.Table)
}

// likeliest are those of several ids whose table the column is named after.
func (r *rowOf) likeliest(c *Column, ids []rowID) []rowID {
	if len(ids) < 2 {
		return ids
	}
	named := slices.DeleteFunc(slices.Clone(ids), func(id rowID) bool {
		return !namedAfter(c.Name, id.row.Table) && !r.owns(c, id)
	})
	if len(named) > 0 {
		return named
	}
	return ids
}

// partners is the id of a row of legacy that one value is, when the other is that
// of the row which was inserted as its partner, and the column, of a table or a
// member in one (table is "" then), one that may refer to these rows.
func (w *writes) partners(table, column, legacy, new string) (id rowID, ok bool) {
	for _, id := range w.sides[0].ids[legacy] {
		if !id.partner(new) {
			continue
		}
		if (table == "" || table == id.row.Table) && column == id.column.Name || w.facts.refers(table, column, id) {
			return id, true
		}
	}
	return rowID{}, false
}

// partner reports whether a value is the id of the row's partner.
func (id rowID) partner(value string) bool {
	n := id.row.partner
	if n == nil || n.Op != OpInsert {
		return false
	}
	c := n.column(id.column.Name)
	return c != nil && c.Value == value && (!id.number || n.isID(c))
}

// refersTo reports whether a column of this name may hold ids of a table's rows.
func refersTo(column, table string) bool {
	words := wordsOf(column)
	if n := len(words); n > 1 { // a bare id is the row's own
		switch words[n-1] {
		case "id", "ids", "key", "ref", "fk":
			return true
		}
	}
	return namedAfter(column, table)
}

// namedAfter reports whether a column has the name of a table in it: account, or
// paid_by_account, of accounts.
func namedAfter(column, table string) bool {
	segments, err := splitTable(table)
	if err != nil {
		return false
	}
	of := wordsOf(segments[len(segments)-1].name)
	if len(of) == 0 {
		return false
	}
	last := of[len(of)-1]
	for _, w := range wordsOf(column) {
		if w == last || w+"s" == last || w+"es" == last || strings.TrimSuffix(w, "y")+"ies" == last {
			return true
		}
	}
	return false
}
