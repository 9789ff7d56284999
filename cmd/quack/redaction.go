package main

import (
	"log/slog"
	"sync/atomic"

	"github.com/quackproxy/quack/internal/redact"
	"github.com/quackproxy/quack/routes"
)

// redaction takes secrets out of what belongs to no route: the log, and errors
// of what is sent to a collector. What any route takes for one is one there.
type redaction struct {
	base *redact.Redactor
	now  atomic.Pointer[redact.Redactor]
}

// newRedaction keys the fingerprints with QUACK_SECRET, and with a random key
// where it is not set.
func newRedaction(own string) (*redaction, error) {
	key, err := fingerprintKey(own)
	if err != nil {
		return nil, err
	}
	d := &redaction{base: redact.New(key)}
	d.now.Store(d.base)
	return d, nil
}

// use takes what the routes of a table take for secrets.
func (d *redaction) use(t *routes.Table) { d.now.Store(d.base.Under(t.Redaction())) }

// attr is for slog.HandlerOptions.ReplaceAttr.
func (d *redaction) attr(groups []string, a slog.Attr) slog.Attr { return d.now.Load().Attr(groups, a) }

func (d *redaction) text(s string) string { return d.now.Load().Text(s) }

// redactionOf is what a route takes for a secret. Of one that is no more there is
// evidence: then it is what any route does.
func (p *process) redactionOf(route string) *redact.Policy {
	if p.control == nil || p.control.Table() == nil {
		return nil // nothing is stored or read yet
	}
	t := p.control.Table()
	if r := t.Route(route); r != nil {
		return r.Redact
	}
	if route == t.Default().Name {
		return t.Default().Redact
	}
	return t.Redaction()
}
