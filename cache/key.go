package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
)

// Request is a client's request as far as the cache looks at it. Only
// requests without a body are asked for.
type Request struct {
	Route  string
	Side   string // the sides' answers are never mixed
	Method string
	Host   string
	Target string      // path and query as they came
	Header http.Header // end-to-end fields; not changed
}

// key is a digest: keys have one size, and no cookie stands in memory longer
// than its request.
type key [sha256.Size]byte

// resource is the key of all answers to requests for the same thing.
func (r Request) resource() key {
	b := make([]byte, 0, 512)
	for _, s := range []string{r.Route, r.Side, r.Method, strings.ToLower(r.Host), r.Target} {
		b = appendString(b, s)
	}
	return sha256.Sum256(b)
}

// variant is the key of the answers that r's values of the named fields
// select (RFC 9111 section 4.1). Names are in canonical form.
func (r Request) variant(resource key, names []string) key {
	b := append(make([]byte, 0, 512), resource[:]...)
	for _, name := range names {
		b = appendString(b, name)
		values := r.Header[name]
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = appendString(b, strings.TrimSpace(v))
		}
	}
	return sha256.Sum256(b)
}

// appendString appends s so that no two lists of strings give the same bytes.
func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// personal are the fields that tell answers apart which do not say that they
// are for everyone, and those of a resource that has not answered yet.
var personal = []string{"Authorization", "Cookie"}

// selecting are the names of the request fields that an answer depends on:
// those of Vary and, unless it is for everyone, the personal ones. "*" is not
// among them; see storable.
func selecting(vary []string, everyone bool) []string {
	var names []string
	if !everyone {
		names = append(names, personal...)
	}
	for _, line := range vary {
		for name := range strings.SplitSeq(line, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name != "" {
				names = append(names, name)
			}
		}
	}
	return union(names)
}

// union are the names of all lists, sorted, each once.
func union(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}
