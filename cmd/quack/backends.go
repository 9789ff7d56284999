package main

import (
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// useBackends gives both sets the backends of a table that is about to be in
// force, and the log what that takes for secrets.
func (p *process) useBackends(t *routes.Table) {
	p.observed.redaction.use(t)
	var live, shadows []upstream.Spec
	for _, b := range t.Backends() {
		options := optionsOf(b)
		live = append(live, upstream.Spec{Name: b.Name, URLs: b.URLs, Options: options})
		options.MaxConns, options.IdleConns = shadowConns, shadowConns
		if b.MaxConns > 0 {
			options.MaxConns = min(b.MaxConns, shadowConns)
		}
		shadows = append(shadows, upstream.Spec{Name: b.Name, URLs: b.URLs, Options: options})
		if b.Rollback == routes.RollbackLanes {
			laned := b.ForLanes()
			options.HealthPath = ""
			shadows = append(shadows, upstream.Spec{Name: laned.Name, URLs: laned.URLs, Options: options})
		}
	}
	p.live.Use(live)
	p.shadows.Use(shadows)
}

// shadowConns bounds the connections of shadow calls to one instance.
const shadowConns = 32

// optionsOf are the settings of a backend as its calls need them.
func optionsOf(b *routes.Backend) upstream.Options {
	return upstream.Options{
		Protocol:       protocolOf[b.Protocol],
		Reuse:          reuseOf[b.Reuse],
		TLS:            upstream.TLS{CA: b.TLS.CA, Cert: b.TLS.Cert, Key: b.TLS.Key, Name: b.TLS.Name},
		DialTimeout:    b.ConnectTimeout,
		MaxConns:       b.MaxConns,
		HealthPath:     b.Health.Path,
		HealthEvery:    b.Health.Every,
		HealthTimeout:  b.Health.Timeout,
		UnhealthyAfter: b.Health.Unhealthy,
		HealthyAfter:   b.Health.Healthy,
		Outlier:        upstream.Outlier(b.Outlier),
		Breaker:        upstream.Breaker(b.Breaker),
	}
}

var protocolOf = map[routes.Protocol]upstream.Protocol{
	routes.ProtocolHTTP1: upstream.ProtocolHTTP1,
	routes.ProtocolHTTP2: upstream.ProtocolHTTP2,
}

var reuseOf = map[routes.Reuse]upstream.Reuse{
	routes.ReuseIdempotent: upstream.ReuseIdempotent,
	routes.ReuseRecent:     upstream.ReuseRecent,
	routes.ReuseAlways:     upstream.ReuseAlways,
	routes.ReuseNever:      upstream.ReuseNever,
}
