package pgwire

import (
	"net/url"
	"strings"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// traceOf is the trace's id in a comment before or behind sql, in any of the
// forms in which it is sent: key='value' (URL-encoded), key=value, key:value.
// "" when there is none. What stands in constants is not looked at.
func traceOf(sql string, stmts []sqltext.Statement) string {
	if len(stmts) == 0 {
		return ""
	}
	first, last := stmts[0].Start, stmts[len(stmts)-1].End
	if first > last || last > len(sql) {
		return ""
	}
	for _, around := range []string{sql[:first], sql[last:]} {
		if id := traceIn(around); id != "" {
			return id
		}
	}
	return ""
}

const traceKey = "traceparent"

// traceIn looks for the key in what is nothing but comments and blanks.
func traceIn(comments string) string {
	lower := strings.ToLower(comments)
	for at := 0; ; {
		n := strings.Index(lower[at:], traceKey)
		if n < 0 {
			return ""
		}
		at += n + len(traceKey)
		value := strings.TrimLeft(comments[at:], " '\"")
		if value == "" || value[0] != '=' && value[0] != ':' {
			continue
		}
		value = strings.TrimLeft(value[1:], " '\"")
		if end := strings.IndexAny(value, "'\",* \t\r\n;/"); end >= 0 {
			value = value[:end]
		}
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		if id := traceID(value); id != "" {
			return id
		}
	}
}

// traceID is the 32 hex digits of a W3C traceparent, in lower case; "" when it
// is none.
func traceID(traceparent string) string {
	parts := strings.Split(strings.ToLower(traceparent), "-")
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || strings.Trim(parts[1], "0123456789abcdef") != "" {
		return ""
	}
	return parts[1]
}

// foreign reports whether a unit's comments name another trace than the
// shadow's, and whether the unit may write. What is parsed once and bound
// again says nothing: its comment is that of the first time.
func (m *member) foreign(frames []frame) (foreign, writes bool) {
	for _, f := range frames {
		body := f.body()
		if f.kind() == 'P' {
			_, body, _ = field(body)
		} else if f.kind() != 'Q' {
			continue
		}
		sql, _, _ := field(body)
		stmts := m.split(sql)
		if id := traceOf(sql, stmts); id != "" && !strings.EqualFold(id, m.sh.Trace) {
			foreign = true
		}
		for _, st := range stmts {
			writes = writes || st.Writes || st.Refusal != ""
		}
	}
	return foreign, writes
}
