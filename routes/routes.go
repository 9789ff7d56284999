// Package routes is the table of endpoints: which requests there are, where
// each stands in its migration, and with which settings.
//
// Start with [Load], which reads routes.yaml strictly and returns an immutable
// [Table] or every error at once ([Errors], each with file:line:col and what
// to do). A request asks [Table.Match] once and uses the [Route] that it got
// to its end. [Watch] reports a changed file; [Table.WithStages] gives the
// table with stages set live, under the same checks as the file; [Table.Explain]
// says what a request would meet, and where each setting was stated.
package routes

import (
	"time"

	"github.com/quackproxy/quack/cache"
	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/redact"
)

// Stage says where a route stands in its migration.
type Stage string

// The stages, in the order of a migration.
const (
	StageLegacy Stage = "legacy" // legacy answers, nobody is shadowed
	StageShadow Stage = "shadow" // legacy answers, new is shadowed
	StageRamp   Stage = "ramp"   // Percent of clients get new, the rest legacy; the other is shadowed
	StageVerify Stage = "verify" // new answers, legacy is shadowed
	StageNew    Stage = "new"    // new answers, nobody is shadowed
)

// Side is one of the two sides of a route.
type Side string

// The two sides.
const (
	Legacy Side = "legacy"
	New    Side = "new"
)

// Other is the other side.
func (s Side) Other() Side {
	if s == Legacy {
		return New
	}
	return Legacy
}

// Order says when the shadow call is made.
type Order string

// The orders.
const (
	OrderAuto   Order = "auto"   // after for safe requests, before for unsafe ones
	OrderAfter  Order = "after"  // safe requests only
	OrderBefore Order = "before" // waits for it, up to its budget
	OrderClone  Order = "clone"  // after, unsafe requests too: the shadow side has a database of its own and keeps what it writes
)

// Run says which sides are run as shadows.
type Run string

// What is run.
const (
	RunNew  Run = "new"  // the side that does not answer (the default; so named for the stage shadow)
	RunBoth Run = "both" // unsafe requests: both sides, rolled back, before the live call, compared with each other
)

// Shadow are the settings of shadow calls.
type Shadow struct {
	Sample  float64       // share of clients that are compared, 0 to 1; default 1
	Order   Order         // default auto
	Run     Run           // default new
	Timeout time.Duration // of one shadow call, queueing included; default 10s
	MaxBody int64         // bytes of request and answer kept for comparing; default 1 MiB
	Budget  time.Duration // how long a live request may wait for a shadow before it; default 250ms
	Recheck Recheck
}

// Recheck says how both sides are asked again after a difference.
type Recheck struct {
	Delay  time.Duration // before each try; default 200ms, at most a minute
	Tries  int           // at most; default 1, at most 5
	Share  float64       // of the requests that differ, 0 to 1; default 1; 0 asks none again
	Writes bool          // also rolled-back writes, with RunBoth: once, at once, before the live call; default false
}

// ReadOnly says what a route does while the gate is closed.
type ReadOnly string

// What a route does in read-only mode.
const (
	ReadOnlyAllow ReadOnly = "allow" // passes: the default for safe requests
	ReadOnlyBlock ReadOnly = "block" // 503: the default for unsafe requests
	ReadOnlySkip  ReadOnly = "skip"  // passes with Quack-Read-Only: 1; the backend leaves its writes out
)

// Position is a place in routes.yaml; lines and columns count from 1.
type Position struct {
	File   string
	Line   int
	Column int
}

// Sticky says what a client is recognised by: "header:NAME", "cookie:NAME",
// "path:PARAM", "query:NAME" or "ip".
type Sticky struct {
	Kind string // "header", "cookie", "path", "query", "ip"; "" when not set
	Name string
}

// Rewrite is the same request in the other side's terms.
type Rewrite struct {
	Path string // path pattern with the route's parameters; "" keeps the path
}

// Limits are what a request may be, and how long its body or its answer's may
// stand still.
type Limits struct {
	RequestBody   int64         // bytes; more is 413; 0, the default, is no limit
	RequestHeader int64         // bytes of target and header; more is 431, or 414; default 64 KiB
	Idle          time.Duration // a body that does not move for so long is broken off; 0, the default, is no limit
}

// Fallback says what a route at StageRamp or StageVerify does when its new side
// can not be reached.
type Fallback string

// The fallbacks.
const (
	FallbackAuto Fallback = "auto" // legacy answers where that is safe: nothing was sent, or the request is idempotent
	FallbackOff  Fallback = "off"
)

// Route is one endpoint with its settings, everything inherited and defaulted.
// It is immutable.
type Route struct {
	Name     string // unique; derived from method and pattern when not given
	Method   string // "" for any
	Pattern  string // chi pattern, whole path
	Position Position

	Legacy, New *Backend // New is nil for the default route
	Stage       Stage
	Percent     float64 // of clients that get new at StageRamp, 0 to 100; 0 at other stages
	Sticky      Sticky  // default ip

	Safe       bool // RFC 9110 9.2.1, by method unless stated; false for any method, see SafeFor
	Idempotent bool // RFC 9110 9.2.2, by method unless stated; see IdempotentFor

	Timeout  time.Duration // of the live call until its answer's head; default 30s
	Shadow   Shadow
	ReadOnly ReadOnly       // with a method, or stated; see ReadOnlyFor
	Cache    cache.Settings // zero on an unsafe route
	Compare  *compare.Rules // with the options stated; nil when there are neither rules nor options
	Rewrite  map[Side]Rewrite
	Expose   bool // Quack-Served-By to the client
	Limits   Limits
	Compress bool     // answers to clients that take it; default false
	Fallback Fallback // default auto
	Ready    Ready
	Learn    []Learn // what the shadow side calls otherwise; none where it keeps nothing
	// Redact is what is taken for a secret besides what is known to be one; nil is nothing.
	Redact *redact.Policy

	node      *treeNode
	from      *scope // where each setting was stated
	rules     *ruleList
	options   compare.Options
	messages  *messages
	params    []string // names of the pattern's parameters, in order
	regexps   []bool   // which of them have a regular expression; nil when none
	templates map[Side]pathPattern
	terms     []Place // of all routes of the table
	// What Redact is made of.
	redactEmail                 bool
	redactNames, redactPatterns *redaction
	// States of the hash after the salts, see share.go.
	rampSeed, sampleSeed uint64
}
