// Package upstream makes calls to backends. It alone touches the HTTP client
// engine.
//
// Start with [New], pick an [Instance] with [Backend.Pick] and send an
// *http.Request made by [NewRequest] with [Instance.RoundTrip]; [Set] keeps
// the backends of a table that changes. The target's bytes go on the wire as
// they were given; nothing is followed, decompressed or added (no User-Agent,
// no Accept-Encoding of its own), and an unsafe request is sent at most once.
// Live and shadow calls use Backends of their own, so that they share no
// connection and no limit.
package upstream

import "time"

// Options are how calls to a backend are made. The zero value is the default.
type Options struct {
	DialTimeout    time.Duration // default 5s
	IdleConns      int           // idle connections kept per instance; default 64
	MaxConns       int           // calls at once per instance, more wait; 0 is no limit
	MaxHeaderBytes int64         // of an answer's head; default 64 KiB
	HealthPath     string        // GET; 2xx and 3xx are healthy; "" has no active check
	HealthEvery    time.Duration // default 5s; also how long a check may take
}

func (o Options) withDefaults() Options {
	if o.DialTimeout == 0 {
		o.DialTimeout = 5 * time.Second
	}
	if o.IdleConns == 0 {
		o.IdleConns = 64
	}
	if o.MaxHeaderBytes == 0 {
		o.MaxHeaderBytes = 64 << 10
	}
	if o.HealthEvery == 0 {
		o.HealthEvery = 5 * time.Second
	}
	return o
}
