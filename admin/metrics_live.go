package admin

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Live are numbers of the moment that the parts of the process have, and the
// admin listener only shows.
type Live struct {
	UnderWay  int64      // requests of clients
	Instances []Instance // of the backends in force, for live and for shadow calls
	Sent      Sent
}

// Instance is one URL of a backend, as calls of one role see it.
type Instance struct {
	Backend  string
	URL      string // scheme and host
	Role     string // "live" or "shadow"
	UnderWay int64  // calls
	Healthy  bool
}

// Sent is what was sent to the collector and written to the access log since
// the start, and what was lost on the way.
type Sent struct {
	Traces, Metrics, Access                        bool // are on
	Spans, SpansDropped, SpansFailed, PushesFailed int64
	AccessLines, AccessDropped                     int64
}

// instanceMetrics are the gauges of each instance and of the requests under
// way.
func (s *server) instanceMetrics(meter metric.Meter) error {
	requests, err := meter.Int64ObservableGauge("quack_requests_under_way", metric.WithDescription("Requests of clients that have not been answered to the end."))
	if err != nil {
		return err
	}
	calls, err := meter.Int64ObservableGauge("quack_backend_calls_under_way", metric.WithDescription("Calls to an instance that have not ended, by role: live or shadow."))
	if err != nil {
		return err
	}
	healthy, err := meter.Int64ObservableGauge("quack_backend_healthy", metric.WithDescription("1 for each instance that its last check found healthy, or that is not checked; 0 for the others."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		live := s.live()
		o.ObserveInt64(requests, live.UnderWay)
		for _, i := range live.Instances {
			labels := metric.WithAttributes(attribute.String("backend", i.Backend), attribute.String("instance", i.URL), attribute.String("role", i.Role))
			o.ObserveInt64(calls, i.UnderWay, labels)
			o.ObserveInt64(healthy, oneIf(i.Healthy), labels)
		}
		return nil
	}, requests, calls, healthy)
	return err
}

// sentMetrics are the counters of what left the process for a collector or a
// log, and what did not.
func (s *server) sentMetrics(meter metric.Meter) error {
	for _, c := range []struct {
		name, help string
		of         func(Sent) (n int64, on bool)
	}{
		{"quack_spans_sent", "Spans that the collector has taken.", func(s Sent) (int64, bool) { return s.Spans, s.Traces }},
		{"quack_spans_dropped", "Spans for which the queue had no room.", func(s Sent) (int64, bool) { return s.SpansDropped, s.Traces }},
		{"quack_spans_failed", "Spans that the collector did not take.", func(s Sent) (int64, bool) { return s.SpansFailed, s.Traces }},
		{"quack_metric_pushes_failed", "Times that the collector did not take the metrics.", func(s Sent) (int64, bool) { return s.PushesFailed, s.Metrics }},
		{"quack_access_log_lines", "Lines written to the access log.", func(s Sent) (int64, bool) { return s.AccessLines, s.Access }},
		{"quack_access_log_dropped", "Lines of the access log that were lost: no room, or not written.", func(s Sent) (int64, bool) { return s.AccessDropped, s.Access }},
	} {
		_, err := meter.Int64ObservableCounter(c.name, metric.WithDescription(c.help), metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			if n, on := c.of(s.live().Sent); on {
				o.Observe(n)
			}
			return nil
		}))
		if err != nil {
			return err
		}
	}
	return nil
}
