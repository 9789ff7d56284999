package proxy

import (
	"context"
	"log/slog"

	"github.com/quackproxy/quack/routes"
)

// fallBack turns to legacy when the new side gave no answer, at the stages at
// which legacy still does the same work, and only where the request has not
// been acted upon or may be again. The client stays assigned to new; there is
// nothing to compare.
func (l *life) fallBack(ctx context.Context, f *failure) bool {
	r := l.route
	switch {
	case f.why == "", ctx.Err() != nil, l.side != routes.New, r.Fallback == routes.FallbackOff, r.Legacy == r.New:
		return false
	case r.Stage != routes.StageRamp && r.Stage != routes.StageVerify:
		return false
	}
	l.Counters.Fallback(r.Name, f.why)
	level := slog.LevelWarn
	if f.why == whyBreaker {
		level = slog.LevelDebug // each request meets it
	}
	l.Log.Log(ctx, level, "new is away, legacy answers", "route", r.Name, "request", l.id, "why", f.why, "error", f.err)
	l.fellBack = true
	if l.pending == nil { // else settle says so
		l.skip(skipFallback)
	}
	l.fill.Close(false) // what legacy says is not the new side's to keep
	l.fill = nil
	l.side, l.call = routes.Legacy, liveCall{late: l.call.late}
	return true
}
