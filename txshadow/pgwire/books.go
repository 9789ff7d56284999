package pgwire

import (
	"strconv"
	"strings"

	"github.com/quackproxy/quack/txshadow"
)

// counts are rows written per table in the session's transaction, as the
// server counts them: what triggers wrote is in, and so is what a savepoint
// has taken back. Not changed once made.
type counts map[string]txshadow.TableRows

func readCounts(all rows) (counts, error) {
	c := counts{}
	for _, row := range all {
		t := txshadow.TableRows{Table: tableName(row[0], row[1])}
		for i, to := range []*int64{&t.Inserted, &t.Updated, &t.Deleted} {
			n, err := strconv.ParseInt(row[2+i], 10, 64)
			if err != nil {
				return nil, err
			}
			*to = n
		}
		c[t.Table] = t
	}
	return c, nil
}

func tableName(schema, table string) string {
	quote := func(s string) string {
		if strings.ContainsAny(s, `."`) {
			return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		return s
	}
	if schema == "public" {
		return quote(table)
	}
	return quote(schema) + "." + quote(table)
}

func (c counts) plus(o counts, sign int64) counts {
	sum := make(counts, len(c)+len(o))
	for k, t := range c {
		sum[k] = t
	}
	for k, t := range o {
		s := sum[k]
		sum[k] = txshadow.TableRows{Table: k, Inserted: s.Inserted + sign*t.Inserted, Updated: s.Updated + sign*t.Updated, Deleted: s.Deleted + sign*t.Deleted}
	}
	return sum
}

func (c counts) footprint() txshadow.Footprint {
	f := txshadow.Footprint{}
	for _, t := range c {
		if t.Inserted != 0 || t.Updated != 0 || t.Deleted != 0 {
			f = append(f, t)
		}
	}
	return f
}

// books keep the counts right over savepoints that are rolled back: the server
// counts what they wrote, and never takes it off again.
type books struct {
	last  counts // at the last reading
	void  counts // written and taken back, or before the transaction
	stale bool   // something may have been written since
	lost  bool   // the counts can not be told any more
}

// mark is a savepoint and where the books stood.
type mark struct {
	name       string
	base, void counts
}

func (b *books) mark(name string) mark { return mark{name, b.last, b.void} }

func (b *books) read(all rows) {
	now, err := readCounts(all)
	if err != nil {
		b.lost = true
		return
	}
	b.last, b.stale = now, false
}

// undone is called after a ROLLBACK TO m and a reading.
func (b *books) undone(m mark) { b.void = m.void.plus(b.last.plus(m.base, -1), 1) }

func (b *books) footprint() txshadow.Footprint { return b.last.plus(b.void, -1).footprint() }
