package fewlog

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFewOfAKind(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	type said struct {
		level slog.Level
		text  string
		route string
		after time.Duration // the start
		times int
	}
	tests := []struct {
		name   string
		say    []said
		want   int    // lines
		last   string // in the last line
		reason string
	}{
		{"a few", []said{{slog.LevelWarn, "failed", "a", 0, burst}}, burst, "text=failed", "what is rare is all there"},
		{"many", []said{{slog.LevelWarn, "failed", "a", 0, 5000}}, burst, "text=failed", "a backend that is down must not fill the disk"},
		{"for ten seconds", []said{
			{slog.LevelWarn, "failed", "a", 0, 5000},
			{slog.LevelWarn, "failed", "a", 10 * time.Second, 5000},
		}, 2 * burst, "", "the burst is back"},
		{"counted", []said{
			{slog.LevelWarn, "failed", "a", 0, 5000},
			{slog.LevelWarn, "failed", "a", time.Second, 1},
		}, burst + 1, "not_logged_before=4990", "what is left out is told"},
		{"half a second later", []said{
			{slog.LevelWarn, "failed", "a", 0, 5000},
			{slog.LevelWarn, "failed", "a", 500 * time.Millisecond, 100},
			{slog.LevelWarn, "failed", "a", 999 * time.Millisecond, 100},
			{slog.LevelWarn, "failed", "a", 1001 * time.Millisecond, 100},
		}, burst + 1, "not_logged_before=5190", "a second is a second, however often one looks"},
		{"two routes", []said{
			{slog.LevelWarn, "failed", "a", 0, 5000},
			{slog.LevelWarn, "failed", "b", 0, 1},
		}, burst + 1, "route=b", "a loud route does not hide a quiet one"},
		{"two texts", []said{
			{slog.LevelWarn, "failed", "a", 0, 5000},
			{slog.LevelError, "panic", "a", 0, 1},
		}, burst + 1, "text=panic", "nor a common failure a rare one"},
		{"debug", []said{{slog.LevelDebug, "refused", "a", 0, 100}}, 100, "", "who asks for all gets all"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			h := New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: asText}))
			for _, s := range test.say {
				for range s.times {
					r := slog.NewRecord(start.Add(s.after), s.level, s.text, 0)
					r.AddAttrs(slog.String("request", "id"), slog.String("route", s.route))
					if err := h.Handle(context.Background(), r); err != nil {
						t.Fatal(err)
					}
				}
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if len(lines) != test.want || !strings.Contains(lines[len(lines)-1], test.last) {
				t.Errorf("%d lines, the last is %q; want %d and %q: %s", len(lines), lines[len(lines)-1], test.want, test.last, test.reason)
			}
		})
	}
}

func asText(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.MessageKey {
		a.Key = "text"
	}
	return a
}

// TestDerivedShare: a logger with attributes of its own is no way around.
func TestDerivedShare(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(New(slog.NewTextHandler(&out, nil)))
	for range 1000 {
		log.With("part", "x").WithGroup("g").Warn("failed")
		log.Warn("failed")
	}
	if n := strings.Count(out.String(), "\n"); n < burst || n > burst+60 {
		t.Errorf("%d lines, want about %d", n, burst)
	}
}

func TestKindsAreBounded(t *testing.T) {
	h := New(slog.DiscardHandler)
	for i := range 3 * kindsMax {
		h.kinds.take(kind{text: fmt.Sprint(i)}, time.Now())
	}
	if n := len(h.kinds.of); n > kindsMax {
		t.Errorf("%d kinds are remembered, want at most %d", n, kindsMax)
	}
}

func TestConcurrentUse(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(New(slog.NewTextHandler(&out, nil)))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				log.Warn("failed", "route", "a")
			}
		})
	}
	all.Wait()
	if !strings.Contains(out.String(), "route=a") {
		t.Error("nothing was written")
	}
}
