// Package problem writes the answers that Quack gives in its own name when a
// request can not be served: problem details (RFC 9457) for programs, a small
// plain page for browsers, chosen by Accept. [Write] is all there is.
//
// What stands in [Details] reaches the client as it is, escaped in the page.
// It must not hold backend addresses, stacks or secrets.
package problem

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
)

// TypeBase is what the type URIs of Quack's own problems begin with.
const TypeBase = "https://quackproxy.github.io/problems/"

// Details are the members of RFC 9457 section 3.1. Empty members are left out.
type Details struct {
	Type     string // URI; "" means "about:blank": nothing more than Status says
	Title    string // default: the status text
	Status   int    // default 500
	Detail   string // for a person, about this occurrence
	Instance string // URI of this occurrence
	// Extra are further members (RFC 9457 section 3.2), such as "request_id".
	// They can not replace the members above.
	Extra map[string]any
}

// Write answers r with d. Fields that the caller has set on w stay
// (Retry-After, Allow); Cache-Control is no-store unless set. The body is
// application/problem+json, or text/html when Accept asks for it before JSON.
func Write(w http.ResponseWriter, r *http.Request, d Details) {
	if d.Status == 0 {
		d.Status = http.StatusInternalServerError
	}
	if d.Title == "" {
		d.Title = http.StatusText(d.Status)
	}
	h := w.Header()
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept")

	var body []byte
	if wantsHTML(r.Header.Values("Accept")) {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		body = page(d)
	} else {
		h.Set("Content-Type", "application/problem+json")
		body = d.json()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(d.Status)
	// The client may have gone; there is nobody left to tell.
	_, _ = w.Write(body)
}

// json is the problem+json form.
func (d Details) json() []byte {
	m := make(map[string]any, len(d.Extra)+5)
	maps.Copy(m, d.Extra)
	m["status"] = d.Status
	for name, value := range map[string]string{
		"type": d.Type, "title": d.Title, "detail": d.Detail, "instance": d.Instance,
	} {
		if value == "" {
			delete(m, name)
			continue
		}
		m[name] = value
	}
	b, err := json.Marshal(m)
	if err != nil {
		// An extra member that has no JSON form: the problem matters more.
		d.Extra = nil
		return d.json()
	}
	return append(b, '\n')
}
