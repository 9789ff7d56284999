package admin

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/otel/attribute"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/quackproxy/quack/reports"
)

// newMetrics makes the handler of /metrics. What is shown is read from where it
// is counted, when it is asked for: the pages, the API and the metrics can not
// disagree. Labels are bounded by the table in force (routes that are no longer
// in it are left out), by the backends, by the reasons that Quack knows, and by
// the few words of adapters that reports keeps for each route.
func (s *server) newMetrics(c Config) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(
		exporter.WithRegisterer(registry),
		exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo(),
		exporter.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes),
		exporter.WithProducer(latencies{s}),
	)
	if err != nil {
		return nil, err
	}
	// The SDK would fold all but 2,000 routes into one; they are bounded here.
	options := []sdk.Option{sdk.WithReader(reader), sdk.WithCardinalityLimit(0)}
	if c.Push != nil {
		if push := c.Push(latencies{s}); push != nil {
			options = append(options, sdk.WithReader(push), sdk.WithResource(c.Resource))
		}
	}
	meter := sdk.NewMeterProvider(options...).Meter(scope)
	for _, register := range []func(metric.Meter) error{s.routeMetrics, s.answerMetrics, s.stateMetrics, s.liveMetrics, s.termMetrics} {
		if err := register(meter); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: promLog{s}, MaxRequestsInFlight: 4}), nil
}

// promLog writes what goes wrong in a scrape to the log.
type promLog struct{ s *server }

func (l promLog) Println(v ...any) { l.s.log.Error("metrics", "error", v) }

// perRoute are the counters that each route has.
var perRoute = []struct {
	name, help string
	of         func(*reports.RouteReport) int64
}{
	{"quack_served", "Answers to clients.", func(r *reports.RouteReport) int64 { return r.Served }},
	{"quack_compared", "Requests compared: matched, mismatched, transient and noise.", func(r *reports.RouteReport) int64 { return r.Compared }},
	{"quack_matched", "Comparisons without a difference that counts.", func(r *reports.RouteReport) int64 { return r.Matched }},
	{"quack_mismatched", "Comparisons that differ.", func(r *reports.RouteReport) int64 { return r.Mismatched }},
	{"quack_transient", "Comparisons that differed because the world moved.", func(r *reports.RouteReport) int64 { return r.Transient }},
	{"quack_noise", "Comparisons that differ where legacy keeps differing from itself.", func(r *reports.RouteReport) int64 { return r.Noise }},
	{"quack_unchecked", "Comparisons that differ and that no re-check has confirmed.", func(r *reports.RouteReport) int64 { return r.Unchecked }},
	{"quack_suspect", "Comparisons that may be an intermittent fault of new, or a write between the two calls.", func(r *reports.RouteReport) int64 { return r.Suspect }},
	{"quack_unverified", "Comparisons that match but for ids of which it is not known yet that they are generated.", func(r *reports.RouteReport) int64 { return r.Unverified }},
	{"quack_forgiven", "Differences that did not count.", func(r *reports.RouteReport) int64 { return r.Forgiven }},
	{"quack_compare_errors", "Answers that could not be compared.", func(r *reports.RouteReport) int64 { return r.Errors }},
	{"quack_dropped", "Comparisons that the full queue turned away.", func(r *reports.RouteReport) int64 { return r.Dropped }},
}

// fallbackReasons bound the label why: proxy's, see there.
var fallbackReasons = []string{"unreachable", "lost", "breaker", "no-instance"}

// perWord are the counters of each route that have a label besides.
var perWord = []struct {
	name, help, label string
	of                func(*reports.RouteReport) map[string]int64
}{
	{"quack_skipped", "Requests on shadowed routes that were not compared, by reason.", "reason", func(r *reports.RouteReport) map[string]int64 {
		return bounded(r.Skipped, func(reason string) bool { return reports.SkipMeans(reason) != "" })
	}},
	{"quack_skipped_unsupported", "Requests that were skipped as unsupported, by the word with which the adapter has said what could not be undone.", "word", func(r *reports.RouteReport) map[string]int64 {
		return r.Unsupported
	}},
	{"quack_fallbacks", "Requests that legacy answered in place of new, which was away, by why.", "why", func(r *reports.RouteReport) map[string]int64 {
		return bounded(r.Fallbacks, func(why string) bool { return slices.Contains(fallbackReasons, why) })
	}},
}

func (s *server) routeMetrics(meter metric.Meter) error {
	counters, labelled := make([]metric.Int64ObservableCounter, len(perRoute)), make([]metric.Int64ObservableCounter, len(perWord))
	var all []metric.Observable
	counter := func(to *metric.Int64ObservableCounter, name, help string) (err error) {
		*to, err = meter.Int64ObservableCounter(name, metric.WithDescription(help))
		all = append(all, *to)
		return err
	}
	for i, c := range perRoute {
		if err := counter(&counters[i], c.name, c.help); err != nil {
			return err
		}
	}
	for i, c := range perWord {
		if err := counter(&labelled[i], c.name, c.help); err != nil {
			return err
		}
	}
	upper, err := meter.Float64ObservableGauge("quack_mismatch_upper95", metric.WithDescription("Upper bound of the share of mismatches, at 95 % confidence; 1 when nothing was compared."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		list := s.reports.Live()
		for i := range list {
			if s.inTable(list[i].Name) {
				observeRoute(o, &list[i], counters, labelled, upper)
			}
		}
		return nil
	}, append(all, upper)...)
	return err
}

func observeRoute(o metric.Observer, r *reports.RouteReport, counters, labelled []metric.Int64ObservableCounter, upper metric.Float64ObservableGauge) {
	name := attribute.String("route", r.Name)
	route := metric.WithAttributeSet(attribute.NewSet(name))
	for i, c := range perRoute {
		o.ObserveInt64(counters[i], c.of(r), route)
	}
	o.ObserveFloat64(upper, r.MismatchUpper, route)
	for i, c := range perWord {
		for word, n := range c.of(r) {
			o.ObserveInt64(labelled[i], n, metric.WithAttributes(name, attribute.String(c.label, word)))
		}
	}
}

// bounded is counts by words that are known; all others are "other".
func bounded(counts map[string]int64, known func(word string) bool) map[string]int64 {
	few := make(map[string]int64, len(counts))
	for word, n := range counts {
		if !known(word) {
			word = "other"
		}
		few[word] += n
	}
	return few
}

// stateMetrics are the gauges of the gate, the leaks, the table and the shadow.
func (s *server) stateMetrics(meter metric.Meter) error {
	gauges := map[string]metric.Int64ObservableGauge{}
	var all []metric.Observable
	for _, g := range []struct{ name, help string }{
		{"quack_readonly", "1 while the gate is closed."},
		{"quack_gate_epoch", "Number of changes of the gate."},
		{"quack_writes_under_way", "Writes that were let through and have not ended."},
		{"quack_leak_suspected", "1 for each route whose write shadowing is latched off."},
		{"quack_table_load_failed", "1 while routes.yaml does not load and the table before it is in force."},
		{"quack_table_loaded_timestamp_seconds", "When routes.yaml was last put in force."},
		{"quack_rollback_proved", "1 for each instance that has proved that it rolls back, 0 for those that have not."},
		{"quack_write_sets_available", "1 for each database of which the rows that shadows write can be read, 0 for those of which they can not."},
		{"quack_write_sets_missed", "Transactions of shadows since the start whose rows were not read, or not all."},
		{"quack_write_sets_retained_bytes", "Bytes of WAL that each database keeps for the slot of its reader."},
		{"quack_write_sets_orphans", "Prepared transactions of shadows that nobody has rolled back."},
		{"quack_shadow_queued", "Exchanges that wait for a shadow worker."},
		{"quack_shadow_queued_bytes", "Bytes of bodies that wait for a shadow worker or a re-check."},
		{"quack_shadow_befores", "Shadows before live under way."},
		{"quack_shadow_rechecks", "Differences that wait for their re-check."},
		{"quack_shadow_breakers_open", "Backends whose shadow calls are paused after repeated faults."},
		{"quack_shadow_rows_unread", "Comparisons of writes since the start that rest on numbers of rows because the rows were not read."},
		{"quack_shadow_rows_inserted", "Rows that shadows have inserted and rolled back since the start, by table: each has used up a number of its table's sequence."},
		{"quack_evidence_queued", "Comparisons that wait to be written to the store."},
		{"quack_evidence_kept_bytes", "Bytes of evidence in the store."},
		{"quack_evidence_dropped", "Comparisons counted but not kept since the start: queue full, or disk at fault."},
		{"quack_evidence_failing", "1 while reports can not be written to the store."},
		{"quack_rules_overdue", "Rules of each route that are past the last day on which they were meant to be needed."},
		{"quack_build_info", "1, with the version as a label."},
	} {
		gauge, err := meter.Int64ObservableGauge(g.name, metric.WithDescription(g.help))
		if err != nil {
			return err
		}
		gauges[g.name] = gauge
		all = append(all, gauge)
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s.observeState(func(name string, n int64, labels ...attribute.KeyValue) {
			o.ObserveInt64(gauges[name], n, metric.WithAttributes(labels...))
		})
		return nil
	}, all...)
	return err
}

func (s *server) observeState(set func(name string, n int64, labels ...attribute.KeyValue)) {
	gate := s.gate.State()
	set("quack_readonly", oneIf(gate.ReadOnly))
	set("quack_gate_epoch", gate.Epoch)
	set("quack_writes_under_way", s.gate.UnderWay())
	for _, l := range s.control.Latches() {
		set("quack_leak_suspected", 1, attribute.String("route", l.Route))
	}
	at, err := s.control.LastLoad()
	set("quack_table_load_failed", oneIf(err != nil))
	if !at.IsZero() {
		set("quack_table_loaded_timestamp_seconds", at.Unix())
	}
	for _, p := range s.proofs() {
		set("quack_rollback_proved", oneIf(p.Proved), attribute.String("backend", p.Backend), attribute.String("instance", p.URL))
	}
	for _, w := range s.written() {
		database := attribute.String("database", w.Database)
		set("quack_write_sets_available", oneIf(w.Available), database)
		set("quack_write_sets_missed", w.Truncated+w.Late+w.Failed, database)
		set("quack_write_sets_retained_bytes", w.RetainedWAL, database)
		set("quack_write_sets_orphans", int64(w.Orphans), database)
	}
	st := s.stats()
	set("quack_shadow_queued", int64(st.Queued))
	set("quack_shadow_queued_bytes", st.QueuedBytes)
	set("quack_shadow_befores", int64(st.Befores))
	set("quack_shadow_rechecks", int64(st.Rechecks))
	set("quack_shadow_breakers_open", int64(st.BreakersOpen))
	set("quack_shadow_rows_unread", st.RowsUnread)
	for table, n := range st.RowsInserted {
		set("quack_shadow_rows_inserted", n, attribute.String("table", table))
	}
	ev := s.reports.Stats()
	set("quack_evidence_queued", int64(ev.Queued))
	set("quack_evidence_kept_bytes", ev.EvidenceBytes)
	set("quack_evidence_dropped", ev.EvidenceDropped)
	set("quack_evidence_failing", oneIf(ev.LastError != ""))
	for route, n := range s.overdue(time.Now()) {
		set("quack_rules_overdue", n, attribute.String("route", route))
	}
	set("quack_build_info", 1, attribute.String("version", s.version))
}

func oneIf(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
