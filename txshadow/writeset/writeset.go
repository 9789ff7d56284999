// Package writeset reads the rows that a shadow request would have written.
//
// The adapter ends such a request with PREPARE TRANSACTION in place of
// ROLLBACK; a logical replication slot that decodes prepared transactions
// gives their rows, in order and exactly, although they are never committed;
// then the adapter says ROLLBACK PREPARED. [Reader] holds the slot, in
// Quack's process and for one database: [Reader.Expect] names a transaction,
// [Waiter.Rows] returns what it wrote.
//
// A [Set] is what the transaction wrote, whole unless it says Truncated. What
// could not be read in time is an error and never an empty set. Nothing stays
// behind in the database: the slot is temporary and ends with its session.
package writeset

import "fmt"

// Level is how well it is known what a request has written. Each comparison
// says which one it rests on.
type Level int

// The levels, from the least to the most exact. There is no level 2: looking
// for rows by their transaction's id reads whole tables, and sees no deletes.
const (
	LevelStatements Level = 0 // the statements that were sent, and their command tags
	LevelCounts     Level = 1 // rows per table, as the server counts them (txshadow.Footprint)
	LevelTriggers   Level = 3 // rows, kept by triggers
	LevelDecoded    Level = 4 // rows, decoded from the log of a prepared transaction (Set)
)

func (l Level) String() string {
	switch l {
	case LevelStatements:
		return "0 (statements)"
	case LevelCounts:
		return "1 (counts)"
	case LevelTriggers:
		return "3 (triggers)"
	case LevelDecoded:
		return "4 (decoded)"
	}
	return fmt.Sprintf("level %d", int(l))
}

// Op is what was done to a row.
type Op string

// The operations. An INSERT … ON CONFLICT DO UPDATE is what became of it, and
// so is a MERGE.
const (
	Insert   Op = "insert"
	Update   Op = "update"
	Delete   Op = "delete"
	Truncate Op = "truncate" // of a whole table, without rows
)

// Column is the value of one column of a row.
type Column struct {
	Name  string
	Type  string // as format_type has it: "integer", "text[]", "other.mood"
	Value string // the server's text of it, unquoted; "" when Null or Unchanged
	Null  bool
	// Unchanged says that an UPDATE has left alone a value that is stored
	// outside of the row (TOAST), so that the log does not have it.
	Unchanged bool

	// The rest is from the catalogue of the database, and nothing of it is there
	// where it was not known in time: see Waiter.Rows.

	// Key says that the column is of the primary key, or of the index that is
	// the replica identity in its place.
	Key bool
	// Generated says that the database fills the column with the next number of
	// a sequence, so that it is another one on each run.
	Generated bool
	// References is the column that a foreign key of this one refers to.
	References Reference
}

// Reference is a column of a table, named as in Change. The zero value is none.
type Reference struct{ Table, Column string }

// Change is one row written.
type Change struct {
	// Table is named as in txshadow.Footprint: with its schema unless that is
	// "public". A partition goes by its own name.
	Table string
	Op    Op
	// Old is the row before, for an update and a delete. With REPLICA IDENTITY
	// FULL it is the whole row without its nulls; by default it is the primary
	// key, for an update only where that has changed. Nil when the table has
	// no identity, or the log had none.
	Old []Column
	// New is the row after, whole, for an insert and an update.
	New []Column
}

// Set is what one transaction wrote, in the order in which it did. Rows that
// savepoints took back are left out, those of triggers and cascades are in.
type Set struct {
	// Changes has no nil in it; an empty one says that nothing was written.
	Changes []Change
	// Truncated says that more was written than Config allows for, and that
	// Changes is the beginning of it.
	Truncated bool
}
