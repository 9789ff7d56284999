package wire

import "fmt"

// judge says what is wrong with what became of the n-th of the corpus; "" is
// nothing.
func judge(w *witness, n int, o odd, t told) string {
	requests, smuggled := w.of(n)
	if smuggled {
		return "the hidden request reached the backend"
	}
	for _, a := range requests {
		if a.fault != "" {
			return "what reached the backend is malformed: " + a.fault
		}
	}
	switch {
	case o.label == refuse || o.label == either && t.status >= 400:
		return judgeRefused(requests, t)
	case t.status != 200 || t.more > 0:
		return fmt.Sprintf("answered %d, and %d more", t.status, t.more)
	case len(requests) != 1 || requests[0].cut:
		return fmt.Sprintf("%d requests reached the backend: %+v", len(requests), requests)
	}
	if _, _, body := o.bytes(n); requests[0].body != body {
		return fmt.Sprintf("its body arrived as %q, want %q", requests[0].body, body)
	}
	return ""
}

// judgeRefused: a body that goes wrong on its way may have begun to arrive, but
// never ends.
func judgeRefused(requests []arrived, t told) string {
	for _, a := range requests {
		if !a.cut {
			return "it reached the backend whole"
		}
	}
	switch {
	case t.status < 400:
		return fmt.Sprintf("answered %d", t.status)
	case t.more > 0:
		return fmt.Sprintf("%d more answers behind %d", t.more, t.status)
	case !t.closed:
		return fmt.Sprintf("the connection stays open behind %d", t.status)
	}
	return ""
}
