package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// Every setting of a backend gets to its calls.
func TestOptionsOf(t *testing.T) {
	b := &routes.Backend{
		Protocol: routes.ProtocolHTTP2, Reuse: routes.ReuseNever, MaxConns: 7, ConnectTimeout: 3 * time.Second,
		TLS:     routes.TLS{CA: "ca", Cert: "cert", Key: "key", Name: "name"},
		Health:  routes.Health{Path: "/up", Every: time.Second, Timeout: 2 * time.Second, Healthy: 3, Unhealthy: 4},
		Outlier: routes.Outlier{Off: true, Failures: 5, For: time.Minute, Max: 0.25},
		Breaker: routes.Breaker{Off: true, Failures: 6, For: time.Hour},
	}
	want := upstream.Options{
		Protocol: upstream.ProtocolHTTP2, Reuse: upstream.ReuseNever, MaxConns: 7, DialTimeout: 3 * time.Second,
		TLS:        upstream.TLS{CA: "ca", Cert: "cert", Key: "key", Name: "name"},
		HealthPath: "/up", HealthEvery: time.Second, HealthTimeout: 2 * time.Second, HealthyAfter: 3, UnhealthyAfter: 4,
		Outlier: upstream.Outlier{Off: true, Failures: 5, For: time.Minute, Max: 0.25},
		Breaker: upstream.Breaker{Off: true, Failures: 6, For: time.Hour},
	}
	if got := optionsOf(b); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for p, want := range map[routes.Protocol]upstream.Protocol{routes.ProtocolHTTP1: upstream.ProtocolHTTP1, routes.ProtocolHTTP2: upstream.ProtocolHTTP2} {
		if got := optionsOf(&routes.Backend{Protocol: p}).Protocol; got != want {
			t.Errorf("%s is %v", p, got)
		}
	}
	for r, want := range map[routes.Reuse]upstream.Reuse{routes.ReuseIdempotent: upstream.ReuseIdempotent, routes.ReuseRecent: upstream.ReuseRecent, routes.ReuseAlways: upstream.ReuseAlways, routes.ReuseNever: upstream.ReuseNever} {
		if got := optionsOf(&routes.Backend{Reuse: r}).Reuse; got != want {
			t.Errorf("%s is %v", r, got)
		}
	}
}
