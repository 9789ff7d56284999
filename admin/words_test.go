package admin

import (
	"testing"

	"github.com/quackproxy/quack/reports"
)

// TestPaceWords: the sentence says what the ratio beside it says, which is of the
// same request and not of the two medians.
func TestPaceWords(t *testing.T) {
	t.Parallel()
	latency := func(p50 float64) reports.Latency { return reports.Latency{P50: p50} }
	for want, r := range map[string]reports.RouteReport{
		"At the median the new side takes 2.4 times as long.": {Legacy: latency(1), New: latency(7), Ratio: reports.Quantiles{P50: 2.36}},
		"At the median the new side is 2.0 times as fast.":    {Legacy: latency(1), New: latency(7), Ratio: reports.Quantiles{P50: 0.5}},
		"At the median both sides take about the same time.":  {Legacy: latency(1), New: latency(7), Ratio: reports.Quantiles{P50: 1}},
		"At the median the new side takes 7.0 times as long.": {Legacy: latency(1), New: latency(7)},
		"": {},
	} {
		if got := paceWords(&r); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}
