package compare

import (
	"slices"
	"strings"
)

// A row that is inserted under the next number of a sequence has another id on
// each side, and on each run. Rows are paired without it, and the two ids then
// stand for each other wherever a column refers to the row. Columns that do so
// are known by their names: the log does not say.

// generatedID is the column that tells an inserted row apart if that is a number;
// keyed says that keys are known of the table. A key of several columns is made
// of what is there already.
func (r *rowOf) generatedID(keyed bool) *Column {
	if r.Op != OpInsert {
		return nil
	}
	if keys := r.keys(); keyed {
		if len(keys) == 1 && keys[0].isInteger() {
			return keys[0]
		}
		return nil
	}
	for i := range r.columns {
		if c := &r.columns[i]; strings.EqualFold(c.Name, "id") && c.isInteger() {
			return c
		}
	}
	return nil
}

// refer notes which inserted rows of its side the row may refer to.
func (r *rowOf) refer(s *wrote) {
	r.refs = make([][]*rowOf, len(r.columns))
	for i := range r.columns {
		c := &r.columns[i]
		if c == r.id || !c.isInteger() {
			continue
		}
		for _, to := range s.ids[c.Value] {
			if own := r.Op != OpInsert && to.Table == r.Table && c.Name == to.id.Name; own || refersTo(c.Name, to.Table) {
				r.refs[i] = append(r.refs[i], to)
			}
		}
		r.refs[i] = likeliest(r.refs[i], c.Name, r)
	}
}

// likeliest are those of several rows whose table the column is named after.
func likeliest(rows []*rowOf, column string, of *rowOf) []*rowOf {
	if len(rows) < 2 {
		return rows
	}
	named := slices.DeleteFunc(slices.Clone(rows), func(to *rowOf) bool {
		return !namedAfter(column, to.Table) && !(of.Op != OpInsert && to.Table == of.Table && to.id.Name == column)
	})
	if len(named) > 0 {
		return named
	}
	return rows
}

// partners reports whether two values are the ids of rows that were inserted as
// each other's partners, and the column, of a table or a member in one ("" then),
// one that may refer to these rows.
func (w *writes) partners(table, column, legacy, new string) bool {
	for _, r := range w.sides[0].ids[legacy] {
		if r.partner == nil || r.partner.id == nil || r.partner.id.Value != new {
			continue
		}
		if (table == "" || table == r.Table) && column == r.id.Name || refersTo(column, r.Table) {
			return true
		}
	}
	return false
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
