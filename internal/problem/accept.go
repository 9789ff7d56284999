package problem

import (
	"strconv"
	"strings"
)

// offer is how well Accept likes a media type: by weight, then by how exactly
// it was named (RFC 9110 section 12.5.1).
type offer struct {
	weight  float64
	exactly int // 3 the type itself, 2 its tree (text/*), 1 anything, 0 not at all
}

func (o offer) better(than offer) bool {
	if o.weight != than.weight {
		return o.weight > than.weight
	}
	return o.exactly > than.exactly
}

// wantsHTML reports whether a page is liked better than JSON. Who has no
// preference (no Accept, "*/*") is a program.
func wantsHTML(accept []string) bool {
	html := best(accept, "text/html", "application/xhtml+xml")
	json := best(accept, "application/problem+json", "application/json")
	return html.weight > 0 && html.better(json)
}

// best is how well accept likes the best of the types. For one type the most
// exact range counts, whatever its weight.
func best(accept []string, types ...string) offer {
	var found offer
	for _, t := range types {
		tree, _, _ := strings.Cut(t, "/")
		var o offer
		for _, line := range accept {
			for _, item := range strings.Split(line, ",") {
				media, params, _ := strings.Cut(item, ";")
				exactly := exactness(strings.ToLower(strings.TrimSpace(media)), t, tree)
				if exactly > o.exactly {
					o = offer{weight: weight(params), exactly: exactly}
				}
			}
		}
		if o.better(found) {
			found = o
		}
	}
	return found
}

func exactness(media, want, tree string) int {
	switch media {
	case want:
		return 3
	case tree + "/*":
		return 2
	case "*/*":
		return 1
	}
	return 0
}

// weight is the q parameter, 1 when there is none, 0 when it is not a number.
func weight(params string) float64 {
	for _, p := range strings.Split(params, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok || !strings.EqualFold(name, "q") {
			continue
		}
		q, err := strconv.ParseFloat(value, 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
