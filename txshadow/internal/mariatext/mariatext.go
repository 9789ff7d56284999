// Package mariatext reads as much of an application's SQL for MariaDB as a
// shadow has to know before it sends it. [Split] is the way in, and the rest is
// as in package sqltext: a lexer and the first keywords, and what is not
// recognised is refused.
package mariatext

import (
	"slices"
	"strings"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// Mode is what the session's sql_mode says of quotes.
type Mode struct {
	NoBackslash bool // NO_BACKSLASH_ESCAPES
	ANSIQuotes  bool // ANSI_QUOTES: double quotes are for identifiers
}

// Split cuts SQL into its statements; empty ones are left out.
func Split(sql string, mode Mode) []sqltext.Statement {
	l := lexer{sql: sql, mode: mode}
	var all []sqltext.Statement
	var tokens phrase
	for {
		t, ok, err := l.next()
		if err != nil {
			refusal := "unsupported:syntax"
			if err == errExecutable {
				refusal = "unsupported:executable-comment"
			}
			return append(all, sqltext.Statement{Start: t.start, End: len(sql), Verb: "?", Refusal: refusal, Writes: true})
		}
		if ok && t.kind != tokenEnd {
			tokens = append(tokens, t)
			continue
		}
		if len(tokens) > 0 {
			all = append(all, tokens.classify())
			tokens = nil
		}
		if !ok {
			return all
		}
	}
}

// Names are the identifiers in sql, in lower case, as written and without
// their order.
func Names(sql string, mode Mode) map[string]bool {
	names, l := map[string]bool{}, lexer{sql: sql, mode: mode}
	for {
		t, ok, err := l.next()
		if !ok || err != nil {
			return names
		}
		if t.kind == tokenWord || t.kind == tokenQuoted {
			names[t.text] = true
		}
	}
}

// phrase is the tokens of one statement.
type phrase []token

func (p phrase) word(i int) string {
	if i < len(p) && p[i].kind == tokenWord {
		return p[i].text
	}
	return ""
}

func (p phrase) name(i int) string {
	if i < len(p) && (p[i].kind == tokenWord || p[i].kind == tokenQuoted) {
		return p[i].text
	}
	return ""
}

func (p phrase) is(i int, text string) bool {
	return i < len(p) && p[i].kind == tokenOther && p[i].text == text
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

func (p phrase) classify() sqltext.Statement {
	s := sqltext.Statement{Start: p[0].start, End: p[len(p)-1].end}
	for len(p) > 1 && p.is(0, "(") {
		p = p[1:]
	}
	s.Verb = p.word(0)
	s.Refusal = p.judge(&s)
	if s.Refusal == "" {
		s.Refusal = p.beyondReach()
	}
	s.Writes = p.mayWrite(s.Verb)
	s.Table = p.target(s.Verb)
	return s
}

// judge says why a statement is not sent, "" when it may be.
func (p phrase) judge(s *sqltext.Statement) string {
	switch s.Verb {
	case "select", "insert", "update", "delete", "replace", "with", "values", "table", "show", "explain", "describe", "desc", "do":
		if p.has("into", "outfile") || p.has("into", "dumpfile") {
			return "unsupported:outfile"
		}
		return ""
	case "commit", "begin", "xa":
		return "escape:" + s.Verb
	case "start":
		if p.word(1) == "transaction" {
			return "escape:start-transaction"
		}
	case "rollback":
		if at := p.rollbackTo(); at > 0 {
			return p.savepoint(s, at)
		}
		return "escape:rollback"
	case "savepoint":
		return p.savepoint(s, 1)
	case "release":
		return p.savepoint(s, 2)
	case "set":
		return p.set()
	case "create", "drop":
		if p.word(1) == "temporary" && p.word(2) == "table" {
			return ""
		}
		return "unsupported:" + s.Verb
	case "load":
		return "unsupported:load-data"
	}
	if known[s.Verb] {
		return "unsupported:" + s.Verb
	}
	return "unsupported:statement"
}

// known are statements that are refused by their name: those that commit, and
// those that act outside of the transaction.
var known = sqltext.Words(`alter truncate rename lock unlock grant revoke analyze optimize repair check checksum cache flush
	reset install uninstall call handler prepare execute deallocate kill shutdown change purge stop start backup use binlog`)

// rollbackTo is where the savepoint's name stands in ROLLBACK [WORK] TO
// [SAVEPOINT] name, 0 when this is another ROLLBACK.
func (p phrase) rollbackTo() int {
	at := 1
	if p.word(1) == "work" {
		at = 2
	}
	if p.word(at) != "to" {
		return 0
	}
	if p.word(at+1) == "savepoint" && at+2 < len(p) {
		at++
	}
	return at + 1
}

// savepoint judges the one whose name stands at at: names have no case.
func (p phrase) savepoint(s *sqltext.Statement, at int) string {
	s.Savepoint, s.Name = true, p.name(at)
	return sqltext.SavepointRefusal(s.Name)
}

// settable are settings that an application may change: they hold nothing up.
var settable = sqltext.Words(`time_zone lc_time_names group_concat_max_len sql_select_limit sql_safe_updates div_precision_increment
	foreign_key_checks check_constraint_checks unique_checks optimizer_switch optimizer_search_depth join_buffer_size sort_buffer_size
	max_sort_length insert_id last_insert_id timestamp rand_seed1 rand_seed2 sql_notes sql_warnings tmp_table_size max_heap_table_size`)

// set judges each assignment of a SET.
func (p phrase) set() string {
	depth := 0
	for i := 1; i < len(p); {
		if r := p.assignment(i); r != "" {
			return r
		}
		for ; i < len(p) && !(depth == 0 && p.is(i, ",")); i++ {
			if p.is(i, "(") {
				depth++
			} else if p.is(i, ")") {
				depth--
			}
		}
		i++
	}
	return ""
}

// assignment judges the one that begins at i.
func (p phrase) assignment(i int) string {
	name := p.name(i)
	if i < len(p) && p[i].kind == tokenVar {
		if !strings.HasPrefix(p[i].text, "@@") {
			return "" // a variable of the user's
		}
		name = strings.TrimPrefix(p[i].text, "@@")
		if p.is(i+1, ".") {
			i += 2
		}
	} else if name == "session" || name == "local" || name == "global" {
		i++
	}
	if name == "global" {
		return "unsupported:set-global"
	}
	if name == "session" || name == "local" {
		name = p.name(i)
	}
	switch name {
	case "autocommit":
		return "escape:set-autocommit"
	case "transaction", "tx_isolation", "transaction_isolation", "tx_read_only", "transaction_read_only":
		return "unsupported:isolation"
	case "names", "character", "charset", "character_set_client", "character_set_connection", "collation_connection":
		return "unsupported:client_encoding"
	case "statement", "password", "role", "default", "sql_mode", "completion_type":
		return "unsupported:set-" + strings.ReplaceAll(name, "_", "-")
	}
	if !settable[name] {
		return "unsupported:setting"
	}
	return ""
}

// outside are functions whose effects no rollback takes back, or that change
// what live work gets meanwhile.
var outside = map[string]string{
	"get_lock": "get_lock", "release_lock": "get_lock", "release_all_locks": "get_lock", "setval": "setval",
	"sys_exec": "sys_exec", "sys_eval": "sys_exec", "master_pos_wait": "master_pos_wait", "master_gtid_wait": "master_pos_wait",
}

func (p phrase) beyondReach() string {
	if p.has("skip", "locked") { // live workers would skip what the shadow has locked
		return "unsupported:skip-locked"
	}
	for i := range p {
		if what := outside[p.name(i)]; what != "" && p.is(i+1, "(") {
			return "unsupported:" + what
		}
	}
	return ""
}

// mayWrite reports whether a statement may change or lock rows.
func (p phrase) mayWrite(verb string) bool {
	switch verb {
	case "show", "explain", "describe", "desc", "savepoint", "release", "rollback", "set":
		return false
	case "select", "values", "table", "with":
		return p.has("for", "update") || p.has("share", "mode") || p.has("into") || p.has("insert") || p.has("update") || p.has("delete") || p.callsUnknown()
	}
	return true
}

func (p phrase) callsUnknown() bool {
	for i := range p {
		if p.name(i) != "" && p.is(i+1, "(") && !harmless[p.name(i)] {
			return true
		}
	}
	return false
}

// harmless are functions, and keywords that stand before a parenthesis, with
// which a SELECT does not write.
var harmless = sqltext.Words(`select from where in any all some exists and or not on as using over values with by having union
	except intersect join when then else cast convert limit between like count sum min max avg coalesce ifnull nullif if greatest least
	group_concat json_arrayagg json_objectagg json_object json_array json_extract json_value json_unquote row_number rank dense_rank
	lag lead lower upper length char_length concat concat_ws left right lpad rpad substring substr replace trim ltrim rtrim locate instr
	now curdate current_timestamp date date_format date_add date_sub datediff year month day hour minute second unix_timestamp
	from_unixtime abs ceil floor round truncate mod rand md5 sha1 sha2 uuid hex unhex last_insert_id found_rows row_count database
	connection_id version char varchar decimal int sleep`)

// target is the table that a writing statement names first.
func (p phrase) target(verb string) string {
	at := map[string]int{"insert": 1, "replace": 1, "update": 1, "delete": 1}[verb]
	if at == 0 {
		return ""
	}
	for slices.Contains([]string{"low_priority", "high_priority", "delayed", "quick", "ignore", "into", "from"}, p.word(at)) {
		at++
	}
	name := p.name(at)
	if p.is(at+1, ".") && p.name(at+2) != "" {
		name += "." + p.name(at+2)
	}
	return name
}
