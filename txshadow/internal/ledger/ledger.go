// Package ledger keeps the counts of the rows that a shadow has written right
// over savepoints that are rolled back: the server counts what they wrote and
// never takes it off again.
package ledger

// Rows counts the rows written in one table.
type Rows struct{ Inserted, Updated, Deleted int64 }

func (r Rows) plus(o Rows, sign int64) Rows {
	return Rows{r.Inserted + sign*o.Inserted, r.Updated + sign*o.Updated, r.Deleted + sign*o.Deleted}
}

// Counts are rows written per table in the session's transaction, as the
// server counts them: triggers and cascades are in, and so is what a savepoint
// took back. Values are not changed once made.
type Counts map[string]Rows

func (c Counts) plus(o Counts, sign int64) Counts {
	sum := make(Counts, len(c)+len(o))
	for table, r := range c {
		sum[table] = r
	}
	for table, r := range o {
		sum[table] = sum[table].plus(r, sign)
	}
	return sum
}

// Ledger is the books of one transaction. The zero value is ready.
type Ledger struct {
	Last  Counts // at the last reading
	Stale bool   // something may have been written since
	Void  Counts // written and taken back, or before the transaction
	Lost  bool   // the counts can not be told any more
}

// Mark is a savepoint and the books at its time.
type Mark struct {
	Name       string
	base, void Counts
}

// Mark is called when the savepoint has been made and the last reading is not
// stale.
func (l *Ledger) Mark(name string) Mark { return Mark{Name: name, base: l.Last, void: l.Void} }

// Read takes a new reading.
func (l *Ledger) Read(now Counts) { l.Last, l.Stale = now, false }

// Undone is called after a ROLLBACK TO m, when the last reading is not stale.
func (l *Ledger) Undone(m Mark) { l.Void = m.void.plus(l.Last.plus(m.base, -1), 1) }

// Written is what is left of the last reading, tables without rows aside.
func (l *Ledger) Written() Counts {
	left := l.Last.plus(l.Void, -1)
	for table, r := range left {
		if r == (Rows{}) {
			delete(left, table)
		}
	}
	return left
}
