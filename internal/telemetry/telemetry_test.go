package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/telemetry/otlptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a telemetry that runs, and a collector.
type rig struct {
	*Telemetry
	collector *otlptest.Collector
	log       bytes.Buffer // to be read after stop
	stop      func()
}

// newRig makes a rig with the given environment: name, value, …
func newRig(t *testing.T, change func(*otlptest.Collector), environment ...string) *rig {
	t.Helper()
	r := &rig{collector: otlptest.Start()}
	if change != nil {
		change(r.collector)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.collector.URL)
	values := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": r.collector.URL}
	for i := 0; i < len(environment); i += 2 {
		t.Setenv(environment[i], environment[i+1])
		values[environment[i]] = environment[i+1]
	}
	var err error
	r.Telemetry, err = New(t.Context(), func(name string) string { return values[name] }, Config{Version: "test", Log: slog.New(slog.NewTextHandler(&r.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if reader := r.Reader(); reader != nil {
		sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(r.Resource()))
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		r.collector.Close()
	})
	t.Cleanup(r.stop)
	return r
}

func (r *rig) span(name string) {
	_, span := r.Tracer().Start(context.Background(), name)
	span.End()
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not come about: %s", what)
		}
	}
}

func TestSpansArriveAtTheLatestAtTheEnd(t *testing.T) {
	r := newRig(t, nil, "OTEL_BSP_SCHEDULE_DELAY", "3600000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2", "OTEL_SERVICE_NAME", "edge")
	for i := range 5 {
		r.span(fmt.Sprint("span ", i))
	}
	until(t, "two full batches", func() bool { return len(r.collector.Spans()) == 4 })
	r.stop()
	if spans := r.collector.Spans(); len(spans) != 5 || spans[4].Name != "span 4" || r.collector.Service() != "edge" {
		t.Errorf("%+v of %q", spans, r.collector.Service())
	}
	if s := r.Stats(); s.SpansSent != 5 || s.SpansDropped != 0 || s.SpansFailed != 0 {
		t.Errorf("%+v", s)
	}
}

// A collector that hangs: who ends a span does not wait, each span is
// accounted for, and the end does not wait for longer than it says.
func TestCollectorThatHangs(t *testing.T) {
	hold := make(chan struct{})
	r := newRig(t, func(c *otlptest.Collector) { c.Hold = hold },
		"OTEL_BSP_MAX_QUEUE_SIZE", "3", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1", "OTEL_BSP_EXPORT_TIMEOUT", "200", "OTEL_METRICS_EXPORTER", "none")
	for range 50 {
		r.span("x")
	}
	if s := r.Stats(); s.SpansDropped < 40 {
		t.Errorf("%+v: a full queue was waited for", s)
	}
	until(t, "the rest given up", func() bool { s := r.Stats(); return s.SpansDropped+s.SpansFailed == 50 })
	r.stop()
	close(hold)
	if n := strings.Count(r.log.String(), "traces can not be sent"); n != 1 {
		t.Errorf("said %d times, want once a minute:\n%s", n, r.log.String())
	}
}

func TestCollectorThatRefuses(t *testing.T) {
	r := newRig(t, func(c *otlptest.Collector) { c.Status.Store(400) }, "OTEL_BSP_SCHEDULE_DELAY", "1", "OTEL_METRIC_EXPORT_INTERVAL", "1")
	r.span("x")
	until(t, "a failure of each", func() bool { s := r.Stats(); return s.SpansFailed == 1 && s.PushesFailed > 0 })
	r.stop()
	if s := r.Stats(); s.SpansSent != 0 {
		t.Errorf("%+v", s)
	}
}

func TestMetricsAreSentByTheClockAndAtTheEnd(t *testing.T) {
	for _, c := range []struct{ reason, every string }{
		{"by the clock", "5"}, {"at the end", "3600000"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			collector := otlptest.Start()
			defer collector.Close()
			t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", collector.URL+"/v1/metrics")
			t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", c.every)
			values := map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": collector.URL, "OTEL_METRIC_EXPORT_INTERVAL": c.every}
			tel, err := New(t.Context(), func(name string) string { return values[name] }, Config{})
			if err != nil {
				t.Fatal(err)
			}
			if tel.Tracer() != nil {
				t.Error("traces without an endpoint for them")
			}
			meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(tel.Reader()), sdkmetric.WithResource(tel.Resource())).Meter("test")
			_, err = meter.Int64ObservableGauge("answer", metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
				o.Observe(42)
				return nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- tel.Run(ctx) }()
			if c.every == "5" {
				until(t, "a push", func() bool { return collector.Metric("answer") != nil })
			}
			cancel()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			m := collector.Metric("answer")
			if m == nil || m.GetGauge().DataPoints[0].GetAsInt() != 42 || collector.Service() != "quack" {
				t.Errorf("%v of %q", m, collector.Service())
			}
		})
	}
}

func TestSampler(t *testing.T) {
	r := newRig(t, nil, "OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0")
	r.span("x")
	r.stop()
	if n := len(r.collector.Spans()); n != 0 {
		t.Errorf("%d spans", n)
	}
}

func TestSettings(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"
	for _, c := range []struct {
		reason, environment string // variables, separated by blanks
		traces, metrics     bool
		wrong               string
	}{
		{"nothing is set", "", false, false, ""},
		{"a sampler alone asks for nothing, however wrong", "OTEL_TRACES_SAMPLER=x", false, false, ""},
		{"one endpoint is for both", endpoint, true, true, ""},
		{"an endpoint for traces", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://c/v1/traces", true, false, ""},
		{"an endpoint for metrics", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://c/v1/metrics", false, true, ""},
		{"disabled", endpoint + " OTEL_SDK_DISABLED=true", false, false, ""},
		{"no traces", endpoint + " OTEL_TRACES_EXPORTER=none", false, true, ""},
		{"metrics are scraped only", endpoint + " OTEL_METRICS_EXPORTER=prometheus", true, false, ""},
		{"metrics are scraped and sent", endpoint + " OTEL_METRICS_EXPORTER=prometheus,otlp", true, true, ""},
		{"an exporter that is not there", endpoint + " OTEL_TRACES_EXPORTER=zipkin", false, true,
			"OTEL_TRACES_EXPORTER \"zipkin\" is not known\n  it is otlp or none"},
		{"the default said aloud", endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", true, true, ""},
		{"gRPC", endpoint + " OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc", true, true,
			"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL \"grpc\" is not spoken\n  set it to http/protobuf, and the endpoint to the collector's port for that, as a rule 4318"},
		{"a host without its scheme", "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", true, true,
			"OTEL_EXPORTER_OTLP_ENDPOINT \"collector:4318\" is not a URL\n  write its scheme and host, as in http://collector:4318"},
		{"a path", endpoint + " OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=/v1/metrics", true, true,
			"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT \"/v1/metrics\" is not a URL\n  write its scheme and host, as in http://collector:4318"},
		{"an address", "OTEL_EXPORTER_OTLP_ENDPOINT=10.0.0.1:4318", true, true,
			"OTEL_EXPORTER_OTLP_ENDPOINT \"10.0.0.1:4318\" is not a URL\n  write its scheme and host, as in http://collector:4318"},
		{"a sampler that is not there", endpoint + " OTEL_TRACES_SAMPLER=jaeger_remote", true, true,
			"OTEL_TRACES_SAMPLER \"jaeger_remote\" is not known\n  it is one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio"},
		{"a share over all", endpoint + " OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=10", true, true,
			"OTEL_TRACES_SAMPLER_ARG \"10\" is not a share of the traces\n  it is a number from 0 to 1, as in 0.1"},
		{"no number", endpoint + " OTEL_BSP_MAX_QUEUE_SIZE=many", true, true,
			"OTEL_BSP_MAX_QUEUE_SIZE \"many\" is not a number from 1 to 1048576"},
		{"no length of time", endpoint + " OTEL_METRIC_EXPORT_INTERVAL=10s", true, true,
			"OTEL_METRIC_EXPORT_INTERVAL \"10s\" is not a number of milliseconds above zero"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			values := map[string]string{}
			for pair := range strings.FieldsSeq(c.environment) {
				name, value, _ := strings.Cut(pair, "=")
				values[name] = value
			}
			s, err := readSettings(func(name string) string { return values[name] })
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != c.wrong {
				t.Errorf("error %q, want %q", text, c.wrong)
			}
			if s.traces != c.traces || s.metrics != c.metrics {
				t.Errorf("traces %v, metrics %v", s.traces, s.metrics)
			}
		})
	}
}

// Off is off: no tracer, no reader, nothing to run.
func TestOff(t *testing.T) {
	tel, err := New(t.Context(), func(string) string { return "" }, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if tel.Tracer() != nil || tel.Reader() != nil || tel.Resource() != nil || tel.Stats() != (Stats{}) {
		t.Error("something is on")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tel.Run(ctx); err != nil {
		t.Error(err)
	}
}
