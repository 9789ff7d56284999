package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/telemetry/otlptest"
	"github.com/quackproxy/quack/reports"
)

// parents notes the trace context of each request that a side gets.
type parents struct {
	mu   sync.Mutex
	seen []string
}

func (p *parents) answer(r *http.Request) (int, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, strings.Join(r.Header["Traceparent"], "|"))
	return 200, `{"id":7}`
}

func (p *parents) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func eventually(t *testing.T, q *running, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not come about: %s\n%s", what, q.logged())
		}
	}
}

func collector(t *testing.T) *otlptest.Collector {
	t.Helper()
	c := otlptest.Start()
	t.Cleanup(c.Close)
	return c
}

// collectedBy makes a process send what it traces and measures to c.
func collectedBy(c *otlptest.Collector) (prepare func(*exec.Cmd)) {
	return func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_BSP_SCHEDULE_DELAY=20", "OTEL_METRIC_EXPORT_INTERVAL=250", "OTEL_SERVICE_NAME=edge")
	}
}

const shadowedShow = "  - {name: show, match: \"GET /products/{id}\", stage: shadow}\n"

// One shadowed request as a collector sees it, and as both sides do.
func TestTracesOfAShadowedRequest(t *testing.T) {
	t.Parallel()
	collector := collector(t)
	var legacy, newer parents
	q := startPrepared(t, table(serveJSON(t, legacy.answer), serveJSON(t, newer.answer), "", shadowedShow), collectedBy(collector), "--access-log", filepath.Join(t.TempDir(), "access.log"))
	const trace, client = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	req, err := http.NewRequest("GET", q.url+"/products/7?token=hunter2-query", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Traceparent", "00-"+trace+"-"+client+"-01")
	req.Header.Set("Tracestate", "vendor=1")
	req.Header.Set("Authorization", "Bearer hunter2-header")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()

	eventually(t, q, "three spans", func() bool { return len(collector.Spans()) >= 3 })
	spans := map[string]otlptest.Span{}
	for _, s := range collector.Spans() {
		spans[s.Name] = s
		if s.Trace != trace || s.TraceState != "vendor=1" || s.Error {
			t.Errorf("span %+v", s)
		}
	}
	server, live, shadow := spans["show"], spans["live show"], spans["shadow show"]
	if len(spans) != 3 || server.Parent != client || live.Parent != server.ID || shadow.Parent != server.ID {
		t.Fatalf("spans %+v", spans)
	}
	if server.Kind != "server" || live.Kind != "client" || shadow.Kind != "client" {
		t.Errorf("kinds %s, %s, %s", server.Kind, live.Kind, shadow.Kind)
	}
	if l, s := live.Attributes, shadow.Attributes; l["quack.role"] != "live" || l["quack.side"] != "legacy" || s["quack.role"] != "shadow" || s["quack.side"] != "new" {
		t.Errorf("live %v, shadow %v", l, s)
	}
	if shadow.StartNanos < server.EndNanos-uint64(time.Second) || server.EndNanos < live.EndNanos {
		t.Errorf("the live span is not within the server's")
	}
	for side, want := range map[*parents]string{&legacy: live.ID, &newer: shadow.ID} {
		if got := side.all(); len(got) != 1 || got[0] != "00-"+trace+"-"+want+"-01" {
			t.Errorf("a side got traceparent %q, want span %s", got, want)
		}
	}
	if collector.Service() != "edge" || server.Attributes["http.route"] != "/products/{id}" {
		t.Errorf("service %q, %v", collector.Service(), server.Attributes)
	}
	q.stop()
	if strings.Contains(collector.Raw(), "hunter2") || strings.Contains(collector.Raw(), testToken) {
		t.Error("a secret went to the collector")
	}
}

// What is pushed is what is scraped.
func TestMetricsArePushedUnderTheSameNames(t *testing.T) {
	t.Parallel()
	collector := collector(t)
	answer := func(*http.Request) (int, string) { return 200, `{"id":7}` }
	q := startPrepared(t, table(serveJSON(t, answer), serveJSON(t, answer), "", shadowedShow), collectedBy(collector))
	for range 3 {
		q.ask("GET", "/products/7", "")
	}
	q.until("show", "3 compared", func(r reports.RouteReport) bool { return r.Compared == 3 })
	eventually(t, q, "the count of answers", func() bool {
		m := collector.Metric("quack_served")
		return m != nil && len(m.GetSum().GetDataPoints()) == 1 && m.GetSum().DataPoints[0].GetAsInt() == 3
	})
	if h := collector.Metric("quack_answer_duration"); h == nil || h.Unit != "s" || h.GetHistogram().DataPoints[0].Count != 3 {
		t.Errorf("latencies: %v", h)
	}
	pushed := collector.Names()
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (quack_\w+) `).FindAllStringSubmatch(q.adminGet("/metrics"), -1) {
		name := strings.TrimSuffix(strings.TrimSuffix(found[1], "_total"), "_seconds")
		if !slices.Contains(pushed, name) && !slices.Contains(pushed, found[1]) {
			t.Errorf("%s is scraped and not pushed: %v", found[1], pushed)
		}
	}
	if len(pushed) < 20 {
		t.Errorf("pushed: %v", pushed)
	}
	if body := q.adminGet("/metrics"); !strings.Contains(body, `quack_backend_calls_under_way{backend="monolith",`) || !strings.Contains(body, "quack_requests_under_way 0\n") || !strings.Contains(body, "quack_fast_lane_requests_total 3\n") {
		t.Errorf("nothing of the live path in\n%s", body)
	}
}

// A collector that is down costs spans, which are counted, and nothing else.
func TestCollectorThatIsDown(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "5")
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "5")
	answer := func(*http.Request) (int, string) { return 200, `{"id":7}` }
	q := start(t, table(serveJSON(t, answer), serveJSON(t, answer), "", shadowedShow))
	for i := range 50 {
		if status, _ := q.ask("GET", fmt.Sprint("/products/", i), ""); status != 200 {
			t.Fatalf("request %d: %d", i, status)
		}
	}
	q.until("show", "all compared", func(r reports.RouteReport) bool { return r.Matched == 50 })
	eventually(t, q, "150 spans counted as failed", func() bool {
		return strings.Contains(q.adminGet("/metrics"), "quack_spans_failed_total 150\n")
	})
	q.stop() // with exit code 0
	if n := strings.Count(q.logged(), "traces can not be sent"); n != 1 {
		t.Errorf("said %d times:\n%s", n, q.logged())
	}
}

// The access log as logrotate treats it, and what must not stand in it.
func TestAccessLogFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "access.log")
	answer := func(*http.Request) (int, string) { return 200, `{"id":7}` }
	q := start(t, table(serveJSON(t, answer), serveJSON(t, answer), "", shadowedShow), "--access-log", name, "--log-format=text")
	lines := func(name string) []string {
		b, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	}
	q.ask("GET", "/products/7?password=hunter2", "")
	eventually(t, q, "the first line", func() bool { return strings.Contains(lines(name)[0], "path=/products/7 ") })
	if line := lines(name)[0]; !strings.Contains(line, " msg=request ") || !strings.Contains(line, " route=show ") || !strings.Contains(line, " status=200 ") || strings.Contains(line, "hunter2") {
		t.Errorf("line %s", line)
	}
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	if err := q.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, q, "the new file", func() bool { _, err := os.Stat(name); return err == nil })
	q.ask("GET", "/products/8", "")
	eventually(t, q, "a line in the new file", func() bool { return strings.Contains(lines(name)[0], "path=/products/8 ") })
	if old := lines(name + ".1"); len(old) != 1 {
		t.Errorf("the old file got more: %q", old)
	}
	if body := q.adminGet("/metrics"); !strings.Contains(body, "quack_access_log_lines_total 2\n") || !strings.Contains(body, "quack_access_log_dropped_total 0\n") {
		t.Error("the lines are not counted")
	}
}

// With a share of nothing errors are still there, on stderr.
func TestAccessLogOfErrorsOnStderr(t *testing.T) {
	answer := func(r *http.Request) (int, string) {
		if r.URL.Path == "/products/9" {
			return 503, "{}"
		}
		return 200, "{}"
	}
	t.Setenv("QUACK_ACCESS_LOG", "stderr")
	t.Setenv("QUACK_ACCESS_LOG_SAMPLE", "0%")
	t.Setenv("QUACK_ACCESS_LOG_SLOW", "1h")
	q := start(t, table(serveJSON(t, answer), serveJSON(t, answer), "", "  - {name: show, match: \"GET /products/{id}\"}\n"))
	q.ask("GET", "/products/7", "")
	q.ask("GET", "/products/9", "")
	eventually(t, q, "the error's line", func() bool { return strings.Contains(q.logged(), "path=/products/9") })
	q.stop()
	if strings.Contains(q.logged(), "path=/products/7") {
		t.Errorf("what went well is logged:\n%s", q.logged())
	}
}

// Profiles are nowhere but on the admin listener.
func TestProfilesOnlyOnTheAdminListener(t *testing.T) {
	answer := func(r *http.Request) (int, string) { return 404, `{"from":"backend"}` }
	q := start(t, table(serveJSON(t, answer), serveJSON(t, answer), "", shadowedShow), "--health", "127.0.0.1:0")
	if status, body := q.ask("GET", "/debug/pprof/", ""); status != 404 || body != `{"from":"backend"}` {
		t.Errorf("the live listener answers %d %s", status, body)
	}
	health := healthOnly(http.NotFoundHandler())
	if _, pattern := health.(*http.ServeMux).Handler(mustRequest(t, "/debug/pprof/")); pattern != "" {
		t.Errorf("the health listener serves %s", pattern)
	}
	if body := q.adminGet("/debug/pprof/goroutine?debug=1"); !strings.Contains(body, "goroutine profile:") {
		t.Errorf("the admin listener answers %s", body)
	}
	res, err := http.Get(q.client.Base + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the token: %s", res.Status)
	}
}

func mustRequest(t *testing.T, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		text string
		want share
		bad  bool
	}{
		{"100%", 1, false}, {"1.0", 1, false}, {"10%", 0.1, false}, {"0.25", 0.25, false}, {"0", 0, false}, {" 5% ", 0.05, false},
		{"10", 0, true}, {"101%", 0, true}, {"-1%", 0, true}, {"NaN", 0, true}, {"some", 0, true}, {"", 0, true},
	} {
		var s share
		err := s.UnmarshalText([]byte(c.text))
		if (err != nil) != c.bad || s != c.want {
			t.Errorf("%q is %v, %v", c.text, s, err)
		}
	}
}
