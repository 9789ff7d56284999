package admin

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Live are numbers of the moment that the parts of the process have, and the
// admin listener only shows.
type Live struct {
	UnderWay int64 // requests of clients
	Front    Front
	Backends []Backend // in force, for live and for shadow calls
	Sent     Sent
	// Databases are those that shadow writes reach.
	Databases []Database
}

// Front is counted of the live listener's connections since the start.
type Front struct {
	Accepted, Open, HandedOver int64            // connections; Open is of the moment
	Lane                       int64            // requests served in the fast lane
	Refused                    map[string]int64 // requests, by reason; the reasons are a fixed set
}

// Backend is a backend as calls of one role see it. The counts are since it was
// made.
type Backend struct {
	Name, Role                                          string // Role is "live" or "shadow"
	BreakerOpen                                         bool
	Retries, RetriesRefused, Ejections, Opened, Refused int64
	Instances                                           []Instance
}

// Instance is one URL of a backend.
type Instance struct {
	URL                       string // scheme and host
	UnderWay                  int64  // calls
	Healthy, Ejected, Resting bool
}

// Sent is what was sent to the collector and written to the access log since
// the start, and what was lost on the way.
type Sent struct {
	Traces, Metrics, Access                        bool // are on
	Spans, SpansDropped, SpansFailed, PushesFailed int64
	AccessLines, AccessDropped                     int64
}

// liveMetric is a metric of Live; tell calls its function for each value.
type liveMetric struct {
	name, help string
	counter    bool
	tell       func(live *Live, value func(n int64, labels ...attribute.KeyValue))
}

// liveMetrics registers the metrics of Live.
func (s *server) liveMetrics(meter metric.Meter) error {
	var list []liveMetric
	for _, some := range [][]liveMetric{ofRequests, ofBackends, ofInstances, ofSent, ofDatabases} {
		list = append(list, some...)
	}
	var all []metric.Observable
	observe := make([]func(o metric.Observer, n int64, labels metric.ObserveOption), len(list))
	for i, m := range list {
		if m.counter {
			c, err := meter.Int64ObservableCounter(m.name, metric.WithDescription(m.help))
			if err != nil {
				return err
			}
			all = append(all, c)
			observe[i] = func(o metric.Observer, n int64, labels metric.ObserveOption) { o.ObserveInt64(c, n, labels) }
			continue
		}
		g, err := meter.Int64ObservableGauge(m.name, metric.WithDescription(m.help))
		if err != nil {
			return err
		}
		all = append(all, g)
		observe[i] = func(o metric.Observer, n int64, labels metric.ObserveOption) { o.ObserveInt64(g, n, labels) }
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		live := s.live()
		for i, m := range list {
			m.tell(&live, func(n int64, labels ...attribute.KeyValue) { observe[i](o, n, metric.WithAttributes(labels...)) })
		}
		return nil
	}, all...)
	return err
}

// of is a metric without labels.
func of(number func(*Live) int64) func(*Live, func(int64, ...attribute.KeyValue)) {
	return func(live *Live, value func(int64, ...attribute.KeyValue)) { value(number(live)) }
}

var ofRequests = []liveMetric{
	{"quack_requests_under_way", "Requests of clients that have not been answered to the end.", false, of(func(l *Live) int64 { return l.UnderWay })},
	{"quack_connections_open", "Connections of clients.", false, of(func(l *Live) int64 { return l.Front.Open })},
	{"quack_connections", "Connections of clients that were accepted.", true, of(func(l *Live) int64 { return l.Front.Accepted })},
	{"quack_connections_handed_over", "Connections that left the fast lane for net/http.", true, of(func(l *Live) int64 { return l.Front.HandedOver })},
	{"quack_fast_lane_requests", "Requests served in the fast lane.", true, of(func(l *Live) int64 { return l.Front.Lane })},
	{"quack_requests_refused", "Requests refused before they were matched, and connections without their PROXY header, by reason.", true,
		func(l *Live, value func(int64, ...attribute.KeyValue)) {
			for reason, n := range l.Front.Refused {
				value(n, attribute.String("reason", reason))
			}
		}},
}

// ofBackend is a metric of each backend and role.
func ofBackend(number func(*Backend) int64) func(*Live, func(int64, ...attribute.KeyValue)) {
	return func(l *Live, value func(int64, ...attribute.KeyValue)) {
		for i := range l.Backends {
			b := &l.Backends[i]
			value(number(b), attribute.String("backend", b.Name), attribute.String("role", b.Role))
		}
	}
}

var ofBackends = []liveMetric{
	{"quack_backend_breaker_open", "1 while the breaker lets no call to a backend through.", false, ofBackend(func(b *Backend) int64 { return oneIf(b.BreakerOpen) })},
	{"quack_backend_breaker_opened", "Times that the breaker opened.", true, ofBackend(func(b *Backend) int64 { return b.Opened })},
	{"quack_backend_refused", "Calls that the breaker did not let through.", true, ofBackend(func(b *Backend) int64 { return b.Refused })},
	{"quack_backend_retries", "Requests sent to another instance although one may have got them.", true, ofBackend(func(b *Backend) int64 { return b.Retries })},
	{"quack_backend_retries_refused", "Requests not sent again because the budget of retries was used up.", true, ofBackend(func(b *Backend) int64 { return b.RetriesRefused })},
	{"quack_backend_ejections", "Times that an instance was taken out of use for its answers.", true, ofBackend(func(b *Backend) int64 { return b.Ejections })},
}

// ofInstance is a metric of each instance and role.
func ofInstance(number func(*Instance) int64) func(*Live, func(int64, ...attribute.KeyValue)) {
	return func(l *Live, value func(int64, ...attribute.KeyValue)) {
		for _, b := range l.Backends {
			for i := range b.Instances {
				value(number(&b.Instances[i]), attribute.String("backend", b.Name), attribute.String("instance", b.Instances[i].URL), attribute.String("role", b.Role))
			}
		}
	}
}

var ofInstances = []liveMetric{
	{"quack_backend_calls_under_way", "Calls to an instance that have not ended.", false, ofInstance(func(i *Instance) int64 { return i.UnderWay })},
	{"quack_backend_healthy", "1 for each instance that its last check found healthy, or that is not checked; 0 for the others.", false, ofInstance(func(i *Instance) int64 { return oneIf(i.Healthy) })},
	{"quack_backend_ejected", "1 while an instance is out of use for its answers.", false, ofInstance(func(i *Instance) int64 { return oneIf(i.Ejected) })},
	{"quack_backend_resting", "1 while an instance rests that could not be reached.", false, ofInstance(func(i *Instance) int64 { return oneIf(i.Resting) })},
}

// ofSending is a metric that is there while what it is of is on.
func ofSending(on func(*Sent) bool, number func(*Sent) int64) func(*Live, func(int64, ...attribute.KeyValue)) {
	return func(l *Live, value func(int64, ...attribute.KeyValue)) {
		if on(&l.Sent) {
			value(number(&l.Sent))
		}
	}
}

func tracesOn(s *Sent) bool { return s.Traces }
func pushesOn(s *Sent) bool { return s.Metrics }
func accessOn(s *Sent) bool { return s.Access }

var ofSent = []liveMetric{
	{"quack_spans_sent", "Spans that the collector has taken.", true, ofSending(tracesOn, func(s *Sent) int64 { return s.Spans })},
	{"quack_spans_dropped", "Spans for which the queue had no room.", true, ofSending(tracesOn, func(s *Sent) int64 { return s.SpansDropped })},
	{"quack_spans_failed", "Spans that the collector did not take.", true, ofSending(tracesOn, func(s *Sent) int64 { return s.SpansFailed })},
	{"quack_metric_pushes_failed", "Times that the collector did not take the metrics.", true, ofSending(pushesOn, func(s *Sent) int64 { return s.PushesFailed })},
	{"quack_access_log_lines", "Lines written to the access log.", true, ofSending(accessOn, func(s *Sent) int64 { return s.AccessLines })},
	{"quack_access_log_dropped", "Lines of the access log that were lost: no room, or not written.", true, ofSending(accessOn, func(s *Sent) int64 { return s.AccessDropped })},
}
