package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/internal/lifecycle"
	"github.com/quackproxy/quack/internal/telemetry"
	"github.com/quackproxy/quack/proxy"
	"github.com/quackproxy/quack/upstream"
)

// observed is what a process tells of itself beside its log and its pages.
type observed struct {
	redaction *redaction
	telemetry *telemetry.Telemetry
	access    *accessLog // nil when it is off
	underWay  atomic.Int64
}

func (c *serveCmd) observe(ctx context.Context, redaction *redaction, stderr io.Writer, log *slog.Logger) (*observed, error) {
	o := &observed{redaction: redaction}
	var err error
	if o.telemetry, err = telemetry.New(ctx, os.Getenv, telemetry.Config{Version: version(), Redact: redaction.text, Log: log}); err != nil {
		return nil, coded{exitUsage, err}
	}
	if o.access, err = c.accessFlags.open(c.LogFormat, redaction.base, stderr, log); err != nil {
		return nil, err
	}
	return o, nil
}

// accessLog is what the live path writes its records to; nil when it does not.
func (o *observed) accessLog() *proxy.AccessLog {
	if o.access == nil {
		return nil
	}
	return &o.access.AccessLog
}

// parts run before all others, and end after them: what those do at their end
// is told too.
func (o *observed) parts() []lifecycle.Part {
	parts := []lifecycle.Part{{Name: "telemetry", Run: o.telemetry.Run}}
	if o.access != nil {
		parts = append(parts, lifecycle.Part{Name: "access log", Run: o.access.run})
	}
	return parts
}

// numbers plugs the numbers of the moment into the admin listener.
func (p *process) numbers() admin.Live {
	n := admin.Live{UnderWay: p.observed.underWay.Load()}
	n.Front = admin.Front(p.front.Stats())
	n.Databases = p.databasesShown()
	n.Backends = append(backendsAs("live", p.live.States()), backendsAs("shadow", p.shadows.States())...)
	sent := p.observed.telemetry.Stats()
	n.Sent = admin.Sent{
		Traces: sent.Traces, Metrics: sent.Metrics,
		Spans: sent.SpansSent, SpansDropped: sent.SpansDropped, SpansFailed: sent.SpansFailed, PushesFailed: sent.PushesFailed,
	}
	if a := p.observed.access; a != nil {
		n.Sent.Access = true
		n.Sent.AccessLines, n.Sent.AccessDropped = a.lines.Stats()
	}
	return n
}

// backendsAs are the states of a set's backends as those of a role.
func backendsAs(role string, states []upstream.State) []admin.Backend {
	now := time.Now()
	var list []admin.Backend
	for _, s := range states {
		b := admin.Backend{
			Name: s.Name, Role: role, BreakerOpen: s.Open,
			Retries: s.Retries, RetriesRefused: s.RetriesRefused, Ejections: s.Ejections, Opened: s.Opened, Refused: s.Refused,
		}
		for _, i := range s.Instances {
			b.Instances = append(b.Instances, admin.Instance{
				URL: i.URL, UnderWay: i.Calls, Healthy: i.Healthy,
				Ejected: i.EjectedUntil.After(now), Resting: i.RestingUntil.After(now),
			})
		}
		list = append(list, b)
	}
	return list
}
