package control

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Entry is one line of the audit. Lines are only ever added; the store refuses
// to change or remove one.
type Entry struct {
	ID     int64     `json:"id"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Action string    `json:"action"` // "stage", "readonly on", "readonly off", "reload", "latch", "reset latch", "login"
	What   string    `json:"what"`   // "accounts.show: shadow -> ramp 25%"
	Why    string    `json:"why"`
}

// MaxWhy is how long a why may be, in bytes.
const MaxWhy = 2000

// ErrNoWhy and ErrLongWhy are returned for a change without a why, and for one
// that is longer than MaxWhy.
var (
	ErrNoWhy   = errors.New("it needs a reason\nsay why in a few words (--why TEXT): it stands in the audit")
	ErrLongWhy = fmt.Errorf("the reason is too long\nsay it in less than %d bytes", MaxWhy)
)

// Audit lists entries, newest first, with ids below before (0 = from the top).
// limit is 100 when not given and 1000 at most.
func (c *Control) Audit(ctx context.Context, before int64, limit int) ([]Entry, error) {
	if limit <= 0 {
		limit = 100
	}
	entries, err := readAudit(ctx, c.db, before, min(limit, 1000))
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return entries, nil
}

// Note adds an audit entry of another kind (login, reload). What can not be
// stored is logged.
func (c *Control) Note(ctx context.Context, by, action, what, why string) {
	e := Entry{At: now(), By: name(by), Action: action, What: what, Why: tidy(why)}
	ctx = context.WithoutCancel(ctx)
	err := c.db.Write(ctx, func(tx *sql.Tx) error { return saveEntry(ctx, tx, e) })
	if err != nil {
		c.log.Error("not in the audit", "by", e.By, "action", e.Action, "what", e.What, "why", e.Why, "error", err)
	}
}

// reason is a why that may be stored.
func reason(why string) (string, error) {
	why = tidy(why)
	if why == "" {
		return "", ErrNoWhy
	}
	if len(why) > MaxWhy {
		return "", ErrLongWhy
	}
	return why, nil
}

// name is who made a change, as stored.
func name(by string) string {
	by = tidy(by)
	if by == "" {
		return "unknown"
	}
	if len(by) > 200 {
		by = strings.ToValidUTF8(by[:200], "")
	}
	return by
}

// tidy takes out what could deceive whoever reads it in a terminal or a log:
// control characters, those that turn the direction of writing included.
func tidy(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}
