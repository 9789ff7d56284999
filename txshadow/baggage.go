package txshadow

import (
	"net/http"
	"net/url"
	"strings"
)

// baggageKey is the member of the W3C baggage header that says that a request
// was caused by a shadow. Tracing libraries carry it on by themselves.
const baggageKey = "quack.shadow"

// MarkNested puts the signed mark of shadow id into h's baggage, and nothing
// else on the request: for shadow requests to a backend that knows nothing of
// Quack-Shadow. What such a request causes is a shadow's too; see [Codec.Nested].
func (c *Codec) MarkNested(h http.Header, id string) {
	setBaggage(h, c.nestedMark(id))
}

func (c *Codec) nestedMark(id string) string { return id + "." + c.sign("quack-nested-v1", id) }

// setBaggage replaces our member of h's baggage and leaves the others.
func setBaggage(h http.Header, value string) {
	var members []string
	for _, m := range baggage(h) {
		if key, _ := baggageMember(m); key != baggageKey {
			members = append(members, m)
		}
	}
	h.Set("Baggage", strings.Join(append(members, baggageKey+"="+value), ","))
}

// Nested reports whether a request was caused by a shadow call of ours: its
// baggage has a mark that verifies.
func (c *Codec) Nested(h http.Header) bool {
	_, ok := c.nested(h)
	return ok
}

// nested is the mark as it stands in the baggage, if it verifies.
func (c *Codec) nested(h http.Header) (value string, ok bool) {
	for _, m := range baggage(h) {
		key, v := baggageMember(m)
		if key != baggageKey {
			continue
		}
		dot := strings.LastIndexByte(v, '.')
		if dot < 0 {
			continue
		}
		id, sig := v[:dot], v[dot+1:]
		if validID(id) && c.verify(sig, "quack-nested-v1", id) {
			return v, true
		}
	}
	return "", false
}

// baggage is the members of the baggage header, properties and all.
func baggage(h http.Header) []string {
	var members []string
	for _, line := range h.Values("Baggage") {
		for m := range strings.SplitSeq(line, ",") {
			if m = strings.Trim(m, " \t"); m != "" {
				members = append(members, m)
			}
		}
	}
	return members
}

// baggageMember is a member's key and its decoded value.
func baggageMember(m string) (key, value string) {
	m, _, _ = strings.Cut(m, ";")
	key, value, _ = strings.Cut(m, "=")
	value = strings.Trim(value, " \t")
	if d, err := url.PathUnescape(value); err == nil {
		value = d
	}
	return strings.Trim(key, " \t"), value
}
