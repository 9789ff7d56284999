package mariatext

import "testing"

// What ends a transaction, or reaches past it, is seen however it is written.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		sql     string
		mode    Mode
		refusal string // of the first statement that has one
		n       int
		reason  string
	}{
		{"SELECT 1", Mode{}, "", 1, "plain"},
		{"select '\\'; commit; -- '", Mode{}, "", 1, "a backslash escapes"},
		{"select '\\'; commit; -- '", Mode{NoBackslash: true}, "escape:commit", 2, "and here it does not"},
		{`select "'"; commit`, Mode{}, "escape:commit", 2, "a quote in the other quotes"},
		{"select `;commit` from t", Mode{}, "", 1, "a name in backticks"},
		{"select 'it''s'; commit", Mode{}, "escape:commit", 2, "a doubled quote"},
		{`select "\"; commit; -- "`, Mode{}, "", 1, "a backslash in double quotes"},
		{`select "\"; commit`, Mode{ANSIQuotes: true}, "escape:commit", 2, "not in those of a name"},
		{"# x\nCOMMIT", Mode{}, "escape:commit", 1, "a comment before"},
		{"-- x\nCOMMIT", Mode{}, "escape:commit", 1, "another"},
		{"select 1 --1; commit", Mode{}, "escape:commit", 2, "no comment: minus minus one"},
		{"select 1 -- 1; commit", Mode{}, "", 1, "a comment"},
		{"/* a /* b */ commit", Mode{}, "escape:commit", 1, "comments do not nest"},
		{"/*!50000 commit */", Mode{}, "unsupported:executable-comment", 1, "it is executed"},
		{"select 1 /*M! ; commit */", Mode{}, "unsupported:executable-comment", 1, "it is, on MariaDB"},
		{"select 'x", Mode{}, "unsupported:syntax", 1, "no end"},
		{"ROLLBACK", Mode{}, "escape:rollback", 1, "the whole"},
		{"rollback work to savepoint a", Mode{}, "", 1, "the application's savepoint"},
		{"rollback to `_TS_1`", Mode{}, "escape:savepoint", 1, "the shadow's, in capitals"},
		{"release savepoint _ts_0", Mode{}, "escape:savepoint", 1, "the shadow's"},
		{"begin not atomic commit; end", Mode{}, "escape:begin", 2, "a compound statement"},
		{"XA END 'x'", Mode{}, "escape:xa", 1, "the fuse's own verbs"},
		{"set autocommit = 1", Mode{}, "escape:set-autocommit", 1, "it commits"},
		{"set @a = 1, autocommit = 1", Mode{}, "escape:set-autocommit", 1, "the second assignment"},
		{"set @a = (select max(1, 2)), @@session.autocommit = 1", Mode{}, "escape:set-autocommit", 1, "the second, behind parentheses"},
		{"set session `autocommit` = 1", Mode{}, "escape:set-autocommit", 1, "quoted"},
		{"set global max_connections = 1", Mode{}, "unsupported:set-global", 1, "the server's"},
		{"set @@global.max_connections = 1", Mode{}, "unsupported:set-global", 1, "the server's"},
		{"set statement max_statement_time=1 for commit", Mode{}, "unsupported:set-statement", 1, "a statement inside"},
		{"set sql_mode = ''", Mode{}, "unsupported:set-sql-mode", 1, "the lexer rests on it"},
		{"set names gbk", Mode{}, "unsupported:client_encoding", 1, "the lexer rests on it"},
		{"set time_zone = '+00:00'", Mode{}, "", 1, "harmless"},
		{"set password = password('x')", Mode{}, "unsupported:set-password", 1, "it commits"},
		{"create table t (id int)", Mode{}, "unsupported:create", 1, "it commits"},
		{"create or replace temporary table t (id int)", Mode{}, "unsupported:create", 1, "not recognised"},
		{"create temporary table t (id int)", Mode{}, "", 1, "the session's own"},
		{"call p()", Mode{}, "unsupported:call", 1, "a procedure may commit"},
		{"prepare p from 'commit'", Mode{}, "unsupported:prepare", 1, "text in text"},
		{"execute immediate 'commit'", Mode{}, "unsupported:execute", 1, "text in text"},
		{"select get_lock('a', 1)", Mode{}, "unsupported:get_lock", 1, "it outlives the rollback"},
		{"select 1 into outfile '/x'", Mode{}, "unsupported:outfile", 1, "a file"},
		{"load data infile 'x' into table t", Mode{}, "unsupported:load-data", 1, "a file"},
		{"select * from t for update skip locked", Mode{}, "unsupported:skip-locked", 1, "live workers would skip them"},
		{"florble", Mode{}, "unsupported:statement", 1, "not known"},
		{"(select 1) union (select 2)", Mode{}, "", 1, "parentheses"},
	} {
		got, refusal := Split(c.sql, c.mode), ""
		for _, s := range got {
			if refusal == "" {
				refusal = s.Refusal
			}
		}
		if refusal != c.refusal || len(got) != c.n {
			t.Errorf("%s (%s): %q in %d statements, want %q in %d", c.sql, c.reason, refusal, len(got), c.refusal, c.n)
		}
	}
}

// Nothing that can be written makes it read past the end, or lose its way.
func FuzzSplit(f *testing.F) {
	f.Add("select '\\'; commit", false, false)
	f.Add("set @a = (1, autocommit = 1", true, true)
	f.Fuzz(func(t *testing.T, sql string, noBackslash, ansi bool) {
		last := 0
		for _, s := range Split(sql, Mode{noBackslash, ansi}) {
			if s.Start < last || s.End < s.Start || s.End > len(sql) {
				t.Fatalf("statement %d to %d of %d bytes, after %d", s.Start, s.End, len(sql), last)
			}
			last = s.End
		}
	})
}
