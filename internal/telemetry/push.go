package telemetry

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// push sends what a reader collects, every so often. It is the SDK's periodic
// reader without a goroutine of its own, and with an end that is bounded.
type push struct {
	exporter  metric.Exporter
	every     time.Duration
	within    time.Duration // how long one may take
	complaint *complaint
	reader    *metric.ManualReader // nil until read

	failed atomic.Int64
}

func newPush(exporter metric.Exporter, every, within time.Duration, c *complaint) *push {
	return &push{exporter: exporter, every: every, within: within, complaint: c}
}

// read makes the reader.
func (p *push) read(producers []metric.Producer) metric.Reader {
	options := []metric.ManualReaderOption{
		metric.WithTemporalitySelector(p.exporter.Temporality), metric.WithAggregationSelector(p.exporter.Aggregation),
	}
	for _, producer := range producers {
		options = append(options, metric.WithProducer(producer))
	}
	p.reader = metric.NewManualReader(options...)
	return p.reader
}

// run sends until ctx ends, and then once more. sending ends what is under
// way.
func (p *push) run(ctx, sending context.Context) {
	if p.reader == nil {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.send(sending)
		case <-ctx.Done():
			p.send(sending)
			return
		}
	}
}

func (p *push) send(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.within)
	defer cancel()
	var collected metricdata.ResourceMetrics
	// What could be collected is sent even when something could not.
	err := p.reader.Collect(ctx, &collected)
	if err = errors.Join(err, p.exporter.Export(ctx, &collected)); err != nil {
		p.failed.Add(1)
		p.complaint.say(err)
	}
}
