package sqltext

import (
	"slices"
	"strings"
)

// SavepointPrefix is that of the savepoints a shadow makes.
const SavepointPrefix = "_ts_"

// MaxWriters is how many of them may write. Above 64 subtransactions with an id
// of their own, snapshots become slow in the whole cluster of a PostgreSQL
// (PGPROC_MAX_CACHED_SUBXIDS).
const MaxWriters = 60

// control judges the statements that steer transactions and sessions.
func (p phrase) control(s *Statement) string {
	switch s.Verb {
	case "commit", "rollback":
		if p.word(1) == "prepared" {
			return "escape:" + s.Verb + "-prepared"
		}
		if s.Verb == "rollback" && p.rollbackTo() > 0 {
			return p.savepoint(s, p.rollbackTo())
		}
		return "escape:" + s.Verb
	case "end", "abort", "begin":
		return "escape:" + s.Verb
	case "start":
		return "escape:start-transaction"
	case "prepare":
		if p.word(1) == "transaction" {
			return "escape:prepare-transaction"
		}
	case "savepoint", "release":
		at := 1
		if s.Verb == "release" && p.word(1) == "savepoint" && len(p) > 2 {
			at = 2
		}
		return p.savepoint(s, at)
	case "set":
		return p.set(s)
	case "reset":
		if s.limits(p.name(1), 0) {
			return ""
		}
		s.Writable = strings.EqualFold(p.name(1), "transaction_read_only")
		if p.word(1) == "all" {
			return "unsupported:reset-all"
		}
		return protectedSetting(p.name(1))
	case "deallocate":
		return p.deallocate()
	case "discard", "listen", "vacuum", "checkpoint", "load", "lock":
		return "unsupported:" + s.Verb
	case "copy", "create", "drop", "alter", "reindex", "cluster":
		return p.utility(s.Verb)
	}
	return ""
}

// deallocate spares the statements that a shadow has prepared for itself.
func (p phrase) deallocate() string {
	at := 1
	if p.word(1) == "prepare" && len(p) > 2 {
		at = 2
	}
	if p.word(at) == "all" || strings.HasPrefix(p.name(at), SavepointPrefix) {
		return "unsupported:deallocate"
	}
	return ""
}

// rollbackTo is where the savepoint's name stands in ROLLBACK [WORK |
// TRANSACTION] TO [SAVEPOINT] name, 0 when this is another ROLLBACK.
func (p phrase) rollbackTo() int {
	at := 1
	if w := p.word(1); w == "work" || w == "transaction" {
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

func (p phrase) savepoint(s *Statement, at int) string {
	s.Savepoint, s.Name = true, p.name(at)
	return SavepointRefusal(s.Name)
}

// SavepointRefusal keeps the application off the savepoints of the shadow; it is
// "" for a name that may be used.
func SavepointRefusal(name string) string {
	if name == "" {
		return "unsupported:savepoint-name"
	}
	if strings.HasPrefix(name, SavepointPrefix) {
		return "escape:savepoint"
	}
	return ""
}

func (p phrase) set(s *Statement) string {
	at := 1
	if w := p.word(1); w == "local" || w == "session" {
		at = 2
	}
	switch p.word(at) {
	case "characteristics":
		return "unsupported:session-characteristics"
	case "authorization":
		return ""
	case "transaction":
		s.Writable = p.has("read", "write")
		if p.hasAny("isolation") {
			return "unsupported:isolation"
		}
		if p.hasAny("snapshot") {
			return "unsupported:snapshot"
		}
		return ""
	case "constraints":
		immediate := p.word(len(p)-1) == "immediate"
		s.AllImmediate = p.word(at+1) == "all" && immediate
		if immediate && !s.AllImmediate && p.names("fuse") {
			return "unsupported:fuse"
		}
		return ""
	case "names":
		return "unsupported:client_encoding"
	}
	if s.limits(p.name(at), p.limit(at+1)) {
		return ""
	}
	s.Writable = strings.EqualFold(p.name(at), "transaction_read_only")
	return protectedSetting(p.name(at))
}

// names reports whether an identifier of p is name.
func (p phrase) names(name string) bool {
	for i := range p {
		if p.name(i) == name {
			return true
		}
	}
	return false
}

// protectedSetting refuses what holds the layers up, and what a transaction
// that is already open can not be given.
func protectedSetting(name string) string {
	switch name = strings.ToLower(name); name {
	case "default_transaction_read_only", "session_replication_role", "client_encoding":
		return "unsupported:" + name
	case "transaction_isolation", "default_transaction_isolation":
		return "unsupported:isolation"
	case "":
		return "unsupported:setting-name"
	}
	if strings.HasPrefix(name, "txshadow") { // "txshadow.probe" lifts the fuse
		return "unsupported:txshadow"
	}
	return ""
}

// utility refuses what a transaction block refuses anyway, and what leaves the
// database.
func (p phrase) utility(verb string) string {
	kind := p.word(1)
	switch {
	case verb == "copy" && p.hasAny("program"):
		return "unsupported:copy-program"
	case verb == "copy" && p.toFile():
		return "unsupported:copy-file"
	case (verb == "create" || verb == "drop") && (kind == "database" || kind == "tablespace" || kind == "subscription"):
		return "unsupported:" + verb + "-" + kind
	case verb == "alter" && kind == "system":
		return "unsupported:alter-system"
	case verb != "copy" && p.hasAny("concurrently"):
		return "unsupported:concurrently"
	case verb == "reindex" || verb == "cluster": // a READ ONLY transaction lets them through
		return "unsupported:" + verb
	}
	return ""
}

// toFile reports whether a COPY writes a file of the server.
func (p phrase) toFile() bool {
	for i := range p {
		if p.word(i) == "to" && i+1 < len(p) && p[i+1].kind == tokenString {
			return true
		}
	}
	return false
}

// outside are functions whose effects no ROLLBACK takes back, or that change
// what live work gets while the shadow is open, and under what name they are
// refused.
var outside = map[string]string{
	"setval": "setval", "lo_export": "lo_export",
	"pg_advisory_lock": "advisory-lock", "pg_advisory_lock_shared": "advisory-lock",
	"pg_try_advisory_lock": "advisory-lock", "pg_try_advisory_lock_shared": "advisory-lock",
	"pg_advisory_unlock": "advisory-lock", "pg_advisory_unlock_shared": "advisory-lock", "pg_advisory_unlock_all": "advisory-lock",
	"pg_advisory_xact_lock": "advisory-lock", "pg_advisory_xact_lock_shared": "advisory-lock",
	"pg_try_advisory_xact_lock": "advisory-lock", "pg_try_advisory_xact_lock_shared": "advisory-lock",
	"pg_terminate_backend": "pg_terminate_backend", "pg_cancel_backend": "pg_cancel_backend",
	"pg_reload_conf": "pg_reload_conf", "pg_rotate_logfile": "pg_rotate_logfile", "pg_switch_wal": "pg_switch_wal",
	"pg_create_restore_point": "pg_create_restore_point", "pg_promote": "pg_promote",
	"pg_logical_emit_message": "pg_logical_emit_message", "pg_file_write": "pg_file_write",
	"pg_create_logical_replication_slot": "replication-slot", "pg_create_physical_replication_slot": "replication-slot",
	"pg_drop_replication_slot": "replication-slot", "pg_replication_slot_advance": "replication-slot",
	"pg_logical_slot_get_changes": "replication-slot", "pg_logical_slot_get_binary_changes": "replication-slot",
	"pg_stat_reset": "pg_stat_reset", "pg_export_snapshot": "snapshot",
}

// beyondReach refuses calls of functions that act outside the transaction, and
// whatever names our own schema.
func (p phrase) beyondReach() string {
	if p.names("txshadow") {
		return "unsupported:txshadow"
	}
	if slices.ContainsFunc(p, func(t token) bool { return t.kind == tokenUnicode }) {
		return "unsupported:unicode-identifier"
	}
	if p.names("pg_settings") && p.hasAny("update", "merge") { // an UPDATE of that view is a set_config
		return "unsupported:pg_settings"
	}
	if p.has("skip", "locked") { // live workers would skip what the shadow has locked
		return "unsupported:skip-locked"
	}
	for _, f := range p.calls() {
		f = strings.ToLower(f)
		if what := outside[f]; what != "" {
			return "unsupported:" + what
		}
		if strings.HasPrefix(f, "dblink") {
			return "unsupported:dblink"
		}
		if f != "set_config" {
			continue
		}
		for _, t := range p {
			if r := ProtectedText(t.text); t.kind == tokenString && r != "" {
				return r
			}
		}
	}
	return ""
}

// ProtectedText judges a text that may be the first argument of set_config.
func ProtectedText(text string) string {
	if text == "" || len(text) > 63 {
		return ""
	}
	if guards[strings.ToLower(text)] {
		return "unsupported:setting"
	}
	return protectedSetting(text)
}
