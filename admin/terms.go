package admin

import (
	"context"

	"go.opentelemetry.io/otel/metric"
)

// termMetrics are of what the shadow has learnt of pairs of answers.
func (s *server) termMetrics(meter metric.Meter) error {
	kept, err := meter.Int64ObservableGauge("quack_shadow_terms", metric.WithDescription("Terms that are learnt and not forgotten: sessions, tokens and ids of the shadow side."))
	if err != nil {
		return err
	}
	counted := []struct {
		name, help string
		of         func(Stats) int64
	}{
		{"quack_shadow_terms_learnt", "Terms learnt of pairs of answers.", func(st Stats) int64 { return st.TermsLearnt }},
		{"quack_shadow_terms_substituted", "Terms put into shadow requests in the place of the live side's.", func(st Stats) int64 { return st.TermsSubstituted }},
		{"quack_shadow_terms_evicted", "Terms forgotten for others before their time.", func(st Stats) int64 { return st.TermsEvicted }},
	}
	counters := make([]metric.Int64ObservableCounter, len(counted))
	all := []metric.Observable{kept}
	for i, c := range counted {
		if counters[i], err = meter.Int64ObservableCounter(c.name, metric.WithDescription(c.help)); err != nil {
			return err
		}
		all = append(all, counters[i])
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		st := s.stats()
		o.ObserveInt64(kept, int64(st.Terms))
		for i, c := range counted {
			o.ObserveInt64(counters[i], c.of(st))
		}
		return nil
	}, all...)
	return err
}
