// Package telemetry sends traces and metrics to an OpenTelemetry collector, by
// OTLP over HTTP with protobuf. It alone touches the exporters.
//
// Start with [New], which reads the standard OTEL_* environment; without an
// endpoint in it everything is off, and [Telemetry.Tracer] and
// [Telemetry.Reader] are nil. New dials nothing and starts nothing;
// [Telemetry.Run] sends, until its context ends, and then what is left.
//
// A collector that is slow or down is never waited for by who ends a span: the
// queue is bounded, what does not fit or can not be sent is dropped and counted
// ([Telemetry.Stats]), and said in the log at most once a minute.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Scope names what made the spans and the metrics.
const Scope = "github.com/quackproxy/quack"

// lastSend is how long the last of the spans and metrics may take to be sent.
const lastSend = 5 * time.Second

// Config is the manual.
type Config struct {
	Version string                // service.version
	Redact  func(s string) string // takes secrets out of errors before they are logged; nil leaves them
	Log     *slog.Logger          // default: nothing is logged
}

// Telemetry is what a process tells a collector of itself.
type Telemetry struct {
	resource *resource.Resource
	provider *sdk.TracerProvider // nil without traces
	spans    *spans
	push     *push // nil without metrics
}

// New makes what the environment asks for. getenv must read the environment of
// the process: the exporters look there for endpoints, headers and
// certificates themselves. A setting that can not be met is an error.
func New(ctx context.Context, getenv func(string) string, c Config) (*Telemetry, error) {
	s, err := readSettings(getenv)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{}
	if !s.traces && !s.metrics {
		return t, nil
	}
	if t.resource, err = resourceOf(ctx, c.Version); err != nil {
		return nil, err
	}
	if s.traces {
		// With a proxy function the client gets a transport of its own instead
		// of the one that all exporters in the process share.
		exporter := otlptracehttp.NewUnstarted(otlptracehttp.WithProxy(http.ProxyFromEnvironment))
		t.spans = newSpans(exporter, s.batch, newComplaint(c, "traces can not be sent; they are dropped and counted"))
		t.provider = sdk.NewTracerProvider(sdk.WithResource(t.resource), sdk.WithSpanProcessor(t.spans))
	}
	if s.metrics {
		exporter, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithProxy(http.ProxyFromEnvironment))
		if err != nil {
			return nil, fmt.Errorf("make the OTLP exporter of metrics: %w", err)
		}
		t.push = newPush(exporter, s.every, s.within, newComplaint(c, "metrics can not be sent"))
	}
	return t, nil
}

// resourceOf is what sends: service.name is quack unless OTEL_SERVICE_NAME or
// OTEL_RESOURCE_ATTRIBUTES says otherwise.
func resourceOf(ctx context.Context, version string) (*resource.Resource, error) {
	r, err := resource.New(ctx,
		resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "quack"), attribute.String("service.version", version)),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w\n  it is a list of name=value with commas", err)
	}
	return r, nil
}

// Tracer makes spans; nil when there are no traces.
func (t *Telemetry) Tracer() trace.Tracer {
	if t.provider == nil {
		return nil
	}
	return t.provider.Tracer(Scope)
}

// Resource is what the metrics are of; nil when everything is off.
func (t *Telemetry) Resource() *resource.Resource { return t.resource }

// Reader makes the reader that metrics are sent from, and is called once at
// most, before Run; nil when no metrics are sent. The producers' metrics are sent too.
func (t *Telemetry) Reader(producers ...metric.Producer) metric.Reader {
	if t.push == nil {
		return nil
	}
	return t.push.read(producers)
}

// Run sends until ctx ends, and then, for 5 s at most, what is left. A
// collector that does not take it is no error.
func (t *Telemetry) Run(ctx context.Context) error {
	if t.provider == nil && t.push == nil {
		<-ctx.Done()
		return nil
	}
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var all sync.WaitGroup
	if t.push != nil {
		all.Go(func() { t.push.run(ctx, sending) })
	}
	if t.provider != nil {
		all.Go(func() { t.spans.run(ctx, sending) })
	}
	<-ctx.Done()
	late := time.AfterFunc(lastSend, cancel)
	defer late.Stop()
	all.Wait()
	return nil
}

// Stats are counted since the start.
type Stats struct {
	Traces, Metrics bool // are sent

	SpansSent    int64
	SpansDropped int64 // the queue was full
	SpansFailed  int64 // the collector did not take them
	PushesFailed int64 // of the metrics
}

// Stats are the numbers of this moment.
func (t *Telemetry) Stats() Stats {
	var s Stats
	if t.spans != nil {
		s.Traces = true
		s.SpansSent, s.SpansDropped, s.SpansFailed = t.spans.sent.Load(), t.spans.dropped.Load(), t.spans.failed.Load()
	}
	if t.push != nil {
		s.Metrics = true
		s.PushesFailed = t.push.failed.Load()
	}
	return s
}
