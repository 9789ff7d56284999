package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// spans takes ended spans and sends them in batches. It is the SDK's batch
// processor with three differences: it starts no goroutine of its own, it
// counts all that it drops, and its end is bounded.
type spans struct {
	exporter  exporter
	batch     batch
	complaint *complaint
	queue     chan sdk.ReadOnlySpan

	sent, dropped, failed atomic.Int64
}

// exporter is one that is not started when it is made.
type exporter interface {
	sdk.SpanExporter
	Start(context.Context) error
}

func newSpans(exporter exporter, b batch, c *complaint) *spans {
	return &spans{exporter: exporter, batch: b, complaint: c, queue: make(chan sdk.ReadOnlySpan, b.queue)}
}

// OnStart implements sdk.SpanProcessor.
func (s *spans) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd implements sdk.SpanProcessor. It never blocks.
func (s *spans) OnEnd(span sdk.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	select {
	case s.queue <- span:
	default:
		s.dropped.Add(1)
	}
}

// Shutdown implements sdk.SpanProcessor; run has its own end.
func (s *spans) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdk.SpanProcessor.
func (s *spans) ForceFlush(context.Context) error { return nil }

// run sends batches until ctx ends, then what is left. sending ends what is
// under way.
func (s *spans) run(ctx, sending context.Context) {
	if err := s.exporter.Start(sending); err != nil {
		s.complaint.say(err)
	}
	defer s.exporter.Shutdown(sending) // it holds nothing that could be lost
	tick := time.NewTicker(s.batch.every)
	defer tick.Stop()
	var waiting []sdk.ReadOnlySpan
	for {
		select {
		case span := <-s.queue:
			if waiting = append(waiting, span); len(waiting) >= s.batch.most {
				waiting = s.send(sending, waiting)
			}
		case <-tick.C:
			waiting = s.send(sending, waiting)
		case <-ctx.Done():
			s.sendRest(sending, waiting)
			return
		}
	}
}

// sendRest sends what is in the queue.
func (s *spans) sendRest(sending context.Context, waiting []sdk.ReadOnlySpan) {
	for {
		select {
		case span := <-s.queue:
			if waiting = append(waiting, span); len(waiting) >= s.batch.most {
				waiting = s.send(sending, waiting)
			}
		default:
			s.send(sending, waiting)
			return
		}
	}
}

// send sends a batch, and returns its memory for the next.
func (s *spans) send(ctx context.Context, list []sdk.ReadOnlySpan) []sdk.ReadOnlySpan {
	if len(list) == 0 {
		return list
	}
	ctx, cancel := context.WithTimeout(ctx, s.batch.within)
	defer cancel()
	if err := s.exporter.ExportSpans(ctx, list); err != nil {
		s.failed.Add(int64(len(list)))
		s.complaint.say(err)
	} else {
		s.sent.Add(int64(len(list)))
	}
	clear(list)
	return list[:0]
}
