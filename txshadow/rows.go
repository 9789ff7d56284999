package txshadow

import (
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// rows is a result that has been read whole. It behaves as pgx's own.
type rows struct {
	shadow  *shadow // nil when there was no result
	types   *pgtype.Map
	fields  []pgconn.FieldDescription
	data    [][][]byte
	tag     pgconn.CommandTag
	failure error // of the statement; shown when the rows before it have been read

	current [][]byte
	err     error
	closed  bool
}

// buffer reads result to its end.
func (s *shadow) buffer(result pgx.Rows, types *pgtype.Map) *rows {
	r := &rows{shadow: s, types: ownTypes(types)}
	var size int64
	for result.Next() {
		values := make([][]byte, len(result.RawValues()))
		for i, v := range result.RawValues() {
			values[i] = slices.Clone(v) // nil, a NULL, stays nil
			size += int64(len(v)) + 24
		}
		if r.fields == nil {
			r.fields = slices.Clone(result.FieldDescriptions())
		}
		if size <= s.adapter.maxResult {
			r.data = append(r.data, values)
		}
	}
	if r.fields == nil && result.Err() == nil && result.CommandTag().String() != "" {
		r.fields = slices.Clone(result.FieldDescriptions())
	}
	r.tag, r.failure = result.CommandTag(), result.Err()
	if size > s.adapter.maxResult && r.failure == nil {
		r.failure = s.refuse("unsupported:result-size")
	}
	return r
}

// ownTypes is a copy of a connection's types: the map keeps notes while it is
// used, and the rows are read while the connection runs other statements.
func ownTypes(m *pgtype.Map) *pgtype.Map {
	c := m.Copy()
	c.TryWrapScanPlanFuncs = slices.Clone(m.TryWrapScanPlanFuncs)
	c.TryWrapEncodePlanFuncs = slices.Clone(m.TryWrapEncodePlanFuncs)
	return c
}

func (r *rows) Close() {
	if r.closed {
		return
	}
	r.closed, r.current = true, nil
	if r.err == nil {
		r.err = r.failure
	}
}

func (r *rows) Err() error {
	if r.err == nil && r.closed {
		return r.failure
	}
	return r.err
}

func (r *rows) CommandTag() pgconn.CommandTag { return r.tag }

func (r *rows) FieldDescriptions() []pgconn.FieldDescription { return r.fields }

func (r *rows) Next() bool {
	if r.closed {
		return false
	}
	if len(r.data) == 0 {
		r.Close()
		return false
	}
	r.current, r.data = r.data[0], r.data[1:]
	return true
}

func (r *rows) Scan(dest ...any) error {
	if len(dest) == 1 {
		if whole, ok := dest[0].(pgx.RowScanner); ok {
			return r.fatal(whole.ScanRow(r))
		}
	}
	return r.fatal(pgx.ScanRow(r.types, r.fields, r.current, dest...))
}

// fatal closes the rows on an error, as pgx does.
func (r *rows) fatal(err error) error {
	if err != nil && r.err == nil {
		r.err = err
		r.Close()
	}
	return err
}

func (r *rows) Values() ([]any, error) {
	if r.closed {
		return nil, errors.New("rows is closed")
	}
	values := make([]any, len(r.fields))
	for i, f := range r.fields {
		var err error
		if values[i], err = r.value(f, r.current[i]); err != nil {
			return nil, r.fatal(err)
		}
	}
	return values, nil
}

func (r *rows) value(f pgconn.FieldDescription, raw []byte) (any, error) {
	if raw == nil {
		return nil, nil
	}
	if t, ok := r.types.TypeForOID(f.DataTypeOID); ok {
		return t.Codec.DecodeValue(r.types, f.DataTypeOID, f.Format, raw)
	}
	if f.Format == pgx.TextFormatCode {
		return string(raw), nil
	}
	return slices.Clone(raw), nil
}

func (r *rows) RawValues() [][]byte { return r.current }

func (r *rows) TypeMap() *pgtype.Map { return r.types }

// Conn is a connection that is closed, with the types of the session: on the
// session itself, statements would go past the shadow. The request is not
// compared.
func (r *rows) Conn() *pgx.Conn {
	if r.shadow == nil {
		return nil
	}
	r.shadow.note("unsupported:conn")
	conn := r.shadow.adapter.closedConn()
	*conn.TypeMap() = *ownTypes(r.types)
	return conn
}

// row is the first of rows, as QueryRow gives it.
type row struct{ rows *rows }

func (r row) Scan(dest ...any) error {
	if err := r.rows.Err(); err != nil {
		return err
	}
	for _, d := range dest {
		if _, ok := d.(*pgtype.DriverBytes); ok {
			r.rows.Close()
			return errors.New("cannot scan into *pgtype.DriverBytes from QueryRow")
		}
	}
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	r.rows.Scan(dest...)
	r.rows.Close()
	return r.rows.Err()
}
