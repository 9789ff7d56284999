package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/quackproxy/quack/routes"
)

// recording has the world's spans recorded.
func recording(sampler sdk.Sampler) (*tracetest.SpanRecorder, func(*Config)) {
	spans := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans), sdk.WithSampler(sampler))
	return spans, func(c *Config) { c.Tracer = provider.Tracer("test") }
}

// endedSpans waits for n spans to end, and gives them by name.
func endedSpans(t *testing.T, spans *tracetest.SpanRecorder, n int) map[string]sdk.ReadOnlySpan {
	t.Helper()
	until(t, "spans", func() bool { return len(spans.Ended()) >= n })
	byName := map[string]sdk.ReadOnlySpan{}
	for _, s := range spans.Ended() {
		byName[s.Name()] = s
	}
	if len(byName) != n || len(spans.Ended()) != n {
		t.Fatalf("%d spans have ended, want %d of different names: %v", len(spans.Ended()), n, byName)
	}
	return byName
}

func value(s sdk.ReadOnlySpan, key attribute.Key) string {
	for _, a := range s.Attributes() {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// seen notes the trace context that a backend gets.
type seen struct {
	mu     sync.Mutex
	parent []string
	state  []string
}

func (s *seen) answer(status int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.parent, s.state = r.Header["Traceparent"], r.Header["Tracestate"]
		s.mu.Unlock()
		w.WriteHeader(status)
		io.WriteString(w, "{}")
	}
}

func traceparentOf(c trace.SpanContext, flags string) string {
	return "00-" + c.TraceID().String() + "-" + c.SpanID().String() + "-" + flags
}

const (
	clientTrace  = "0af7651916cd43dd8448eb211c80319c"
	clientSpan   = "b7ad6b7169203331"
	clientParent = "00-" + clientTrace + "-" + clientSpan + "-01"
)

func TestSpansOfARequest(t *testing.T) {
	spans, change := recording(sdk.ParentBased(sdk.AlwaysSample()))
	var backend seen
	w := newWorld(t, `  - {name: show, match: "GET /accounts/{id}", stage: shadow}`, backend.answer(200), nil, change)
	w.ask("GET", "/accounts/7?token=hunter2", "", "Traceparent", clientParent, "Tracestate", "vendor=1,other=2", "Authorization", "Bearer hunter2")

	got := endedSpans(t, spans, 2)
	server, live := got["show"], got["live show"]
	if server == nil || live == nil {
		t.Fatalf("%v", got)
	}
	if p := server.Parent(); p.TraceID().String() != clientTrace || p.SpanID().String() != clientSpan || !p.IsRemote() {
		t.Errorf("the server span's parent is %v", p)
	}
	if live.Parent().SpanID() != server.SpanContext().SpanID() || live.SpanContext().TraceID() != server.SpanContext().TraceID() {
		t.Errorf("the live span's parent is %v", live.Parent())
	}
	if server.SpanKind() != trace.SpanKindServer || live.SpanKind() != trace.SpanKindClient {
		t.Errorf("kinds %v, %v", server.SpanKind(), live.SpanKind())
	}
	if want := traceparentOf(live.SpanContext(), "01"); len(backend.parent) != 1 || backend.parent[0] != want {
		t.Errorf("the backend got traceparent %q, want %q", backend.parent, want)
	}
	if strings.Join(backend.state, "|") != "vendor=1,other=2" {
		t.Errorf("the backend got tracestate %q", backend.state)
	}
	offered := w.shadow.oneOffer(t)
	if offered.request.Span.SpanID() != server.SpanContext().SpanID() || offered.request.Trace != clientTrace {
		t.Errorf("the shadow got %v, trace %q", offered.request.Span, offered.request.Trace)
	}
	for key, want := range map[attribute.Key]string{
		"http.request.method": "GET", "http.route": "/accounts/{id}", "http.response.status_code": "200", "network.protocol.version": "1.1",
		"quack.route": "show", "quack.stage": "shadow", "quack.side": "legacy", "quack.request_id": offered.request.ID,
	} {
		if got := value(server, key); got != want {
			t.Errorf("server span: %s is %q, want %q", key, got, want)
		}
	}
	for key, want := range map[attribute.Key]string{
		"quack.role": "live", "quack.side": "legacy", "quack.backend": "monolith", "http.response.status_code": "200", "server.address": "127.0.0.1",
	} {
		if got := value(live, key); got != want {
			t.Errorf("live span: %s is %q, want %q", key, got, want)
		}
	}
	if server.StartTime().After(live.StartTime()) || server.EndTime().Before(live.EndTime()) {
		t.Error("the live span does not lie in the server span")
	}
}

var anyTraceparent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-(0[01])$`)

// What the backend sees as its parent.
func TestTraceparentWithTracing(t *testing.T) {
	for _, c := range []struct {
		reason, path string
		sampler      sdk.Sampler
		header       []string
		want         string // "" is the live span's
		flags        string
		state        string
		spans        int
	}{
		{"sampled by the client", "/accounts/7", sdk.ParentBased(sdk.NeverSample()), []string{"Traceparent", clientParent, "Tracestate", "a=1"}, "", "01", "a=1", 2},
		{"not sampled by the client: its own traceparent passes", "/accounts/7", sdk.ParentBased(sdk.AlwaysSample()),
			[]string{"Traceparent", strings.TrimSuffix(clientParent, "1") + "0", "Tracestate", "a=1"}, strings.TrimSuffix(clientParent, "1") + "0", "00", "a=1", 0},
		{"nothing from the client: a trace is started", "/accounts/7", sdk.ParentBased(sdk.AlwaysSample()), nil, "", "01", "", 2},
		{"nothing from the client, and not sampled", "/accounts/7", sdk.ParentBased(sdk.NeverSample()), nil, "any", "00", "", 0},
		{"two traceparents are none, and their tracestate goes", "/accounts/7", sdk.AlwaysSample(),
			[]string{"Traceparent", clientParent, "Traceparent", clientParent, "Tracestate", "a=1"}, "", "01", "", 2},
		{"the default route too", "/elsewhere", sdk.AlwaysSample(), nil, "", "01", "", 2},
		{"a tracestate that is none travels on", "/accounts/7", sdk.AlwaysSample(), []string{"Traceparent", clientParent, "Tracestate", "?"}, "", "01", "?", 2},
	} {
		t.Run(c.reason, func(t *testing.T) {
			spans, change := recording(c.sampler)
			var backend seen
			w := newWorld(t, `  - {name: show, match: "GET /accounts/{id}"}`, backend.answer(200), nil, change)
			w.ask("GET", c.path, "", c.header...)
			w.counts.waitServed(t, 1)
			until(t, "spans", func() bool { return len(spans.Ended()) == c.spans })
			want := c.want
			if want == "" {
				for _, s := range spans.Ended() {
					if s.SpanKind() == trace.SpanKindClient {
						want = traceparentOf(s.SpanContext(), c.flags)
					}
				}
			}
			if len(backend.parent) != 1 {
				t.Fatalf("the backend got traceparent %q", backend.parent)
			}
			got := anyTraceparent.FindStringSubmatch(backend.parent[0])
			if got == nil || got[1] != c.flags || want != "any" && got[0] != want {
				t.Errorf("the backend got traceparent %q, want %q", backend.parent, want)
			}
			if strings.Join(backend.state, "|") != c.state {
				t.Errorf("the backend got tracestate %q, want %q", backend.state, c.state)
			}
		})
	}
}

// answerThenClose is a backend that says the same to everything and hangs up.
func answerThenClose(answer string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, in *bufio.Reader) {
		if _, err := readHead(in); err == nil {
			io.WriteString(c, answer)
		}
	}
}

// How spans end that did not go well, and that nothing is told of why.
func TestSpansOfFailures(t *testing.T) {
	broken := rawBackend(t, answerThenClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhunter2"))
	nonsense := rawBackend(t, answerThenClose("hunter2 is no answer\r\n\r\n"))
	for _, c := range []struct {
		reason  string
		backend any
		kind    string // error.type of the live span
		status  string // of the server span
		error   bool   // of the server span
	}{
		{"nobody listens", "http://127.0.0.1:1", "unreachable", "502", true},
		{"the answer breaks off", broken, "broken", "200", true},
		{"the answer is none", nonsense, "broken", "502", true},
		{"the backend is at fault", new(seen).answer(500), "", "500", true},
		{"the client is", new(seen).answer(404), "", "404", false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			spans, change := recording(sdk.AlwaysSample())
			w := newWorld(t, `  - {name: show, match: "GET /accounts/{id}"}`, c.backend, nil, change)
			if res, err := w.client.Get(w.url + "/accounts/7"); err == nil {
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			got := endedSpans(t, spans, 2)
			if kind := value(got["live show"], "error.type"); kind != c.kind || got["live show"].Status().Code != codes.Error {
				t.Errorf("live span: error.type %q, %v", kind, got["live show"].Status())
			}
			if status := value(got["show"], "http.response.status_code"); status != c.status || (got["show"].Status().Code == codes.Error) != c.error {
				t.Errorf("server span: %s, %v", status, got["show"].Status())
			}
			for _, s := range got {
				for _, a := range append(s.Attributes(), attribute.String("", s.Status().Description)) {
					if strings.Contains(a.Value.String(), "hunter2") {
						t.Errorf("%s tells %v", s.Name(), a)
					}
				}
			}
		})
	}
}

// One span for each instance that is tried; the backend sees the last.
func TestSpanOfEachInstanceThatIsTried(t *testing.T) {
	spans, change := recording(sdk.AlwaysSample())
	var backend seen
	good := httptest.NewServer(http.HandlerFunc(backend.answer(200)))
	defer good.Close()
	w := newWorld(t, `
version: 1
backends: {monolith: {urls: ["http://127.0.0.1:1", "`+good.URL+`"]}}
defaults: {legacy: monolith, new: monolith}
routes:
  - {name: show, match: "GET /accounts/{id}"}
`, nil, nil, change)
	for range 2 { // it is each one's turn once
		w.ask("GET", "/accounts/7", "")
	}
	until(t, "spans", func() bool { return len(spans.Ended()) >= 5 })
	var failed, went sdk.ReadOnlySpan
	for _, s := range spans.Ended() {
		switch {
		case value(s, "error.type") == "unreachable":
			failed = s
		case s.SpanKind() == trace.SpanKindClient:
			went = s
		}
	}
	if failed == nil || went == nil || backend.parent[0] != traceparentOf(went.SpanContext(), "01") {
		t.Errorf("failed %v, went %v, the backend got %q", failed, went, backend.parent)
	}
}

// Answers of Quack's own have a server span and no other.
func TestSpanOfARefusal(t *testing.T) {
	spans, change := recording(sdk.AlwaysSample())
	w := newWorld(t, "  []", nil, nil, change)
	w.ask("TRACE", "/x", "")
	got := endedSpans(t, spans, 1)
	for _, s := range got {
		if s.SpanKind() != trace.SpanKindServer || value(s, "http.response.status_code") != "501" || value(s, "http.request.method") != "TRACE" {
			t.Errorf("%s: %v", s.Name(), s.Attributes())
		}
	}
}

// What is off costs nothing.
func TestNothingAllocatedWhenOff(t *testing.T) {
	r := httptest.NewRequest("GET", "/accounts/7?x=1", nil)
	r.Header.Set("Traceparent", clientParent)
	p := &proxy{Config: Config{Counters: nobody{}}}
	l := &life{proxy: p, r: r, began: time.Now(), route: &routes.Route{Name: "show"}, named: true}
	h := r.Header
	req := &http.Request{Header: h}
	ctx := context.Background()
	res := &http.Response{StatusCode: 200}
	n := testing.AllocsPerRun(100, func() {
		l.beginTrace()
		l.traceContext(h)
		l.beginCall(req, nil)
		l.endCall(ctx, res, nil)
		_ = l.serverSpan()
		l.endTrace()
		l.logAccess(time.Second)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	if l.trace != clientTrace {
		t.Errorf("trace %q", l.trace)
	}
}

// The requests under way are counted from their first byte to the end of their
// answer, however it ends.
func TestUnderWay(t *testing.T) {
	var n atomic.Int64
	during := make(chan int64, 2)
	w := newWorld(t, `  - {name: show, match: "GET /accounts/{id}"}`, func(_ http.ResponseWriter, r *http.Request) {
		during <- n.Load()
		if r.URL.Path == "/accounts/8" {
			panic(http.ErrAbortHandler)
		}
	}, nil, func(c *Config) { c.UnderWay = &n })
	for _, path := range []string{"/accounts/7", "/accounts/8"} {
		w.ask("GET", path, "")
		if got := <-during; got != 1 {
			t.Errorf("%s: %d under way while it was", path, got)
		}
		until(t, "its end", func() bool { return n.Load() == 0 })
	}
}
