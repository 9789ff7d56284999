// Package compare decides whether two answers to one request are the same.
//
// Start with [Exchanges], which takes the legacy and the new [Exchange] and the
// compiled [Rules] of the route, and returns a [Result]: every [Difference]
// with its path and kind, and every difference that was forgiven, with the
// reason. [Compile] turns rules as they are written into Rules, and [Suggest]
// proposes some for what was observed.
//
// Bodies are compared by what they are: JSON and what is read as such (records,
// server-sent events, protobuf and gRPC), XML and HTML, forms, multipart bodies,
// text by line, all others as bytes. Without any rule, timestamps of one format
// that are close to each other, ids that each side made up, and header fields
// whose values are free are forgiven; [Options] switch that off.
//
// What needs nothing of an answer stands in packages below internal: JSON text,
// decimals, timestamps, the pairing of sequences.
//
// The package is pure: no I/O, no clock, no randomness, no goroutine, no
// logging. The same two exchanges always give the same result in the same
// order. It never panics on input: what it can not compare is Result.Err.
package compare

import "net/http"

// Exchange is the answer of one side to one request, as it came over the wire.
type Exchange struct {
	// Request is what was asked, the same for both sides; nil when unknown. An
	// id that it names is not taken for one that the answer made up, and the
	// type of a gRPC message is found by its target.
	Request *Request `json:"-"`

	Status  int         // as in RFC 9110 section 15; never 0 in a whole answer
	Header  http.Header // final header section, hop-by-hop fields removed, canonical names
	Trailer http.Header // nil when there was none

	// Body is the body as received, still content-encoded. It is the whole
	// body when Size == len(Body); else it was longer than the copy that was
	// kept, Body is nil and only Size and Digest speak for it.
	Body   []byte
	Size   int64    // bytes of the whole body as received
	Digest [32]byte // SHA-256 of the whole body as received; set only when Body is not whole

	// Incomplete says why the answer broke off before its end ("" when it did
	// not). An incomplete answer is never a match: Result.Err says so.
	Incomplete string

	// Footprint is what the request wrote, table by table; nil when unknown.
	// Two footprints are compared only when both are known.
	Footprint Footprint
	// Effects are what the request did besides, and are compared with the
	// footprints. None stands for none.
	Effects Effects

	// Writes is the rows that the request wrote; nil when unknown. Where both
	// sides have them they are compared, and footprints only for the tables of
	// which there are none: of the others they follow from the rows.
	Writes WriteSet
}

// Request is what both sides were asked.
type Request struct {
	Method string
	Target string      // path and query as they came
	Header http.Header // as it came; its values may name ids too
	Body   []byte      // whole, as it came; nil when there was none or it was not kept
}

// Footprint counts the rows that a request wrote, sorted by table.
// An empty, non-nil Footprint says that it is known to have written nothing.
type Footprint []TableRows

// TableRows counts the rows written in one table.
type TableRows struct {
	Table    string `json:"table"` // schema-qualified unless in "public"
	Inserted int64  `json:"inserted"`
	Updated  int64  `json:"updated"`
	Deleted  int64  `json:"deleted"`
}

// Kind says in what way two places differ.
type Kind string

// The kinds of difference.
const (
	KindValue     Kind = "value"     // same type, other value
	KindType      Kind = "type"      // other JSON type (null included)
	KindMissing   Kind = "missing"   // legacy has it, new does not
	KindAdded     Kind = "added"     // new has it, legacy does not
	KindOrder     Kind = "order"     // elements that both sides have stand in another order
	KindLength    Kind = "length"    // arrays of another length
	KindFormat    Kind = "format"    // same meaning, other spelling (a timestamp in another format); not in the format that a rule asks for
	KindStatus    Kind = "status"    // status code
	KindHeader    Kind = "header"    // other value of a header field, trailer field or cookie that both sides have
	KindBody      Kind = "body"      // bodies that can not be compared in parts; a member name that one side repeats more often
	KindFootprint Kind = "footprint" // other tables or row counts written, other effects
	KindWrites    Kind = "writes"    // other rows written, or a write in a safe request
)

// Difference is one place where two exchanges differ.
type Difference struct {
	// Path is the generalised place: a JSONPath shorthand in which array
	// indexes are [*] and keys of maps are .* ("$.items[*].price"), or
	// "status", "header:NAME", "trailer:NAME", "cookie:NAME", "body",
	// "table:NAME", "effect:NAME". Elements of XML and HTML are members by their names,
	// whether there is one or there are more ("$.order.item.price"), attributes
	// by theirs behind an @. Differences are counted by (Path, Kind).
	Path string `json:"path"`
	// At is the exact place ("$.items[3].price", "body:12" for a line of
	// text); equal to Path where there is nothing to generalise. Indexes and
	// line numbers are legacy's, and new's for what only new has.
	At   string `json:"at"`
	Kind Kind   `json:"kind"`
	// Legacy and New show both values as written, JSON in JSON notation, cut
	// to at most 1 KiB each. Absent values are "".
	Legacy string `json:"legacy"`
	New    string `json:"new"`
	// Weight is the share (0 to 1] of the sibling places that differ with this
	// one: small for a single broken field, 1 for another answer altogether.
	Weight float64 `json:"weight"`
}

// Forgiven is a group of differences that did not count, and why. Those with
// the same Path, Kind, Reason and Rule are one entry.
type Forgiven struct {
	Path string `json:"path"`
	At   string `json:"at"` // of the first
	Kind Kind   `json:"kind"`
	// Reason is one of ReasonTimestamp and so on, or "rule" plus the rule as in
	// Rule.String. ReasonGenerated rests on how an id looks: whoever can ask
	// legacy again should see that it differs from itself there.
	Reason string `json:"reason"`
	// Rule is the index in Rules of the rule that forgave, -1 for built-in reasons.
	Rule   int    `json:"rule"`
	Legacy string `json:"legacy"`         // of the first, as in Difference
	New    string `json:"new"`            // of the first, as in Difference
	Count  int    `json:"count"`          // differences in this entry, at least 1
	Drift  Drift  `json:"drift,omitzero"` // of timestamps: how far apart they are, one for each difference
}

// Result is what Exchanges found. The exchanges match when Differences is
// empty and Err is nil.
type Result struct {
	// Differences stand in the order of the answer: status, header, body,
	// trailer, footprint or written rows; header fields by name; within the body in the order
	// of legacy, what only new has behind the other members of its object.
	// At most 500 are listed, and at most 50 of one path and kind, so
	// that a place which differs everywhere does not push out the others.
	Differences []Difference
	Truncated   int // differences that are not listed because of these limits

	// Forgiven stands in the same order. Entries beyond the first 1,000 are
	// summed up by kind, reason and rule under the path OtherPlaces.
	Forgiven []Forgiven

	// ByPosition names the first 10 arrays and texts that have so many elements
	// or lines, a million and more, that which of them stand for each other was
	// not looked for: they were compared by position, whatever rules say of it.
	// Where one was inserted, all behind it differ.
	ByPosition []string

	// Pairs are the ids that hold against each other under rules with same, are
	// not equal, and were not known before. Only of ExchangesKnowing.
	Pairs []Pair

	// Err says why the answers could not be compared: one was incomplete, a
	// body does not decode. Never nil in an answer that broke off.
	Err error
}

// OtherPlaces is the Path of Forgiven entries that stand for many places.
const OtherPlaces = "(other places)"

// Match reports whether nothing counts as a difference.
func (r Result) Match() bool { return len(r.Differences) == 0 && r.Err == nil }
