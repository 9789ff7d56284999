package telemetry

import (
	"log/slog"
	"time"
)

// complaintEvery is how often a thing that goes on going wrong is logged.
const complaintEvery = time.Minute

// complaint is a line in the log that is not repeated too often. It belongs to
// one goroutine.
type complaint struct {
	log    *slog.Logger
	redact func(string) string
	text   string

	last    time.Time
	skipped int // since then
}

func newComplaint(c Config, text string) *complaint {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Redact == nil {
		c.Redact = func(s string) string { return s }
	}
	return &complaint{log: c.Log, redact: c.Redact, text: text}
}

// errorMax bounds what of an error is logged: a collector's answer may be a
// whole page.
const errorMax = 300

func (c *complaint) say(err error) {
	now := time.Now()
	if !c.last.IsZero() && now.Sub(c.last) < complaintEvery {
		c.skipped++
		return
	}
	text := c.redact(err.Error())
	if len(text) > errorMax {
		text = text[:errorMax] + "…"
	}
	c.log.Warn(c.text, "error", text, "not_logged_before", c.skipped)
	c.last, c.skipped = now, 0
}
