package telemetry

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what of the environment is not read by the exporters and the
// SDK themselves. See the OpenTelemetry specification, "Environment Variable
// Specification".
type settings struct {
	traces, metrics bool
	batch           batch
	every, within   time.Duration // of the metrics: how often, and how long it may take
}

// batch is how spans are sent.
type batch struct {
	queue  int           // spans waiting
	most   int           // spans sent at once
	every  time.Duration // how long a span waits for others
	within time.Duration // how long sending may take
}

// environment reads variables and gathers what is wrong with them.
type environment struct {
	getenv func(string) string
	errs   []error
}

func readSettings(getenv func(string) string) (settings, error) {
	e := &environment{getenv: getenv}
	var s settings
	if strings.EqualFold(e.get("OTEL_SDK_DISABLED"), "true") {
		return s, nil
	}
	s.traces, s.metrics = e.sends("TRACES", "otlp"), e.sends("METRICS", "otlp", "prometheus")
	if s.traces {
		e.checkSampler()
		s.batch = batch{
			queue: e.count("OTEL_BSP_MAX_QUEUE_SIZE", 2048), most: e.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
			every: e.millis("OTEL_BSP_SCHEDULE_DELAY", 5000), within: e.millis("OTEL_BSP_EXPORT_TIMEOUT", 30000),
		}
	}
	if s.metrics {
		s.every, s.within = e.millis("OTEL_METRIC_EXPORT_INTERVAL", 60000), e.millis("OTEL_METRIC_EXPORT_TIMEOUT", 30000)
	}
	return s, errors.Join(e.errs...)
}

func (e *environment) get(name string) string { return strings.TrimSpace(e.getenv(name)) }

// wrong notes what is to be put right, once: traces and metrics share variables.
func (e *environment) wrong(format string, args ...any) {
	next := fmt.Errorf(format, args...)
	for _, err := range e.errs {
		if err.Error() == next.Error() {
			return
		}
	}
	e.errs = append(e.errs, next)
}

// sends reports whether a signal, TRACES or METRICS, is to be sent: when there
// is an endpoint for it. known are the exporters that Quack has; "prometheus"
// is there anyway.
func (e *environment) sends(signal string, known ...string) bool {
	if e.get("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && e.get("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") == "" {
		return false
	}
	otlp := false
	for name := range strings.SplitSeq(e.or("OTEL_"+signal+"_EXPORTER", "otlp"), ",") {
		switch name = strings.TrimSpace(name); {
		case name == "none":
		case !slices.Contains(known, name):
			e.wrong("OTEL_%s_EXPORTER %q is not known\n  it is otlp or none", signal, name)
		case name == "otlp":
			otlp = true
		}
	}
	if otlp {
		e.checkProtocol(signal)
		e.checkEndpoint(signal)
	}
	return otlp
}

func (e *environment) or(name, instead string) string {
	if v := e.get(name); v != "" {
		return v
	}
	return instead
}

// checkProtocol refuses what is not OTLP over HTTP with protobuf, which every
// collector speaks.
func (e *environment) checkProtocol(signal string) {
	name := "OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL"
	if e.get(name) == "" {
		name = "OTEL_EXPORTER_OTLP_PROTOCOL"
	}
	if v := e.get(name); v != "" && v != "http/protobuf" {
		e.wrong("%s %q is not spoken\n  set it to http/protobuf, and the endpoint to the collector's port for that, as a rule 4318", name, v)
	}
}

// checkEndpoint refuses what the exporter would take for a path, or would send
// to nobody.
func (e *environment) checkEndpoint(signal string) {
	name := "OTEL_EXPORTER_OTLP_" + signal + "_ENDPOINT"
	if e.get(name) == "" {
		name = "OTEL_EXPORTER_OTLP_ENDPOINT"
	}
	v := e.get(name)
	if u, err := url.Parse(v); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		e.wrong("%s %q is not a URL\n  write its scheme and host, as in http://collector:4318", name, v)
	}
}

// checkSampler refuses what the SDK would replace by its default.
func (e *environment) checkSampler() {
	known := []string{"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"}
	name := strings.ToLower(e.get("OTEL_TRACES_SAMPLER"))
	if name != "" && !slices.Contains(known, name) {
		e.wrong("OTEL_TRACES_SAMPLER %q is not known\n  it is one of %s", name, strings.Join(known, ", "))
	}
	arg := e.get("OTEL_TRACES_SAMPLER_ARG")
	if !strings.HasSuffix(name, "traceidratio") || arg == "" {
		return
	}
	if share, err := strconv.ParseFloat(arg, 64); err != nil || !(share >= 0 && share <= 1) {
		e.wrong("OTEL_TRACES_SAMPLER_ARG %q is not a share of the traces\n  it is a number from 0 to 1, as in 0.1", arg)
	}
}

func (e *environment) count(name string, instead int) int {
	v := e.get(name)
	if v == "" {
		return instead
	}
	n, err := strconv.Atoi(v)
	if err != nil || n <= 0 || n > 1<<20 {
		e.wrong("%s %q is not a number from 1 to %d", name, v, 1<<20)
		return instead
	}
	return n
}

func (e *environment) millis(name string, instead int) time.Duration {
	v := e.get(name)
	if v == "" {
		return time.Duration(instead) * time.Millisecond
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n <= 0 {
		e.wrong("%s %q is not a number of milliseconds above zero", name, v)
		return time.Duration(instead) * time.Millisecond
	}
	return time.Duration(n) * time.Millisecond
}
