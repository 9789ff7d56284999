package reports

import (
	"regexp"
	"strings"

	"github.com/quackproxy/quack/internal/wording"
)

// Skip reasons: why a request on a shadowed route was not compared.
const (
	SkipNoProof     = "no-proof"      // the backend has not proved that it rolls back
	SkipLatched     = "latched"       // a leak is suspected; an operator has to reset it
	SkipUnconfirmed = "unconfirmed"   // no answer of the adapter's: 502/503/504 or none at all
	SkipBudget      = "budget"        // a shadow before live ran out of its budget
	SkipBusy        = "busy"          // too many shadows before live at once, or on the database
	SkipDatabase    = "database-busy" // the database has enough to do, or can not be watched
	SkipBodySize    = "body-size"     // request larger than max_body
	SkipNotModified = "not-modified"  // live answered 304
	SkipUpgrade     = "upgrade"       // protocol upgrade
	SkipStream      = "stream"        // answer without end, or a gRPC call that is not unary
	SkipAborted     = "aborted"       // the client or the live backend broke off
	SkipTimeout     = "timeout"       // the shadow call's
	SkipStale       = "stale"         // waited for a worker too long to be sent
	SkipUnreachable = "unreachable"   // the shadow backend could not be reached
	SkipReadOnly    = "read-only"     // the gate is closed
	SkipNested      = "nested"        // caused by a shadow of ours; refused
	SkipUnsupported = "unsupported"   // the adapter could not sandbox the request, or gRPC that can not be shadowed
	SkipBreaker     = "breaker"       // shadow calls are paused after repeated faults
	SkipFallback    = "fallback"      // legacy answered in place of new, which was away
	SkipNotLearnt   = "not-learnt"    // the shadow side does not know the client's session: what it calls it was not learnt, or is forgotten
)

// timeouts are the skips where time ran out.
var timeouts = []string{SkipTimeout, SkipBudget, SkipStale}

// Unsupported is SkipUnsupported with a word for what could not be undone, as
// an adapter's acknowledgement has it: "unsupported:too-many-statements".
func Unsupported(word string) string { return SkipUnsupported + ":" + word }

// aWord is what a word of [Unsupported] looks like; any other is "other".
var aWord = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// splitSkip parts a skip reason from its word, "" for none.
func splitSkip(skip string) (reason, word string) {
	word, found := strings.CutPrefix(skip, Unsupported(""))
	switch {
	case !found:
		return skip, ""
	case !aWord.MatchString(word):
		word = "other"
	}
	return SkipUnsupported, word
}

// SkipMeans says what a skip reason means, and what can be done; "" of an
// unknown one.
func SkipMeans(reason string) string { return skipMeans[reason] }

var skipMeans = map[string]string{
	SkipNoProof:     "the backend has not proved that it rolls back",
	SkipLatched:     "a leak is suspected; reset the route to go on",
	SkipUnconfirmed: "no answer of the adapter's: 502, 503, 504 or none",
	SkipBudget:      "a shadow before live ran out of its budget",
	SkipBusy:        "too many shadows before live at once, over all or on the database (max_shadows)",
	SkipDatabase:    "the database has enough to do, or its watchdog can not reach it: see quack status",
	SkipBodySize:    "the request is larger than max_body",
	SkipNotModified: "live answered 304",
	SkipUpgrade:     "a protocol upgrade",
	SkipStream:      "an answer without end, or a gRPC call that is not unary",
	SkipAborted:     "the live backend could not be reached or broke off, or the client did",
	SkipTimeout:     "the shadow call took too long: shadow.timeout",
	SkipStale:       "the shadow call waited for its turn too long to be sent: shadow.timeout",
	SkipUnreachable: "the shadow backend could not be reached",
	SkipReadOnly:    "the gate was closed",
	SkipNested:      "caused by a shadow of ours; refused",
	SkipUnsupported: "the adapter could not undo the request, or Quack not shadow the gRPC call",
	SkipBreaker:     "shadow calls were paused after repeated faults",
	SkipFallback:    "legacy answered in place of new, which was away",
	SkipNotLearnt:   "the shadow side does not know the client's session: it was not learnt, or is forgotten",
}

// UnsupportedText is "3 (copy 2, hijack 1)", "" where no adapter has said why.
func (r RouteReport) UnsupportedText() string {
	if len(r.Unsupported) == 0 {
		return ""
	}
	return wording.Tally(r.Unsupported)
}
