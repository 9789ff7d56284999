package proxy

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/quackproxy/quack/internal/tracing"
	"github.com/quackproxy/quack/upstream"
)

// traced is what a life is traced with: nil without a Config.Tracer. No span
// holds a path, a query, a body or the text of an error.
type traced struct {
	tracer trace.Tracer
	server trace.Span
	call   trace.Span // of the live call under way; nil when there is none
	told   bool       // the client's traceparent is valid
}

// beginTrace begins the server span, as the child of what the client's
// traceparent names.
func (l *life) beginTrace() {
	if l.Tracer == nil {
		return
	}
	parent, told := parentOf(l.r.Header)
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), parent)
	_, span := l.Tracer.Start(ctx, l.route.Name, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(l.began))
	l.traced = &traced{tracer: l.Tracer, server: span, told: told}
	l.trace = span.SpanContext().TraceID().String()
}

// parentOf is the client's trace context (W3C Trace Context level 1), the zero
// one when there is none that is valid.
func parentOf(h http.Header) (parent trace.SpanContext, valid bool) {
	lines := h["Traceparent"]
	if len(lines) != 1 || !validTraceparent(lines[0]) {
		return trace.SpanContext{}, false
	}
	var c trace.SpanContextConfig
	// Lower-case hex digits and not all zero: validTraceparent has seen to it.
	c.TraceID, _ = trace.TraceIDFromHex(lines[0][3:35])
	c.SpanID, _ = trace.SpanIDFromHex(lines[0][36:52])
	if strings.IndexByte("13579bdf", lines[0][54]) >= 0 {
		c.TraceFlags = trace.FlagsSampled
	}
	// One that does not parse counts for nothing, and travels on all the same.
	c.TraceState, _ = trace.ParseTraceState(strings.Join(h["Tracestate"], ","))
	return trace.NewSpanContext(c), true
}

// traceContext gives h, which goes on, a traceparent where the client has sent
// none that is valid: with tracing that of the server span, whose sampled flag
// says what was decided; without it one is started, except on the default
// route.
func (l *life) traceContext(h http.Header) {
	switch {
	case l.traced == nil && l.named:
		l.trace = traceOf(h)
	case l.traced != nil && !l.traced.told:
		h["Traceparent"] = []string{tracing.Traceparent(l.traced.server.SpanContext())}
		delete(h, "Tracestate") // belongs to a parent that does not count
	}
}

// endTrace ends the server span with what has become known.
func (l *life) endTrace() {
	if l.traced == nil {
		return
	}
	span := l.traced.server
	defer span.End()
	if !span.IsRecording() {
		return
	}
	status := l.countedStatus()
	span.SetName(l.route.Name)
	span.SetAttributes(
		attribute.String("http.request.method", tracing.Method(l.r.Method)),
		attribute.Int("http.response.status_code", status),
		attribute.String("network.protocol.version", protocolVersion(l.r)),
		attribute.String("quack.route", l.route.Name),
		attribute.String("quack.stage", string(l.route.Stage)),
		attribute.String("quack.side", string(l.side)),
		attribute.String("quack.request_id", l.id),
	)
	if l.route.Pattern != "" {
		span.SetAttributes(attribute.String("http.route", l.route.Pattern))
	}
	if l.skipped != "" {
		span.SetAttributes(attribute.String("quack.skipped", l.skipped))
	}
	if status >= 500 || l.aborted {
		span.SetStatus(codes.Error, "")
	}
}

func protocolVersion(r *http.Request) string {
	if r.ProtoMajor == 1 {
		return strings.TrimPrefix(r.Proto, "HTTP/")
	}
	return string(rune('0' + r.ProtoMajor))
}

// beginCall begins the span of a live call, one for each instance that is
// tried, and makes it the parent of what the backend does. A request that is
// not sampled travels with the client's own traceparent.
func (l *life) beginCall(req *http.Request, instance *upstream.Instance) {
	if l.traced == nil || !l.traced.server.IsRecording() {
		return
	}
	ctx := trace.ContextWithSpan(context.Background(), l.traced.server)
	_, span := l.traced.tracer.Start(ctx, "live "+l.route.Name, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(l.call.began))
	span.SetAttributes(
		attribute.String("quack.role", "live"),
		attribute.String("http.request.method", tracing.Method(l.r.Method)),
		attribute.String("server.address", instance.URL.Hostname()),
		attribute.String("quack.route", l.route.Name),
		attribute.String("quack.side", string(l.side)),
		attribute.String("quack.backend", l.call.backend),
		attribute.String("quack.request_id", l.id),
	)
	l.traced.call = span
	req.Header["Traceparent"] = []string{tracing.Traceparent(span.SpanContext())}
}

// endCall ends the span of the live call under way, if there is one: with the
// status of its answer, or with what kind of error there was instead.
func (l *life) endCall(ctx context.Context, res *http.Response, err error) {
	if l.traced == nil || l.traced.call == nil {
		return
	}
	span := l.traced.call
	l.traced.call = nil
	defer span.End()
	kind := ""
	switch {
	case late(ctx, err):
		kind = "timeout"
	case err != nil:
		kind = tracing.ErrorType(err, upstream.NotSent(err))
	case l.gone:
		kind = "client_gone"
	case !l.call.complete && res.StatusCode != http.StatusSwitchingProtocols:
		kind = "broken"
	}
	if kind != "" {
		span.SetAttributes(attribute.String("error.type", kind))
	}
	if res != nil {
		span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
	}
	if kind != "" || res.StatusCode >= 400 {
		span.SetStatus(codes.Error, "")
	}
}

// serverSpan is the context of the server span when it is recorded; the spans
// of shadow calls are its children.
func (l *life) serverSpan() trace.SpanContext {
	if l.traced == nil || !l.traced.server.IsRecording() {
		return trace.SpanContext{}
	}
	return l.traced.server.SpanContext()
}
