// Package admin is how people and programs look at a running proxy and change
// it: the API under /api/v1, the pages that stand on it, the metrics, and the
// client of the API.
//
// Start with [New], which gives the handler of the admin listener; the CLI
// uses [Client]. Everything but /healthz, /readyz and the login page needs the
// bearer token, or a browser session begun with a one-time link. Every change
// of state goes through package control and stands in the audit.
//
// New starts no goroutine. Streams of events, and calls that wait for the gate,
// end with their request, at the latest when their server is shut down.
package admin

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/reports"
)

// MinToken is the least length of the admin token, in bytes.
const MinToken = 16

// Config is the manual.
type Config struct {
	Control *control.Control
	Gate    *readonly.Gate
	Reports *reports.Reports

	// Token is the bearer token; required, at least MinToken bytes.
	Token string
	// Hosts are the names under which browsers reach the listener, without
	// port. IP addresses and localhost always do. Any other name is refused to
	// browsers: a page of a stranger can point its own name at this address
	// (DNS rebinding), but not at a name that is not its own.
	Hosts []string

	Proofs func() []Proof // what is known of the backends' rollback; nil for none
	// WriteSets is how the readers of written rows stand; nil for none.
	WriteSets func() []WriteSets
	Stats     func() Stats // the shadow's numbers of the moment; nil for none
	Live      func() Live  // other numbers of the moment; nil for none
	Version   string
	Log       *slog.Logger
	// Handover is how the proxy stands between two processes; nil for unknown.
	Handover func() Handover
	// Calibrations makes and stops calibrations; nil for none.
	Calibrations Calibrations
	// Push makes a reader of the metrics that sends them on, beside /metrics,
	// as metrics of Resource. Not set, or nil returned: nobody does.
	Push     func(...metric.Producer) metric.Reader
	Resource *resource.Resource
	// MetricsOpen serves /metrics without the token.
	MetricsOpen bool
	// Ready says why the proxy should get no traffic, nil when it should.
	// Not set: always ready once there is a table.
	Ready func() error
}

// Proof is what is known of one instance's rollback: shadow.Proof field by
// field, so that one converts to the other.
type Proof struct {
	Backend string    `json:"backend"`
	URL     string    `json:"url"`
	Proved  bool      `json:"proved"`
	At      time.Time `json:"at"`     // of the last hello
	Detail  string    `json:"detail"` // why not
}

// Stats are the shadow's numbers of a moment: shadow.Stats field by field, so
// that one converts to the other.
type Stats struct {
	Queued       int   `json:"queued"`        // exchanges waiting for a worker
	QueuedBytes  int64 `json:"queued_bytes"`  // bytes of bodies waiting for a worker or a re-check
	Dropped      int64 `json:"dropped"`       // since the start
	Befores      int   `json:"befores"`       // shadows before live under way
	Rechecks     int   `json:"rechecks"`      // differences waiting for their re-check
	BreakersOpen int   `json:"breakers_open"` // backends whose shadow calls are paused, safe and unsafe apart
	RowsUnread   int64 `json:"rows_unread"`   // comparisons since the start that rest on numbers of rows because the rows were not read

	// RowsInserted are the rows that shadows have inserted and rolled back since the
	// start, by table: each has used up a number of its sequence, if there is one.
	RowsInserted map[string]int64 `json:"rows_inserted,omitempty"`

	Terms            int   `json:"terms"`             // learnt and not forgotten
	TermsLearnt      int64 `json:"terms_learnt"`      // since the start
	TermsSubstituted int64 `json:"terms_substituted"` // put into shadow requests
	TermsEvicted     int64 `json:"terms_evicted"`     // forgotten for others before their time
}

// server is the handler of the admin listener.
type server struct {
	control *control.Control
	gate    *readonly.Gate
	reports *reports.Reports
	proofs  func() []Proof
	written func() []WriteSets
	stats   func() Stats
	live    func() Live
	handed  func() Handover
	ready   func() error
	calls   Calibrations // nil for none
	log     *slog.Logger
	version string
	started time.Time
	hosts   map[string]bool

	token    [sha256.Size]byte
	failures *throttle
	sessions *sessions
	streams  chan struct{} // one place for each stream of events
	sights   sights
	servers  servers
	pages    *pages

	description description
}

// New makes the handler of the admin listener.
func New(c Config) (http.Handler, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c.fillIn()
	s := &server{
		control: c.Control, gate: c.Gate, reports: c.Reports,
		proofs: c.Proofs, written: c.WriteSets, stats: c.Stats, live: c.Live, handed: c.Handover, ready: c.Ready, calls: c.Calibrations,
		log: c.Log, version: c.Version, started: time.Now().UTC(),
		hosts:    map[string]bool{"localhost": true},
		token:    sha256.Sum256([]byte(c.Token)),
		failures: newThrottle(),
		sessions: newSessions(),
		streams:  make(chan struct{}, maxStreams),
	}
	for _, h := range c.Hosts {
		s.hosts[strings.ToLower(h)] = true
	}
	var err error
	if s.pages, err = newPages(); err != nil {
		return nil, err
	}
	if s.description, err = newDescription(); err != nil {
		return nil, err
	}
	metrics, err := s.newMetrics(c)
	if err != nil {
		return nil, fmt.Errorf("make the metrics: %w", err)
	}
	return s.handler(metrics, c.MetricsOpen), nil
}

func (c *Config) validate() error {
	if len(c.Token) < MinToken {
		return fmt.Errorf("the admin token has %d characters, it needs at least %d\nset QUACK_ADMIN_TOKEN to a random one: export QUACK_ADMIN_TOKEN=$(openssl rand -hex 32)", len(c.Token), MinToken)
	}
	if c.Control == nil || c.Gate == nil || c.Reports == nil {
		return errors.New("the admin listener needs Control, Gate and Reports")
	}
	return nil
}

// fillIn gives what was left out a function that says nothing.
func (c *Config) fillIn() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.WriteSets == nil {
		c.WriteSets = func() []WriteSets { return nil }
	}
	if c.Proofs == nil {
		c.Proofs = func() []Proof { return nil }
	}
	if c.Stats == nil {
		c.Stats = func() Stats { return Stats{} }
	}
	if c.Live == nil {
		c.Live = func() Live { return Live{} }
	}
	if c.Handover == nil {
		c.Handover = func() Handover { return Handover{} }
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
}
