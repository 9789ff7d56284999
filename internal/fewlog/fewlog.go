// Package fewlog keeps a log readable, and the disk under it free, while
// something fails thousands of times a second.
//
// [New] wraps a slog.Handler. Of lines that say the same about the same route,
// the first [burst] pass, then one for each second gone by. What was left out
// is counted, and the next line that passes says how many (not_logged_before).
// Lines below Info pass untouched: who asks for them wants them all.
package fewlog

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// burst is how many lines of a kind are written at once.
	burst = 10

	// every is the time that brings back one of them.
	every = time.Second

	// kindsMax bounds the kinds that are remembered. Texts are constants and
	// routes are those of a table; only many tables come so far.
	kindsMax = 10_000
)

// Handler passes on few lines of a kind. Safe for concurrent use.
type Handler struct {
	next  slog.Handler
	kinds *kinds // shared with the handlers that came of this one
}

// New is a handler before next.
func New(next slog.Handler) *Handler {
	return &Handler{next: next, kinds: &kinds{of: map[kind]*allowance{}}}
}

// Enabled is as next's.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle passes r on, or counts it.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo {
		return h.next.Handle(ctx, r)
	}
	passes, before := h.kinds.take(kindOf(r), r.Time)
	if !passes {
		return nil
	}
	if before > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("not_logged_before", before))
	}
	return h.next.Handle(ctx, r)
}

// WithAttrs is as next's.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{next: h.next.WithAttrs(slices.Clone(attrs)), kinds: h.kinds}
}

// WithGroup is as next's.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{next: h.next.WithGroup(name), kinds: h.kinds}
}

// kind is what makes two lines say the same.
type kind struct{ text, route string }

func kindOf(r slog.Record) kind {
	k := kind{text: r.Message}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "route" {
			return true
		}
		k.route = a.Value.String()
		return false
	})
	return k
}

// kinds are the allowances of all kinds.
type kinds struct {
	mu sync.Mutex
	of map[kind]*allowance
}

// allowance is how many lines of a kind may still pass.
type allowance struct {
	left    int
	since   time.Time // when left last grew, or was full
	skipped int       // since a line passed
}

// take takes one line at now from k's allowance, and tells how many were not
// passed since the last one that was.
func (s *kinds) take(k kind, now time.Time) (passes bool, before int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of[k]
	if a == nil {
		if len(s.of) >= kindsMax {
			clear(s.of)
		}
		a = &allowance{left: burst, since: now}
		s.of[k] = a
	}
	if n := int(now.Sub(a.since) / every); n > 0 {
		a.left = min(a.left+n, burst)
		a.since = a.since.Add(time.Duration(n) * every)
	}
	if a.left == 0 {
		a.skipped++
		return false, 0
	}
	a.left--
	before, a.skipped = a.skipped, 0
	return true, before
}
