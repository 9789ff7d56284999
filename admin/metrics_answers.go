package admin

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/quackproxy/quack/reports"
)

// scope names what makes the metrics.
const scope = "github.com/quackproxy/quack"

// inTable reports whether a route is in the table in force: others make no
// labels.
func (s *server) inTable(route string) bool {
	t := s.control.Table()
	return t != nil && (t.Route(route) != nil || route == t.Default().Name)
}

// statusClasses are the values of the label status.
var statusClasses = [6]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// sideLabel is the label side of an answer.
func sideLabel(side string) attribute.KeyValue {
	if side == "" {
		side = "none" // Quack's own
	}
	return attribute.String("side", side)
}

// answerMetrics are the answers of each route by side and class of status.
func (s *server) answerMetrics(meter metric.Meter) error {
	answers, err := meter.Int64ObservableCounter("quack_answers", metric.WithDescription("Answers to clients, by the side that answered and the class of their status."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, a := range s.reports.Answers() {
			if !s.inTable(a.Route) {
				continue
			}
			for class, n := range a.Classes {
				if n > 0 {
					o.ObserveInt64(answers, n, metric.WithAttributes(attribute.String("route", a.Route), sideLabel(a.Side), attribute.String("status", statusClasses[class])))
				}
			}
		}
		return nil
	}, answers)
	return err
}

// latencies makes the histogram of latencies from what reports has counted: the
// meter has no histogram that is read from elsewhere. It is a producer for the
// readers of the SDK.
type latencies struct{ s *server }

// Produce implements metric.Producer.
func (l latencies) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	bounds, now := reports.LatencyBounds(), time.Now()
	h := metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality}
	for _, a := range l.s.reports.Answers() {
		if !l.s.inTable(a.Route) {
			continue
		}
		point := metricdata.HistogramDataPoint[float64]{
			Attributes: attribute.NewSet(attribute.String("route", a.Route), sideLabel(a.Side)),
			StartTime:  l.s.started, Time: now,
			Bounds: bounds, BucketCounts: make([]uint64, len(a.Latencies)), Sum: a.Sum.Seconds(),
		}
		for i, n := range a.Latencies {
			point.BucketCounts[i] = uint64(n)
			point.Count += uint64(n)
		}
		h.DataPoints = append(h.DataPoints, point)
	}
	return []metricdata.ScopeMetrics{{
		Scope: instrumentation.Scope{Name: scope},
		Metrics: []metricdata.Metrics{{
			Name: "quack_answer_duration", Unit: "s", Data: h,
			Description: "From the first byte of a request to the end of its answer, by the side that answered.",
		}},
	}}, nil
}
