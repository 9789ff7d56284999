// Package otlptest is a collector for tests: it takes traces and metrics by
// OTLP over HTTP, as a real one does, and tells what it got. Begin with
// [Start].
package otlptest

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"

	metricscol "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracecol "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector is a running collector. Safe for concurrent use.
type Collector struct {
	URL string

	// Status answers requests instead of taking what they bring, when it is
	// not 0. Hold, when set, is waited for before each answer.
	Status atomic.Int64
	Hold   chan struct{}

	server *httptest.Server

	mu      sync.Mutex
	spans   []Span
	metrics map[string]*metrics.Metric
	service string
	raw     bytes.Buffer
}

// Span is a span that came in.
type Span struct {
	Name                 string
	Trace, ID, Parent    string // hex; Parent is "" for a root
	Kind                 string // "server", "client" or a number
	Attributes           map[string]string
	Error                bool
	TraceState           string
	StartNanos, EndNanos uint64
}

// Start starts a collector.
func Start() *Collector {
	c := &Collector{metrics: map[string]*metrics.Metric{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		var got tracecol.ExportTraceServiceRequest
		c.take(w, r, &got, func() { c.addSpans(got.ResourceSpans) })
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, r *http.Request) {
		var got metricscol.ExportMetricsServiceRequest
		c.take(w, r, &got, func() { c.addMetrics(got.ResourceMetrics) })
	})
	c.server = httptest.NewServer(mux)
	c.URL = c.server.URL
	return c
}

// Close ends the collector.
func (c *Collector) Close() { c.server.Close() }

func (c *Collector) take(w http.ResponseWriter, r *http.Request, into proto.Message, add func()) {
	body, err := bodyOf(r) // first: only then the server sees the client leave
	if c.Hold != nil {
		select {
		case <-c.Hold:
		case <-r.Context().Done():
		}
	}
	if status := c.Status.Load(); status != 0 {
		w.WriteHeader(int(status))
		return
	}
	if err == nil {
		err = proto.Unmarshal(body, into)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(body)
	add()
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func bodyOf(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Type") != "application/x-protobuf" {
		return nil, fmt.Errorf("Content-Type %q", r.Header.Get("Content-Type"))
	}
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func (c *Collector) addSpans(list []*traces.ResourceSpans) {
	for _, resource := range list {
		c.service = attributes(resource.Resource.Attributes)["service.name"]
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, Span{
					Name: s.Name, Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId),
					Kind: kindOf(s.Kind), Attributes: attributes(s.Attributes), TraceState: s.TraceState,
					Error:      s.Status.GetCode() == traces.Status_STATUS_CODE_ERROR,
					StartNanos: s.StartTimeUnixNano, EndNanos: s.EndTimeUnixNano,
				})
			}
		}
	}
}

func kindOf(k traces.Span_SpanKind) string {
	switch k {
	case traces.Span_SPAN_KIND_SERVER:
		return "server"
	case traces.Span_SPAN_KIND_CLIENT:
		return "client"
	}
	return strconv.Itoa(int(k))
}

func attributes(list []*common.KeyValue) map[string]string {
	m := make(map[string]string, len(list))
	for _, a := range list {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			m[a.Key] = strconv.FormatInt(v.IntValue, 10)
		default:
			m[a.Key] = fmt.Sprint(v)
		}
	}
	return m
}

func (c *Collector) addMetrics(list []*metrics.ResourceMetrics) {
	for _, resource := range list {
		c.service = attributes(resource.Resource.Attributes)["service.name"]
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				c.metrics[m.Name] = m
			}
		}
	}
}

// Spans are all that came in.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Metric is the newest that came in under a name, nil when none has.
func (c *Collector) Metric(name string) *metrics.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.metrics[name]
}

// Names are the names of all metrics that came in.
func (c *Collector) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name := range c.metrics {
		names = append(names, name)
	}
	return names
}

// Service is the service.name of what came in last.
func (c *Collector) Service() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.service
}

// Raw is all that came in, as it came but for compression.
func (c *Collector) Raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw.String()
}
