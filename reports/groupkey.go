package reports

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// groupKey says what is counted together.
type groupKey struct{ route, path, kind, verdict, reason string }

// id is what a group is called outside of the store: the first 80 bits of the
// SHA-256 of its key, as netstrings, in lower-case base32: 16 characters. It is
// the same in every store, so that a link or a note holds when the evidence was
// begun anew.
func (k groupKey) id() string {
	h := sha256.New()
	for _, part := range []string{k.route, k.path, k.kind, k.verdict, k.reason} {
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:10]))
}

// forgivenPlaces is how many differences of a comparison did not count.
func forgivenPlaces(c *Comparison) (n int64) {
	for i := range c.Forgiven {
		n += int64(max(c.Forgiven[i].Count, 1))
	}
	return n
}

// places is how many places differ in the comparison that an occurrence is in.
// What is forgiven says nothing of those that count: nearly every answer has a
// timestamp.
func (o occurrence) places() int64 {
	if o.forgiven {
		return o.in.allPlaces
	}
	return o.in.places
}
