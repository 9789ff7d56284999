// Package escapes is the ways of ending the transaction that a shadow runs in,
// and of getting rid of what holds it, which the tests of every adapter try:
// [Everywhere]. What can be tried on some of them only is beside their tests.
package escapes

import (
	"slices"
	"strings"
)

// Escape is one way. Its statements are sent one after the other, behind an
// INSERT; "INSERT …" in them stands for that.
type Escape struct {
	Statements []string
	// Verbs says that there is nothing in it but BEGIN, COMMIT, ROLLBACK and
	// ordinary statements: an adapter that makes savepoints of those may run it.
	Verbs bool
	// Harmless says that an application may send it: PostgreSQL refuses it, or
	// it ends nothing.
	Harmless bool
}

// Of is an escape by these statements.
func Of(statements ...string) Escape { return Escape{Statements: statements} }

// Verbs is one with nothing else in it.
func Verbs(statements ...string) Escape { return Escape{Statements: statements, Verbs: true} }

// Harmless is one that an application may send.
func Harmless(statements ...string) Escape { return Escape{Statements: statements, Harmless: true} }

// Everywhere are those of all adapters for PostgreSQL.
var Everywhere = []Escape{
	Verbs("COMMIT"),
	Verbs("END"),
	Verbs("/*c*/commit"),
	Verbs("SELECT 1; COMMIT"),
	Of("COMMIT AND CHAIN"),
	Verbs("COMMIT; INSERT …"),
	Verbs("COMMIT", "INSERT …"),
	Verbs("ROLLBACK; INSERT …"),
	Verbs("ROLLBACK", "INSERT …"),
	Verbs("ABORT", "INSERT …"),
	Of("ROLLBACK AND CHAIN; INSERT …; COMMIT"),
	Of("ROLLBACK AND CHAIN", "INSERT …", "COMMIT"),
	Verbs("ROLLBACK; BEGIN READ WRITE; INSERT …; COMMIT"),
	Verbs("ROLLBACK", "BEGIN READ WRITE", "INSERT …", "COMMIT"),
	Verbs("ROLLBACK", "START TRANSACTION READ WRITE", "INSERT …", "COMMIT"),
	Of("PREPARE TRANSACTION 'escaped'"),
	Of("PREPARE TRANSACTION 'escaped'", "COMMIT PREPARED 'escaped'"),
	Of("SET default_transaction_read_only = off", "ROLLBACK", "INSERT …"),
	Of("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "ROLLBACK", "INSERT …"),
	Of("SELECT set_config('default_transaction_read_only', 'off', false)", "ROLLBACK", "INSERT …"),
	Of("SET session_replication_role = replica", "COMMIT"),
	Of("DELETE FROM txshadow.fuse", "COMMIT"),
	Harmless("SET CONSTRAINTS ALL IMMEDIATE", "INSERT …"),
	Of("RELEASE _ts_1", "COMMIT"),
	Harmless("DO $$BEGIN COMMIT; END$$"),
}

// And are those everywhere, and others.
func And(others ...Escape) []Escape { return slices.Concat(Everywhere, others) }

// With is the statements with an INSERT of the test's own.
func (e Escape) With(insert string) []string {
	all := make([]string, len(e.Statements))
	for i, s := range e.Statements {
		all[i] = strings.ReplaceAll(s, "INSERT …", insert)
	}
	return all
}

func (e Escape) String() string {
	return "`" + strings.ReplaceAll(strings.Join(e.Statements, "` then `"), "\n", "⏎") + "`"
}

// Table shows what became of each, in Markdown: a row for each escape, and
// what cell says of it for each column.
func Table(escapes []Escape, columns []string, cell func(escape, column int) string) string {
	var b strings.Builder
	b.WriteString("| sent after an INSERT |")
	for _, name := range columns {
		b.WriteString(" " + name + " |")
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
	for i, e := range escapes {
		b.WriteString("| " + strings.ReplaceAll(e.String(), "|", `\|`) + " |")
		for j := range columns {
			b.WriteString(" " + cell(i, j) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}
