package admin_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
)

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.plant()
	w.proofs = []admin.Proof{{Backend: "accounts", URL: "http://127.0.0.1:4000", Proved: true}, {Backend: "monolith", URL: "http://127.0.0.1:3000"}}
	w.control.Latch(control.Latch{Route: "accounts.create", Why: "x"})
	pass, _ := w.gate.Enter()
	defer pass.Leave()
	if _, err := w.control.Freeze(t.Context(), "ann", "x", 0); err != nil {
		t.Fatal(err)
	}
	w.control.LoadFailed(errors.New("x"))
	w.reports.Skip("accounts.create", "made up")
	w.reports.Skip("accounts.create", reports.Unsupported("too-many-statements"))
	w.reports.Skip("accounts.create", reports.Unsupported("Of No Form"))
	w.reports.Skip("gone", "no-proof")
	w.reports.Fallback("accounts.create", "lost")
	w.reports.Fallback("accounts.create", "made up")
	w.reports.Served("(default)", "legacy", "legacy", 200, time.Millisecond)
	_, body := w.ask("GET", "/metrics", "")
	for _, line := range []string{
		`quack_served_total{route="accounts.show"} 3`,
		`quack_served_total{route="(default)"} 1`,
		`quack_compared_total{route="accounts.show"} 4`,
		`quack_matched_total{route="accounts.show"} 3`,
		`quack_mismatched_total{route="accounts.show"} 1`,
		`quack_transient_total{route="accounts.show"} 0`,
		`quack_noise_total{route="accounts.show"} 0`,
		`quack_forgiven_total{route="accounts.show"} 2`,
		`quack_compare_errors_total{route="accounts.show"} 0`,
		`quack_dropped_total{route="accounts.show"} 0`,
		`quack_skipped_total{reason="no-proof",route="accounts.create"} 1`,
		`quack_skipped_total{reason="other",route="accounts.create"} 1`,
		`quack_skipped_total{reason="unsupported",route="accounts.create"} 2`,
		`quack_skipped_unsupported_total{route="accounts.create",word="too-many-statements"} 1`,
		`quack_skipped_unsupported_total{route="accounts.create",word="other"} 1`,
		`quack_fallbacks_total{route="accounts.create",why="lost"} 1`,
		`quack_fallbacks_total{route="accounts.create",why="other"} 1`,
		`quack_mismatch_upper95{route="accounts.create"} 1`,
		`quack_readonly 1`, `quack_gate_epoch 1`, `quack_writes_under_way 1`,
		`quack_leak_suspected{route="accounts.create"} 1`,
		`quack_table_load_failed 1`,
		`quack_rollback_proved{backend="accounts",instance="http://127.0.0.1:4000"} 1`,
		`quack_rollback_proved{backend="monolith",instance="http://127.0.0.1:3000"} 0`,
		`quack_shadow_queued 3`, `quack_shadow_queued_bytes 4096`,
		`quack_build_info{version="quack test"} 1`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	if !strings.Contains(body, "go_goroutines ") {
		t.Error("nothing of the process")
	}
	if strings.Contains(body, `route="gone"`) {
		t.Error("a route that is not in the table makes labels")
	}
	if t.Failed() {
		t.Log(body)
	}
	if err := w.control.ResetLatch(t.Context(), "accounts.create", "ann", "x"); err != nil {
		t.Fatal(err)
	}
	if _, body := w.ask("GET", "/metrics", ""); strings.Contains(body, "quack_leak_suspected{") {
		t.Error("a leak that was reset is still there")
	}
}

// Answers by side and class of status, their latencies, what goes on at the
// moment, and what was sent.
func TestMetricsOfAnswersAndInstances(t *testing.T) {
	live := admin.Live{
		UnderWay: 7,
		Front:    admin.Front{Accepted: 12, Open: 6, HandedOver: 2, Lane: 90, Refused: map[string]int64{"host": 3}},
		Backends: []admin.Backend{
			{Name: "accounts", Role: "live", BreakerOpen: true, Retries: 4, RetriesRefused: 5, Ejections: 6, Opened: 7, Refused: 8,
				Instances: []admin.Instance{{URL: "http://127.0.0.1:4000", UnderWay: 3, Healthy: true, Resting: true}}},
			{Name: "accounts", Role: "shadow", Instances: []admin.Instance{{URL: "http://127.0.0.1:4000", Ejected: true}}},
		},
		Sent: admin.Sent{Traces: true, Spans: 5, SpansDropped: 2, SpansFailed: 1, Access: true, AccessLines: 9, AccessDropped: 4},
	}
	w := newWorld(t, func(c *admin.Config) { c.Live = func() admin.Live { return live } })
	w.reports.Served("accounts.show", "shadow", "legacy", 200, time.Millisecond)
	w.reports.Served("accounts.show", "shadow", "legacy", 204, time.Hour)
	w.reports.Served("accounts.show", "shadow", "legacy", 502, time.Millisecond)
	w.reports.Served("accounts.show", "ramp", "new", 200, time.Minute)
	w.reports.Served("gone", "ramp", "new", 200, time.Minute)
	_, body := w.ask("GET", "/metrics", "")
	for _, line := range []string{
		`quack_answers_total{route="accounts.show",side="legacy",status="2xx"} 2`,
		`quack_answers_total{route="accounts.show",side="legacy",status="5xx"} 1`,
		`quack_answers_total{route="accounts.show",side="new",status="2xx"} 1`,
		`quack_served_total{route="accounts.show"} 4`,
		`quack_answer_duration_seconds_bucket{route="accounts.show",side="legacy",le="+Inf"} 3`,
		`quack_answer_duration_seconds_count{route="accounts.show",side="legacy"} 3`,
		`quack_answer_duration_seconds_sum{route="accounts.show",side="legacy"} 3600.002`,
		`quack_answer_duration_seconds_sum{route="accounts.show",side="new"} 60`,
		`quack_requests_under_way 7`,
		`quack_backend_calls_under_way{backend="accounts",instance="http://127.0.0.1:4000",role="live"} 3`,
		`quack_backend_healthy{backend="accounts",instance="http://127.0.0.1:4000",role="live"} 1`,
		`quack_backend_healthy{backend="accounts",instance="http://127.0.0.1:4000",role="shadow"} 0`,
		`quack_backend_resting{backend="accounts",instance="http://127.0.0.1:4000",role="live"} 1`,
		`quack_backend_ejected{backend="accounts",instance="http://127.0.0.1:4000",role="shadow"} 1`,
		`quack_backend_breaker_open{backend="accounts",role="live"} 1`, `quack_backend_breaker_open{backend="accounts",role="shadow"} 0`,
		`quack_backend_retries_total{backend="accounts",role="live"} 4`, `quack_backend_retries_refused_total{backend="accounts",role="live"} 5`,
		`quack_backend_ejections_total{backend="accounts",role="live"} 6`, `quack_backend_breaker_opened_total{backend="accounts",role="live"} 7`,
		`quack_backend_refused_total{backend="accounts",role="live"} 8`,
		`quack_connections_open 6`, `quack_connections_total 12`, `quack_connections_handed_over_total 2`,
		`quack_fast_lane_requests_total 90`, `quack_requests_refused_total{reason="host"} 3`,
		`quack_spans_sent_total 5`, `quack_spans_dropped_total 2`, `quack_spans_failed_total 1`,
		`quack_access_log_lines_total 9`, `quack_access_log_dropped_total 4`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	// Of the three of legacy two took a millisecond.
	if n := strings.Count(body, `quack_answer_duration_seconds_bucket{route="accounts.show",side="legacy",le="`); n != 17 {
		t.Errorf("%d buckets, want 17", n)
	}
	if !regexp.MustCompile(`duration_seconds_bucket\{route="accounts.show",side="legacy",le="0.0018\d*"\} 2\n`).MatchString(body) {
		t.Error("what took a millisecond is not in the bucket up to 1.8 ms")
	}
	for _, none := range []string{`route="gone"`, "quack_metric_pushes_failed"} {
		if strings.Contains(body, none) {
			t.Errorf("%s is there", none)
		}
	}
	if t.Failed() {
		t.Log(body)
	}
}

// More routes than the SDK would keep apart by itself.
func TestMetricsOfManyRoutes(t *testing.T) {
	w := newWorld(t)
	var file strings.Builder
	file.WriteString("version: 1\nbackends: {a: {urls: [http://127.0.0.1:1]}, b: {urls: [http://127.0.0.1:2]}}\ndefaults: {legacy: a, new: b}\nroutes:\n")
	const n = 2100
	for i := range n {
		fmt.Fprintf(&file, "  - {name: r%d, match: GET /r%d}\n", i, i)
	}
	w.use(file.String())
	for i := range n {
		w.reports.Served(fmt.Sprintf("r%d", i), "legacy", "legacy", 200, time.Millisecond)
	}
	_, body := w.ask("GET", "/metrics", "")
	if got := strings.Count(body, "quack_served_total{route="); got != n || strings.Contains(body, "overflow") {
		t.Errorf("%d routes, want %d", got, n)
	}
}

// Two listeners in one process do not meet.
func TestMetricsAreNotGlobal(t *testing.T) {
	one, two := newWorld(t), newWorld(t)
	one.plant()
	if _, body := two.ask("GET", "/metrics", ""); strings.Contains(body, "accounts.show") {
		t.Error("the metrics of one are those of the other")
	}
}
