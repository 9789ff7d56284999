package redact

import (
	"regexp"
	"strings"
)

// Column is one value of a row, in the text form of its database, by the name of
// the column and that of its table.
func (r *Redactor) Column(table, column, value string) string {
	if r.secretName(table) || r.secretName(column) {
		return r.secret(value)
	}
	return r.textOrJSON(value)
}

// aRow is a row as package compare shows it: what was done, and its columns as the
// members of a JSON object, of which the end may be cut off.
var aRow = regexp.MustCompile(`^(insert|update|delete) \{`)

// rowValue is what a difference in a table shows: a row, the JSON text of one
// column, or some words on what was written. place is the table and the column.
func (r *Redactor) rowValue(place, value string) string {
	if aRow.MatchString(value) {
		op, row, _ := strings.Cut(value, " ")
		return op + " " + r.json(row, r.secretName(place))
	}
	if strings.IndexByte("\"{[-0123456789", value[0]) >= 0 {
		return r.json(value, r.secretName(place))
	}
	return r.textOrJSON(value)
}
