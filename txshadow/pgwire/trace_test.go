package pgwire

import (
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

const (
	ours        = "0af7651916cd43dd8448eb211c80319c"
	traceparent = "00-" + ours + "-b7ad6b7169203331-01"
	other       = "00-ffffffffffffffffffffffffffffffff-b7ad6b7169203331-01"
)

// TestTraceComments has a sample of each stack that puts a traceparent into
// comments.
func TestTraceComments(t *testing.T) {
	for _, c := range []struct{ stack, sql, want string }{
		{"OpenTelemetry's convention", "SELECT * FROM songs /*traceparent='" + traceparent + "',tracestate='congo%3Dt61rcWkgMzE%2Crojo%3D00f067aa0ba902b7'*/", ours},
		{"Rails, sqlcommenter", "SELECT 1 /*action='show',application='Shop',traceparent='" + traceparent + "'*/", ours},
		{"Rails, legacy", "SELECT 1 /*application:Shop,controller:orders,traceparent:" + traceparent + "*/", ours},
		{"Rails, prepended", "/*application='Shop',traceparent='" + traceparent + "'*/ SELECT 1", ours},
		{"OpenTelemetry Ruby", "SELECT 1 /*traceparent='" + traceparent + "'*/", ours},
		{"Django, SQLAlchemy, psycopg", "SELECT 1 /*db_driver='psycopg2%%3A2.9.5',dbapi_level='2.0',traceparent='" + traceparent + "'*/;", ours},
		{"Django, URL-encoded", "SELECT 1 /*controller='index',traceparent='" + strings.ReplaceAll(traceparent, "-", "%2D") + "'*/", ours},
		{"Node, pg", "SELECT $1::text /*traceparent='" + traceparent + "'*/", ours},
		{"Prisma", "SELECT 1 /* traceparent=" + traceparent + " */", ours},
		{"Go, otelsql", "INSERT INTO a VALUES (1)/*traceparent='" + traceparent + "'*/", ours},
		{"Java", "select 1 /*service.name='shop', traceparent='" + traceparent + "'*/", ours},
		{"PHP", "SELECT 1/*traceparent='" + traceparent + "'*/;", ours},
		{"Datadog", "/*dddbs='shop',dde='prod',ddps='web',traceparent='" + traceparent + "'*/ SELECT 1", ours},
		{"in capitals, in a line comment", "-- TraceParent = '" + strings.ToUpper(traceparent) + "'\nSELECT 1", ours},
		{"behind another comment", "/* hello */ /*traceparent='" + traceparent + "'*/ SELECT 1", ours},
		{"in a constant", "SELECT '/*traceparent=''" + traceparent + "''*/'", ""},
		{"in a dollar quote", "SELECT $$/*traceparent='" + traceparent + "'*/$$", ""},
		{"a name that is none", "SELECT 1 /*traceparent*/", ""},
		{"a value that is none", "SELECT 1 /*traceparent='00-xyz-1-01'*/", ""},
		{"none", "SELECT 1", ""},
	} {
		if got := traceOf(c.sql, sqltext.Split(c.sql, false)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.stack, got, c.want)
		}
	}
}

func FuzzTraceComments(f *testing.F) {
	f.Add("SELECT 1 /*traceparent='" + traceparent + "'*/")
	f.Add("/*traceparent=%zz*/ SELECT")
	f.Fuzz(func(t *testing.T, sql string) {
		if id := traceOf(sql, sqltext.Split(sql, false)); id != "" && len(id) != 32 {
			t.Errorf("got %q", id)
		}
	})
}

// What belongs to another request than the shadow waits for its end when it
// reads, and is refused when it may write.
func TestStatementsOfOthers(t *testing.T) {
	p := lane(t, patient)
	a, b := dialWire(t, p.dsn), dialWire(t, p.dsn)
	p.open(func(s *Shadow) { s.Trace = ours })
	if got := errorCode(a.ask(query("INSERT INTO accounts VALUES (1, 'a', 1) /*traceparent='" + traceparent + "'*/"))); got != "" {
		t.Errorf("the shadow's own: SQLSTATE %q", got)
	}
	if got := errorCode(a.ask(query("SELECT 1"))); got != "" {
		t.Errorf("without a comment: SQLSTATE %q", got)
	}
	if got := errorCode(b.ask(query("INSERT INTO accounts VALUES (2, 'b', 1) /*traceparent='" + other + "'*/"))); got != StateBackground {
		t.Errorf("a write of another request: SQLSTATE %q", got)
	}
	b.send(parse("", "/*traceparent='"+other+"'*/ SELECT 'rows ' || count(*) FROM accounts"), bind("", ""), execute("", 0), syncGroup())
	b.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := b.r.Peek(1); err == nil {
		t.Error("a read of another request was answered within the shadow")
	}
	if out := p.close(); out.Reason != "unsupported:contaminated" || out.Footprint.String() != `tables=("public.accounts";ins=1 "public.audit";ins=1)` {
		t.Errorf("%+v", out)
	}
	if got := transcript(b.ready(1)); !strings.Contains(got, "rows 0") {
		t.Errorf("a read of another request sees %s", got)
	}
}

// FuzzPieces holds the cutting of queries to what it promises: nothing that is
// to go to the server is lost or moved.
func FuzzPieces(f *testing.F) {
	f.Add("BEGIN; SELECT 'é'; COMMIT; SELECT 2")
	f.Add("SELECT 1; /* c */ VACUUM; ")
	m := &member{lane: &Lane{}, sh: &shadow{lane: &Lane{}}}
	f.Fuzz(func(t *testing.T, sql string) {
		stmts := sqltext.Split(sql, false)
		if n := len(stmts); n > 0 && stmts[n-1].Refusal == "unsupported:syntax" {
			if pieces := m.pieces(sql, stmts); len(pieces) != 1 || pieces[0].st == nil {
				t.Errorf("%q: goes to the server in part: %+v", sql, pieces)
			}
			return
		}
		if len(stmts) > 0 && stmts[len(stmts)-1].Refusal == "unsupported:begin-atomic" {
			return
		}
		n := 0
		for _, p := range m.pieces(sql, stmts) {
			if p.st != nil {
				n++
				continue
			}
			again := sqltext.Split(p.sql, false)
			for _, st := range again {
				if n >= len(stmts) || st.Verb != stmts[n].Verb || st.Refusal != stmts[n].Refusal {
					t.Fatalf("%q: piece %q has %+v where %d was", sql, p.sql, st, n)
				}
				n++
			}
		}
		if n != len(stmts) {
			t.Errorf("%q: %d statements of %d are in pieces", sql, n, len(stmts))
		}
	})
}
