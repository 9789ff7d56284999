package reports

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Mark is a name for an instant at which everything that was counted up to then
// was noted, so that what is counted since is exact: "v1.4", at a deploy.
type Mark struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Why  string    `json:"why,omitempty"`
}

// marksMax is how many marks are kept, the newest.
const marksMax = 50

// marksTable has what each mark noted: last_group and last_seq are the highest
// numbers of a group and a comparison by then; counters and groups are JSON
// packed with zstd, {route: counters} of all time and {number of the group:
// count}. Groups are never deleted, so that a group above last_group is one that
// was not there.
const marksTable = `
CREATE TABLE reports_marks (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	name       TEXT NOT NULL UNIQUE,
	at         INTEGER NOT NULL,
	by         TEXT NOT NULL,
	why        TEXT NOT NULL,
	last_group INTEGER NOT NULL,
	last_seq   INTEGER NOT NULL,
	counters   BLOB NOT NULL,
	groups     BLOB NOT NULL
) STRICT;
`

// Why there is no such mark.
var (
	ErrMarkName  = errors.New("not a name for a mark")
	ErrMarkTaken = errors.New("it is set already\ntake another name: what was noted at a mark stays as it is")
	ErrNoMark    = errors.New("no such mark")
)

// markName is what a mark may be called: no spaces, so that it goes into a flag
// and a query as it is.
var markName = regexp.MustCompile(`^[\pL\pN][\pL\pN._+@/:-]{0,99}$`)

// CheckMarkName refuses names that could be taken for something else where a
// mark is asked for: a length of time, an instant, two marks ("v1..v2"), the
// start. The error is an ErrMarkName.
func CheckMarkName(name string) error {
	const next = "take letters, digits and . _ + @ / : - , at most 100, as in v1.4"
	if !markName.MatchString(name) || strings.Contains(name, "..") {
		return fmt.Errorf("%q is %w\n%s", name, ErrMarkName, next)
	}
	_, length := time.ParseDuration(name)
	_, instant := time.Parse(time.RFC3339, name)
	if length == nil || instant == nil || name == SinceStart || name == "now" {
		return fmt.Errorf("%q is %w: it means a time already\n%s", name, ErrMarkName, next)
	}
	return nil
}

// SinceStart is how the start of time is called where the name of a mark is
// asked for in text; a Span has "" for it.
const SinceStart = "start"

// Mark sets a mark at this moment; its At is filled in. What was recorded before
// the call is before the mark, what is recorded after it has returned is after
// it, also across restarts. Errors: ErrMarkName, ErrMarkTaken, and that of the
// store when it can not be written; then there is no mark.
func (r *Reports) Mark(ctx context.Context, m Mark) (Mark, error) {
	if err := CheckMarkName(m.Name); err != nil {
		return m, err
	}
	m.By, m.Why = printable(m.By), printable(m.Why)
	if err := r.mark(ctx, &m); err != nil {
		return m, fmt.Errorf("set mark %q: %w", m.Name, err)
	}
	return m, nil
}

func (r *Reports) mark(ctx context.Context, m *Mark) error {
	release, err := r.holdBatches(ctx)
	if err != nil {
		return err
	}
	defer release()
	// A name that is taken costs no batch and no snapshot.
	if err := r.freeName(ctx, m.Name); err != nil {
		return err
	}
	if err := r.writeAll(ctx); err != nil {
		return fmt.Errorf("write what was counted before it: %w", err)
	}
	at, err := r.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("read what was counted before it: %w", err)
	}
	// Another process, while one hands over to the next, may have counted what
	// this one has not read yet. What is counted since is to be its own share.
	r.mu.Lock()
	r.totals = at.counters
	r.mu.Unlock()
	m.At = time.Now().UTC().Truncate(time.Microsecond)
	return r.saveMark(ctx, *m, at)
}

func (r *Reports) freeName(ctx context.Context, name string) error {
	var n int
	err := r.db.QueryRowContext(ctx, `SELECT count(*) FROM reports_marks WHERE name = ?`, name).Scan(&n)
	if err == nil && n > 0 {
		err = ErrMarkTaken
	}
	return err
}

// saveMark stores a mark and forgets those beyond marksMax.
func (r *Reports) saveMark(ctx context.Context, m Mark, at *snapshot) error {
	counters, groups, err := at.pack(r.packer)
	if err != nil {
		return err
	}
	return r.db.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO reports_marks (name, at, by, why, last_group, last_seq, counters, groups) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO NOTHING`, m.Name, m.At.UnixMicro(), m.By, m.Why, at.lastGroup, at.lastSeq, counters, groups)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrMarkTaken) // by another process, since freeName
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM reports_marks WHERE id NOT IN (SELECT id FROM reports_marks ORDER BY id DESC LIMIT ?)`, marksMax)
		return err
	})
}

// Marks are the marks that are kept, the newest first.
func (r *Reports) Marks(ctx context.Context) ([]Mark, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT name, at, by, why FROM reports_marks ORDER BY id DESC`)
	if err != nil {
		return nil, fmt.Errorf("list the marks: %w", err)
	}
	defer rows.Close()
	list := []Mark{}
	for rows.Next() {
		var m Mark
		var at int64
		if err := rows.Scan(&m.Name, &at, &m.By, &m.Why); err != nil {
			return nil, fmt.Errorf("list the marks: %w", err)
		}
		m.At = time.UnixMicro(at).UTC()
		list = append(list, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the marks: %w", err)
	}
	return list, nil
}

// printable is text in one line without what could deceive its reader.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "")))
}
