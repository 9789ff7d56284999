// Package reports keeps what comparisons found: counters, differences grouped
// by (route, path, kind), and bounded, redacted evidence. Package
// reports/render writes it, and reports/export asks it again with other tools.
//
// Start with [Open]. The data path calls [Reports.Record], [Reports.Skip] and
// the like, which never block and never fail: they count in memory and queue
// evidence in a bounded queue ([Reports.Run] writes both in batches within a
// second, counters first; what does not fit of evidence is dropped and
// counted). Readers call [Reports.Report], [Reports.Differences] and
// [Reports.Comparison].
// Evidence is redacted when it leaves the queue; no secret reaches the store.
package reports

import (
	"net/http"
	"time"

	"github.com/quackproxy/quack/compare"
)

// Verdict is what became of one comparison.
type Verdict string

// The verdicts, from best to worst. compared = matched + mismatched +
// transient + noise; errors are counted apart.
const (
	Match     Verdict = "match"
	Transient Verdict = "transient" // legacy differed from its own first answer there: the world moved
	Noise     Verdict = "noise"     // legacy keeps differing from itself there
	Mismatch  Verdict = "mismatch"
	Error     Verdict = "error" // could not be compared: an answer was incomplete, or did not decode
)

// Request is the request that both sides were asked.
type Request struct {
	Method   string      `json:"method"`
	Target   string      `json:"target"` // path and query as they came
	Host     string      `json:"host"`
	Header   http.Header `json:"header"`
	Body     []byte      `json:"body,omitempty"`
	BodySize int64       `json:"body_size"` // bytes as they came
	BodyNote string      `json:"body_note"` // in stored evidence: what was done to the body, or why it is not kept
}

// Side is one side's part in a comparison.
type Side struct {
	Backend string           // name in routes.yaml
	URL     string           // scheme, host and target as sent: for copy as curl
	Answer  compare.Exchange // as it was compared
	Latency time.Duration    // from request fully sent to end of answer

	// BodyNote says, in stored evidence, what was done to the body
	// ("decompressed from gzip", "cut to its first 131072 bytes") or why it is
	// not kept. Answer.Size and Answer.Digest then still speak for the body as
	// it came; the digest is keyed: equal bodies have equal ones.
	BodyNote string
	// WritesNote says, in stored evidence, what was left out of Answer.Writes.
	WritesNote string
}

// Comparison is the verdict over two exchanges of one request. It is handed
// over to Record unredacted and must not be changed afterwards.
type Comparison struct {
	ID       string    // the request id
	At       time.Time // when the request came
	Route    string
	Stage    string
	Live     string // side that answered the client: "legacy" or "new"; "" for run: both, where neither did
	First    string // side that ran first
	Request  Request
	Legacy   Side
	New      Side
	Verdict  Verdict
	Unsteady bool // Mismatch: new does not agree with itself
	// Suspect: at a place that is Transient new did not agree with itself and
	// legacy did, but new was asked first, so that a write between the two calls
	// would look the same. It is a Mismatch when it happens there again.
	Suspect bool
	// Unverified: Match: ids were forgiven as generated at a place where legacy
	// has not been seen to give another one when asked again.
	Unverified bool
	// Rechecked is how many times both sides were asked again and answered. A
	// mismatch with 0 stands as it was found.
	Rechecked int
	// Differences that are final, each with the verdict of its place.
	Differences []Found
	Forgiven    []compare.Forgiven
	// Unlisted is how many more places differ than Differences has, and ByPosition
	// has those of which the elements were too many to be paired
	// ([compare.Result.ByPosition]).
	Unlisted   int
	ByPosition []string
	Err        string // with verdict Error: why
	// Writes is what was compared of writes: "" nothing, WritesCounted or
	// WritesDecoded. WritesNote is why it is not WritesDecoded where it was to be.
	Writes     string
	WritesNote string
	// Secrets are values that are redacted wherever they stand, because their
	// names do not say what they are. They are never kept.
	Secrets []string `json:"-"`
}

// Found is a difference and the verdict of its place.
type Found struct {
	compare.Difference
	Verdict Verdict `json:"verdict"` // Mismatch, Transient or Noise
}
