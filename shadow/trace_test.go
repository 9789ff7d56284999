package shadow

import (
	"context"
	"net/http"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/quackproxy/quack/internal/tracing"
	"github.com/quackproxy/quack/routes"
)

// traced gives the rig a tracer, and makes the span of a live request.
func traced(t *testing.T) (spans *tracetest.SpanRecorder, live trace.Span, change func(*Config)) {
	t.Helper()
	spans = tracetest.NewSpanRecorder()
	tracer := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)).Tracer("test")
	_, live = tracer.Start(context.Background(), "live request")
	return spans, live, func(c *Config) { c.Tracer = tracer }
}

func valueOf(s sdk.ReadOnlySpan, key string) string {
	for _, a := range s.Attributes() {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// ended waits for one span of a shadow call, and looks at what all have.
func ended(t *testing.T, spans *tracetest.SpanRecorder, live trace.Span, n int) []sdk.ReadOnlySpan {
	t.Helper()
	eventually(t, "the spans have ended", func() bool { return len(spans.Ended()) == n })
	for _, s := range spans.Ended() {
		if s.Parent().SpanID() != live.SpanContext().SpanID() || s.SpanContext().TraceID() != live.SpanContext().TraceID() ||
			s.SpanKind() != trace.SpanKindClient || valueOf(s, "quack.role") != "shadow" {
			t.Errorf("%s: parent %v, %v", s.Name(), s.Parent(), s.Attributes())
		}
	}
	return spans.Ended()
}

func TestSpanOfAShadowAfterLive(t *testing.T) {
	spans, live, change := traced(t)
	r := newRig(t, options{change: change}).run(t)
	req := r.ask("show", "GET", "/accounts/1?token=hunter2", "")
	req.Span = live.SpanContext()
	r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.compared(t)
	span := ended(t, spans, live, 1)[0]
	for key, want := range map[string]string{
		"http.response.status_code": "200", "quack.side": "new", "quack.backend": "accounts", "quack.mode": "", "error.type": "",
	} {
		if got := valueOf(span, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got, want := r.new.requests()[0].Header["Traceparent"], tracing.Traceparent(span.SpanContext()); span.Name() != "shadow show" || len(got) != 1 || got[0] != want {
		t.Errorf("%s: the shadow side got traceparent %q, want %q", span.Name(), got, want)
	}
	for _, a := range span.Attributes() {
		if strings.Contains(a.Value.String(), "hunter2") {
			t.Errorf("the span tells %v", a)
		}
	}
}

func TestSpanOfAShadowBeforeLive(t *testing.T) {
	for _, c := range []struct {
		reason string
		sign   func(*server)
		status string
	}{
		{"rolled back", nil, "201"},
		{"not acknowledged by something in between", func(s *server) {
			s.app = answer(503, "")
			s.sign = func(http.Header, string, Mode) {}
		}, "503"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			spans, live, change := traced(t)
			r := newRig(t, options{rollback: "header", more: writing, change: change}).proved(t)
			r.new.change(func(s *server) { s.app = answer(201, `{}`) })
			if c.sign != nil {
				r.new.change(c.sign)
			}
			req := r.ask("create", "POST", "/accounts", `{}`)
			req.Span = live.SpanContext()
			r.Before(context.Background(), req, routes.Legacy).Live(r.live(routes.Legacy, 201, `{}`))
			span := ended(t, spans, live, 1)[0]
			if status := valueOf(span, "http.response.status_code"); status != c.status || valueOf(span, "quack.mode") != "rollback" {
				t.Errorf("%v", span.Attributes())
			}
		})
	}
}

func TestSpanOfAShadowWithoutAnswer(t *testing.T) {
	spans, live, change := traced(t)
	r := newRig(t, options{change: change}).run(t)
	r.new.Close()
	req := r.ask("show", "GET", "/accounts/1", "")
	req.Span = live.SpanContext()
	r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	if span := ended(t, spans, live, 1)[0]; valueOf(span, "error.type") != "unreachable" || valueOf(span, "http.response.status_code") != "" {
		t.Errorf("%v", span.Attributes())
	}
}

// A re-check asks both sides again; each call has a span.
func TestSpansOfARecheck(t *testing.T) {
	spans, live, change := traced(t)
	r := newRig(t, options{change: change}).run(t)
	req := r.ask("show", "GET", "/accounts/1", "")
	req.Span = live.SpanContext()
	r.Offer(req, routes.Legacy, r.live(routes.Legacy, 200, `{"id":2}`))
	r.ledger.compared(t)
	sides := map[string]int{}
	for _, s := range ended(t, spans, live, 3) {
		sides[valueOf(s, "quack.side")]++
	}
	if sides["legacy"] != 1 || sides["new"] != 2 {
		t.Errorf("%v", sides)
	}
}

// Without the live request's span there is none of its shadow, and the shadow
// travels as it does without tracing.
func TestNoSpanWithoutTheLiveOne(t *testing.T) {
	spans, _, change := traced(t)
	r := newRig(t, options{change: change}).run(t)
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	r.ledger.compared(t)
	if n := len(spans.Ended()); n != 0 {
		t.Errorf("%d spans", n)
	}
	parent := r.new.requests()[0].Header.Get("Traceparent")
	if !strings.HasPrefix(parent, "00-"+strings.Repeat("ab", 16)+"-") || !strings.HasSuffix(parent, "-01") {
		t.Errorf("traceparent %q", parent)
	}
}
