package sqlshadow

import (
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"slices"
)

// rows are results that have been read whole, with the values and the types of
// columns as the driver gives them.
type rows struct {
	sets    []set // the first is the one that is read now
	failure error // of the statement; shown when all before it has been read
}

// set is one result.
type set struct {
	columns []column
	data    [][]driver.Value
}

// column is what a driver says of one.
type column struct {
	name             string
	scan             reflect.Type
	database         string
	length           int64
	hasLength        bool
	nullable, known  bool
	precision, scale int64
	decimal          bool
}

// buffer reads a result to its end, and those behind it.
func (t *transaction) buffer(base driver.Rows) *rows {
	r := &rows{}
	var size int64
	for {
		s := set{columns: columnsOf(base)}
		if r.failure = s.read(base, &size, t.adapter.maxResult); r.failure != nil {
			r.sets = append(r.sets, s)
			break
		}
		r.sets = append(r.sets, s)
		more, ok := base.(driver.RowsNextResultSet)
		if !ok || !more.HasNextResultSet() {
			break
		}
		if err := more.NextResultSet(); err != nil {
			if !errors.Is(err, io.EOF) {
				r.failure = err
			}
			break
		}
	}
	if err := base.Close(); r.failure == nil {
		r.failure = err
	}
	if size > t.adapter.maxResult && r.failure == nil {
		r.failure = t.refuse("unsupported:result-size")
	}
	return r
}

func (s *set) read(base driver.Rows, size *int64, limit int64) error {
	for {
		row := make([]driver.Value, len(s.columns))
		if err := base.Next(row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for i, v := range row {
			*size += 24
			switch v := v.(type) {
			case []byte: // the driver's, until the next row
				row[i] = slices.Clone(v)
				*size += int64(len(v))
			case string:
				*size += int64(len(v))
			}
		}
		if *size <= limit {
			s.data = append(s.data, row)
		}
	}
}

func columnsOf(base driver.Rows) []column {
	names := base.Columns()
	all := make([]column, len(names))
	for i, name := range names {
		c := column{name: name, scan: reflect.TypeFor[any]()}
		if r, ok := base.(driver.RowsColumnTypeScanType); ok {
			c.scan = r.ColumnTypeScanType(i)
		}
		if r, ok := base.(driver.RowsColumnTypeDatabaseTypeName); ok {
			c.database = r.ColumnTypeDatabaseTypeName(i)
		}
		if r, ok := base.(driver.RowsColumnTypeLength); ok {
			c.length, c.hasLength = r.ColumnTypeLength(i)
		}
		if r, ok := base.(driver.RowsColumnTypeNullable); ok {
			c.nullable, c.known = r.ColumnTypeNullable(i)
		}
		if r, ok := base.(driver.RowsColumnTypePrecisionScale); ok {
			c.precision, c.scale, c.decimal = r.ColumnTypePrecisionScale(i)
		}
		all[i] = c
	}
	return all
}

func (r *rows) column(i int) column { return r.sets[0].columns[i] }

func (r *rows) Columns() []string {
	names := make([]string, len(r.sets[0].columns))
	for i, c := range r.sets[0].columns {
		names[i] = c.name
	}
	return names
}

func (r *rows) Next(dest []driver.Value) error {
	s := &r.sets[0]
	if len(s.data) > 0 {
		copy(dest, s.data[0])
		s.data = s.data[1:]
		return nil
	}
	if len(r.sets) == 1 && r.failure != nil {
		return r.failure
	}
	return io.EOF
}

func (r *rows) HasNextResultSet() bool { return len(r.sets) > 1 }

func (r *rows) NextResultSet() error {
	if len(r.sets) < 2 {
		return io.EOF
	}
	r.sets = r.sets[1:]
	return nil
}

func (r *rows) Close() error { return nil }

func (r *rows) ColumnTypeScanType(i int) reflect.Type { return r.column(i).scan }

func (r *rows) ColumnTypeDatabaseTypeName(i int) string { return r.column(i).database }

func (r *rows) ColumnTypeLength(i int) (int64, bool) {
	return r.column(i).length, r.column(i).hasLength
}

func (r *rows) ColumnTypeNullable(i int) (nullable, ok bool) {
	return r.column(i).nullable, r.column(i).known
}

func (r *rows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	c := r.column(i)
	return c.precision, c.scale, c.decimal
}
