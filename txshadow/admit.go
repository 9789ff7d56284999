package txshadow

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// rewritten applies the application's QueryRewriter (pgx.NamedArgs and its
// like), so that what is judged is what is sent. Other options stay in front
// of the arguments.
func (s *shadow) rewritten(ctx context.Context, sql string, args []any) (string, []any, error) {
	var rewriter pgx.QueryRewriter
	var options []any
	rest := args
options:
	for ; len(rest) > 0; rest = rest[1:] {
		switch arg := rest[0].(type) {
		case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
			options = append(options, arg)
		case pgx.QueryRewriter:
			rewriter = arg
		default:
			break options
		}
	}
	if rewriter == nil {
		return sql, args, nil
	}
	sql, rest, err := rewriter.RewriteQuery(ctx, s.adapter.closedConn(), sql, rest)
	if err != nil {
		return "", nil, fmt.Errorf("rewrite query: %w", err)
	}
	return sql, append(options, rest...), nil
}

// admit judges sql and returns its statements, and the SQL to send for it.
func (s *shadow) admit(own context.Context, on *tx, sql string, args []any) ([]sqltext.Statement, string, error) {
	status := s.conn().PgConn().ParameterStatus
	stmts := sqltext.Split(sql, status("standard_conforming_strings") == "off")
	text := sql // what stmts are cut from
	if len(stmts) == 1 && stmts[0].Refusal == "unsupported:statement" {
		prepared, err := s.preparedText(own, sql)
		if err != nil {
			return nil, "", err
		}
		if prepared != "" {
			text, stmts = prepared, sqltext.Split(prepared, false)
		}
	}
	if s.leaked != "" && len(stmts) > 0 {
		s.note("unsupported:" + s.leaked)
	}
	for i := range stmts {
		if err := s.judge(own, &stmts[i], on, args); err != nil && !s.adapter.layers.noInterception {
			return nil, "", err
		}
	}
	if enc := status("client_encoding"); enc != "UTF8" && enc != "SQL_ASCII" {
		return nil, "", s.refuse("unsupported:client_encoding")
	}
	adapted, err := s.adapted(own, text, stmts)
	if err != nil || adapted == text {
		return stmts, sql, err
	}
	return stmts, adapted, nil
}

// judge refuses a statement, or keeps in mind what it leaves behind.
func (s *shadow) judge(own context.Context, st *sqltext.Statement, on *tx, args []any) error {
	switch {
	case s.adapter.layers.noInterception:
		return nil
	case s.against(st) != "":
		return s.refuse(s.against(st))
	case st.Savepoint && on == nil:
		return s.refuse("unsupported:savepoint-outside-transaction")
	case st.Writable && s.mode == ModeReadOnly:
		return s.refuse("unsupported:read-write")
	}
	if st.Executes != "" {
		if err := s.judgePrepared(own, st.Executes); err != nil {
			return err
		}
	}
	if st.SetsConfig {
		for _, a := range args {
			if text, ok := a.(string); ok && sqltext.ProtectedText(text) != "" {
				return s.refuse(sqltext.ProtectedText(text))
			}
		}
	}
	s.books.Lost = s.books.Lost || st.Uncounted
	if st.Leak != "" && on == nil {
		s.leaked = st.Leak
	} else if st.Leak != "" {
		on.outermost().leak = st.Leak
	}
	return nil
}

// judgePrepared refuses to EXECUTE a statement that was prepared by the
// protocol, as hooks do, and would be refused itself. SQL's own PREPARE takes
// none of those.
func (s *shadow) judgePrepared(own context.Context, name string) error {
	text, err := s.preparedText(own, name)
	if err != nil {
		return err
	}
	for _, st := range sqltext.Split(text, false) {
		if against := s.against(&st); against != "" {
			return s.refuse(against)
		}
	}
	return nil
}

// against is why a statement is not sent, "" when it may be.
func (s *shadow) against(st *sqltext.Statement) string {
	if st.Refusal == "" && s.mode != ModeReadOnly {
		return st.Blocks
	}
	return st.Refusal
}

// preparedText is the SQL of the prepared statement called name, "" when there
// is none.
func (s *shadow) preparedText(own context.Context, name string) (string, error) {
	r := s.conn().PgConn().ExecParams(own, "SELECT statement FROM pg_catalog.pg_prepared_statements WHERE name = $1",
		[][]byte{[]byte(name)}, nil, nil, nil).Read()
	if r.Err != nil || len(r.Rows) == 0 {
		return "", r.Err
	}
	return string(r.Rows[0][0]), nil
}

// adapted is sql with what would weaken a shadow replaced: SET CONSTRAINTS ALL
// IMMEDIATE by one that names all constraints but the fuse, which it would
// fire, and the settings that protect others by those of the shadow.
func (s *shadow) adapted(own context.Context, sql string, stmts []sqltext.Statement) (string, error) {
	if s.adapter.layers.noInterception {
		return sql, nil
	}
	for _, st := range slices.Backward(stmts) {
		instead, ok := "", false
		var err error
		switch {
		case st.Guard != "":
			instead, ok = s.session.guarded(&st)
		case st.AllImmediate && s.mode != ModeReadOnly:
			ok = true
			instead, err = s.allButFuse(own)
		}
		if err != nil {
			return "", err
		}
		if ok {
			sql = sql[:st.Start] + instead + sql[st.End:]
		}
	}
	return sql, nil
}

func (s *shadow) allButFuse(own context.Context) (string, error) {
	all, _, err := s.deferrable(own, "")
	if err != nil {
		return "", err
	}
	if all == "" { // there is nothing but the fuse
		return "SET CONSTRAINTS ALL DEFERRED", nil
	}
	return "SET CONSTRAINTS " + all + " IMMEDIATE", nil
}

// deferrable is the names of deferrable constraints but the fuse, for SET
// CONSTRAINTS: all, and those that are deferred from the start.
func (s *shadow) deferrable(own context.Context, condition string) (all, deferred string, err error) {
	results, err := s.control(own, catalog.Deferrable(condition))
	if err != nil || len(results) == 0 {
		return "", "", err
	}
	row := results[0].Rows[0]
	return string(row[0]), string(row[1]), nil
}

// checkDeferred does what a commit would do here: it fires the deferred
// constraints that wait, the fuse aside, and then puts all as they were
// declared.
func (s *shadow) checkDeferred(own context.Context) error {
	s.unchecked = false
	if !s.session.deferrable {
		return nil
	}
	condition := catalog.Touched
	if !s.session.counting {
		condition = ""
	}
	all, deferred, err := s.deferrable(own, condition)
	if err != nil || all == "" {
		return err
	}
	s.books.Stale = true // a trigger may have written
	_, err = s.control(own, strings.Join(catalog.Fire(all, deferred), "; "))
	return err
}
