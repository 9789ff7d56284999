package sqlshadow

import (
	"database/sql/driver"
	"reflect"
	"strconv"
)

// announced is the number of the server's process as it stood in the answer to
// the login, "" when the driver does not show it. A pooler announces one of its
// own making. lib/pq keeps it in a field, pgx behind Conn().PgConn().PID().
func announced(conn driver.Conn) string {
	v := reflect.ValueOf(conn)
	for _, method := range []string{"Conn", "PgConn", "PID"} {
		m := reflect.Value{}
		if v.IsValid() {
			m = v.MethodByName(method)
		}
		if !m.IsValid() || m.Type().NumIn() != 0 || m.Type().NumOut() != 1 {
			return fieldPID(conn)
		}
		v = m.Call(nil)[0]
	}
	if v.CanUint() {
		return strconv.FormatUint(v.Uint(), 10)
	}
	return ""
}

func fieldPID(conn driver.Conn) string {
	v := reflect.ValueOf(conn)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return ""
	}
	switch f := v.FieldByName("processID"); {
	case f.IsValid() && f.CanInt() && f.Int() > 0:
		return strconv.FormatInt(f.Int(), 10)
	case f.IsValid() && f.CanUint() && f.Uint() > 0:
		return strconv.FormatUint(f.Uint(), 10)
	}
	return ""
}
