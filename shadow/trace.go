package shadow

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/quackproxy/quack/internal/tracing"
	"github.com/quackproxy/quack/upstream"
)

// beginSpan begins the span of a shadow call: a child of the live request's
// server span, which it may outlive. It is nil when that is not recorded.
func (d *Dispatcher) beginSpan(c call, r *reply) {
	if d.cfg.Tracer == nil || !c.req.Span.IsSampled() {
		return
	}
	ctx := trace.ContextWithSpanContext(context.Background(), c.req.Span)
	_, span := d.cfg.Tracer.Start(ctx, "shadow "+c.req.Route.Name, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(r.started))
	span.SetAttributes(
		attribute.String("quack.role", "shadow"),
		attribute.String("http.request.method", tracing.Method(c.req.Method)),
		attribute.String("server.address", c.instance.URL.Hostname()),
		attribute.String("quack.route", c.req.Route.Name),
		attribute.String("quack.side", string(c.side)),
		attribute.String("quack.request_id", c.req.ID),
	)
	if b := c.req.Route.Backend(c.side); b != nil {
		span.SetAttributes(attribute.String("quack.backend", b.Name))
	}
	if c.mode != "" {
		span.SetAttributes(attribute.String("quack.mode", string(c.mode)))
	}
	r.span = span
}

// endSpan ends the span, once: with the status of the answer, or with what kind
// of error there was instead of it or after its head.
func (r *reply) endSpan(err error) {
	if r.span == nil {
		return
	}
	defer r.span.End()
	if r.resp != nil {
		r.span.SetAttributes(attribute.Int("http.response.status_code", r.resp.StatusCode))
		if r.resp.StatusCode >= 400 {
			r.span.SetStatus(codes.Error, "")
		}
	}
	if err != nil {
		r.span.SetAttributes(attribute.String("error.type", tracing.ErrorType(err, upstream.NotSent(err))))
		r.span.SetStatus(codes.Error, "")
	}
	r.span = nil
}
