package compare

import (
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare/internal/bytewise"
	"github.com/quackproxy/quack/compare/internal/jsontext"
)

// WriteSet is the rows that a request wrote, in the order of writing. An empty,
// non-nil WriteSet says that it is known to have written none.
type WriteSet []Change

// Change is one row that was written, or the truncation of a table.
type Change struct {
	Table string `json:"table"` // as in TableRows
	Op    Op     `json:"op"`
	// Old is the row before an update or a delete as far as the log has it, which
	// may be no more than its key, or nothing of an update that leaves the key
	// alone. New is the row after an insert or an update.
	Old []Column `json:"old,omitempty"`
	New []Column `json:"new,omitempty"`
}

// Column is one value of a row.
type Column struct {
	Name  string `json:"name"`
	Type  string `json:"type"`            // as the server names it: "integer", "timestamp with time zone"
	Value string `json:"value,omitempty"` // in the server's text form
	Null  bool   `json:"null,omitempty"`
	// Unchanged says that an update left alone a value which is stored out of
	// line, so that the log does not have it. Value is "" then.
	Unchanged bool `json:"unchanged,omitempty"`
	// Key says that the column is one of those by which the table's rows are told
	// apart. Where no column of a table has it, the one called "id" is taken, and
	// for generated where it is a whole number.
	Key bool `json:"key,omitempty"`
	// Generated says that a sequence fills the column, so that each run has
	// another number in it.
	Generated bool `json:"generated,omitempty"`
	// References is the column that a foreign key of this one refers to. Where it
	// is not known, the column's name tells what it may refer to.
	References Reference `json:"references,omitzero"`
}

// Reference is a column of a table, which is named as in TableRows. The zero
// value is none.
type Reference struct {
	Table  string `json:"table"`
	Column string `json:"column"`
}

// Op is what was done to a row.
type Op string

// What can be done to a row.
const (
	OpInsert   Op = "insert"
	OpUpdate   Op = "update"
	OpDelete   Op = "delete"
	OpTruncate Op = "truncate" // to all rows of the table
)

// Row is what the change says of the row: after it where there is such a row,
// else before it.
func (c *Change) Row() []Column {
	if c.Op == OpDelete {
		return c.Old
	}
	return c.New
}

// String is the operation and the row as a JSON object: `insert {"id":7}`.
func (c *Change) String() string {
	if c.Op == OpTruncate {
		return string(c.Op)
	}
	text := append([]byte(c.Op), ' ', '{')
	for i, col := range c.Row() {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(text, jsontext.Quote([]byte(col.Name))...), ':')
		if col.Unchanged {
			text = append(text, `"(unchanged)"`...)
		} else {
			text = append(text, col.json()...)
		}
	}
	return string(append(text, '}'))
}

// String is the value as differences show it: as a JSON text.
func (c *Column) String() string {
	if c.Unchanged {
		return "(unchanged)"
	}
	return string(c.json())
}

// json is the value as a JSON text: numbers and JSON documents as they are, if
// they are such by their types, all others as strings.
func (c *Column) json() []byte {
	switch value := []byte(c.Value); {
	case c.Null:
		return []byte("null")
	case c.isJSON() && jsontext.ScanDocument(value) >= 0:
		return value
	case c.isNumber() && len(value) > 0 && jsontext.ScanNumber(value, 0) == len(value):
		return value
	default:
		return jsontext.Quote(value)
	}
}

func (c *Column) isJSON() bool { return c.Type == "json" || c.Type == "jsonb" }

// numberTypes are PostgreSQL's, as format_type names them and as pg_type does.
var numberTypes = []string{
	"smallint", "integer", "bigint", "numeric", "real", "double precision", "int2", "int4", "int8", "float4", "float8",
}

func (c *Column) isNumber() bool {
	name, _, _ := strings.Cut(c.Type, "(")
	return slices.Contains(numberTypes, name)
}

// isInteger reports whether the value is a whole number, whatever its type:
// a reference may be kept as text.
func (c *Column) isInteger() bool {
	digits := strings.TrimPrefix(c.Value, "-")
	return !c.Null && digits != "" && len(digits) < 40 && bytewise.Digits([]byte(digits), 0) == len(digits)
}

// has reports whether there is a change in a table.
func (s WriteSet) has(table string) bool {
	return slices.ContainsFunc(s, func(c Change) bool { return c.Table == table })
}

func sameChanges(a, b WriteSet) bool {
	return slices.EqualFunc(a, b, func(x, y Change) bool {
		return x.Table == y.Table && x.Op == y.Op && slices.Equal(x.Old, y.Old) && slices.Equal(x.New, y.New)
	})
}
