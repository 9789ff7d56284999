package sqltext

import (
	"slices"
	"strings"
	"time"
)

// Statement is one statement of the application's SQL, and what a shadow has
// to know of it before it is sent.
type Statement struct {
	Start, End int    // bytes in the SQL
	Verb       string // first keyword, "" when empty
	Table      string // what INSERT INTO, UPDATE and DELETE FROM name, as written

	// Refusal is why the statement is not sent: "escape:VERB" for what would
	// end the transaction, "unsupported:WHAT" for what a shadow can not give
	// or could not take back. "" when it may be sent.
	Refusal string

	// Blocks is why it is not sent by a shadow that may write; a READ ONLY
	// transaction refuses it by itself. "" when it may be sent.
	Blocks string

	Guard        string        // one of guards that it sets
	GuardTo      time.Duration // what to; 0 when that is not a plain positive number
	Savepoint    bool          // SAVEPOINT, RELEASE, ROLLBACK TO: only inside a transaction of the application
	Name         string        // of the savepoint
	AllImmediate bool          // SET CONSTRAINTS ALL IMMEDIATE, which would fire the fuse
	Writable     bool          // SET TRANSACTION READ WRITE and its like
	Lasting      bool          // has effects that stay when a READ ONLY transaction commits: NOTIFY, large objects
	SetsConfig   bool          // calls set_config, whose arguments may name a setting
	Executes     string        // name of a prepared statement, of EXECUTE
	Writes       bool          // may change rows, as far as the text shows
	Uncounted    bool          // has effects that the server's row counts get wrong

	// Leak is what outlives the application's COMMIT here and would not
	// otherwise, because that COMMIT is only a RELEASE. "" when nothing does.
	Leak string

	// Control is what it says about transactions and the like.
	Control Control
}

// Split cuts SQL into its statements; empty ones are left out. backslash says
// that a backslash escapes in ordinary strings as well
// (standard_conforming_strings = off). What has no end, or begins with no
// keyword that is known, is refused.
func Split(sql string, backslash bool) []Statement {
	l := lexer{sql: sql, backslash: backslash}
	var all []Statement
	var tokens []token
	for {
		t, ok, err := l.next()
		if err != nil {
			return append(all, Statement{Start: t.start, End: len(sql), Verb: "?", Refusal: "unsupported:syntax"})
		}
		if ok && t.kind != tokenSemicolon {
			tokens = append(tokens, t)
			continue
		}
		if len(tokens) > 0 {
			all = append(all, classify(tokens))
			if phrase(tokens).has("begin", "atomic") {
				// The body has semicolons and an END of its own.
				all[len(all)-1].Refusal = "unsupported:begin-atomic"
				return all
			}
			tokens = tokens[:0]
		}
		if !ok {
			return all
		}
	}
}

// Words are the words of a text.
func Words(text string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(text) {
		m[w] = true
	}
	return m
}

// known are the first keywords that may be sent. What is not here is refused.
var known = Words(`select insert update delete merge with values table copy create alter drop truncate
	comment grant revoke set reset show explain analyze call do declare fetch move close prepare execute deallocate
	lock notify unlisten refresh reindex cluster security import reassign savepoint release rollback`)

func classify(tokens []token) Statement {
	s := Statement{Start: tokens[0].start, End: tokens[len(tokens)-1].end}
	for len(tokens) > 1 && tokens[0].text == "(" && tokens[0].kind == tokenOther {
		tokens = tokens[1:]
	}
	words := phrase(tokens)
	s.Verb = words.word(0)
	s.Table = words.target(s.Verb)
	s.Refusal = words.control(&s)
	if s.Refusal == "" && !known[s.Verb] {
		s.Refusal = "unsupported:statement"
	}
	if s.Refusal == "" {
		s.Refusal = words.beyondReach()
	}
	s.Blocks = words.blocks(s.Verb)
	s.Writes = words.mayWrite(s.Verb)
	s.Leak = words.leaks(s.Verb)
	s.Control = words.controls(s.Verb)
	s.Lasting = s.Verb == "notify" || slices.ContainsFunc(words.calls(), func(f string) bool { return lasting[strings.ToLower(f)] })
	s.SetsConfig = slices.Contains(words.calls(), "set_config")
	if s.Verb == "execute" {
		s.Executes = words.name(1)
	}
	s.Uncounted = s.Verb == "rollback"
	return s
}

// phrase is the tokens of one statement.
type phrase []token

// word is the keyword or unquoted name at i, "" when there is none.
func (p phrase) word(i int) string {
	if i < len(p) && p[i].kind == tokenWord {
		return p[i].text
	}
	return ""
}

// name is the name at i, quoted or not.
func (p phrase) name(i int) string {
	if i < len(p) && (p[i].kind == tokenWord || p[i].kind == tokenQuoted) {
		return p[i].text
	}
	return ""
}

// has reports whether the words stand in p, one after the other.
func (p phrase) has(words ...string) bool {
	for i := range p {
		found := true
		for j, w := range words {
			found = found && p.word(i+j) == w
		}
		if found {
			return true
		}
	}
	return false
}

// hasAny reports whether one of the words stands in p.
func (p phrase) hasAny(words ...string) bool {
	return slices.ContainsFunc(p, func(t token) bool { return t.kind == tokenWord && slices.Contains(words, t.text) })
}

// target is the table that a writing statement names first.
func (p phrase) target(verb string) string {
	at := map[string]int{"insert": 2, "update": 1, "delete": 2, "merge": 2, "copy": 1, "truncate": 1}[verb]
	if at == 0 {
		return ""
	}
	for p.word(at) == "only" || p.word(at) == "table" {
		at++
	}
	name := p.name(at)
	if at+2 < len(p) && p[at+1].text == "." && p.name(at+2) != "" {
		name += "." + p.name(at+2)
	}
	return name
}

// mayWrite reports whether a statement may change rows. A SELECT may when it
// locks rows, or calls a function that is not known to be harmless.
func (p phrase) mayWrite(verb string) bool {
	switch verb {
	case "show", "fetch", "move", "close", "set", "reset", "deallocate", "notify", "unlisten", "savepoint", "release", "rollback", "":
		return false
	case "select", "values", "table", "with", "declare", "explain", "prepare":
		return p.hasAny("insert", "update", "delete", "merge", "into", "execute") ||
			p.has("for", "share") || p.has("for", "no") || p.has("for", "key") || p.callsUnknown()
	}
	return true
}

// lasting are functions that a READ ONLY transaction lets through and whose
// effects its COMMIT keeps; those on large objects up to PostgreSQL 15.
var lasting = map[string]bool{
	"pg_notify": true, "lo_create": true, "lo_creat": true, "lo_import": true, "lo_from_bytea": true, "lo_put": true,
	"lo_unlink": true, "lowrite": true, "lo_truncate": true, "lo_truncate64": true,
}

func (p phrase) callsUnknown() bool {
	return slices.ContainsFunc(p.calls(), func(f string) bool { return !harmless[f] })
}

// calls are the names that stand before an opening parenthesis.
func (p phrase) calls() []string {
	var names []string
	for i := range p {
		if name := p.name(i); name != "" && i+1 < len(p) && p[i+1].text == "(" && p[i+1].kind == tokenOther {
			names = append(names, name)
		}
	}
	return names
}

// harmless are functions, and keywords that stand before a parenthesis, with
// which a SELECT does not write. Leaving one out costs a little time.
var harmless = Words(`select from where in any all some exists and or not on as using over filter values with by
	having union except intersect join lateral case when then else array row cast within group limit offset is between like
	count sum min max avg coalesce nullif greatest least array_agg string_agg json_agg jsonb_agg json_object_agg
	jsonb_object_agg bool_and bool_or every row_number rank dense_rank lag lead first_value last_value ntile
	lower upper initcap length char_length octet_length trim ltrim rtrim btrim substring substr replace concat concat_ws
	left right lpad rpad position strpos split_part format quote_ident quote_literal md5 sha256 encode decode to_char
	to_date to_timestamp to_number now date_trunc date_part extract age make_date make_interval clock_timestamp
	statement_timestamp transaction_timestamp abs ceil ceiling floor round trunc sign power sqrt mod random
	gen_random_uuid generate_series unnest array_length array_to_string string_to_array cardinality array_append
	array_remove array_position json_build_object jsonb_build_object json_build_array jsonb_build_array to_json to_jsonb
	row_to_json jsonb_set jsonb_each jsonb_array_elements json_array_elements jsonb_path_query to_tsvector to_tsquery
	plainto_tsquery websearch_to_tsquery ts_rank similarity current_setting pg_sleep numeric decimal varchar char
	character timestamp timestamptz time interval bit float`)

// leaks says what a statement leaves behind that COMMIT would have ended.
func (p phrase) leaks(verb string) string {
	switch {
	case verb == "set" && p.word(1) == "local" && !bounds[p.name(2)]:
		return "set-local"
	case verb == "set" && p.word(1) == "constraints":
		return "set-constraints"
	case verb == "declare" && !p.has("with", "hold"):
		return "cursor"
	case verb == "create" && (p.has("on", "commit", "drop") || p.has("on", "commit", "delete")):
		return "on-commit"
	case p.setsLocally():
		return "set-local"
	}
	return ""
}

// bounds are settings that change no answer, whoever they outlive.
var bounds = map[string]bool{
	"statement_timeout": true, "lock_timeout": true, "idle_in_transaction_session_timeout": true,
	"transaction_timeout": true, "synchronous_commit": true, "work_mem": true, "application_name": true,
}
