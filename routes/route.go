package routes

import (
	"net/http"
	"net/url"
	"strings"
)

// SafeFor reports whether a request with this method is safe on r (r.Safe when
// r has a method or states it, else by the method).
func (r *Route) SafeFor(method string) bool {
	if r.Method != "" || r.from[settingSafe] != nil {
		return r.Safe
	}
	return methods[method].safe
}

// IdempotentFor is SafeFor for idempotence. A safe request is idempotent.
func (r *Route) IdempotentFor(method string) bool {
	if r.Method != "" || r.from[settingIdempotent] != nil {
		return r.Idempotent
	}
	return r.SafeFor(method) || methods[method].idempotent
}

// ReadOnlyFor is what the route does with this method while the gate is closed.
func (r *Route) ReadOnlyFor(method string) ReadOnly {
	if r.from[settingReadOnly] != nil {
		return r.ReadOnly
	}
	if r.SafeFor(method) {
		return ReadOnlyAllow
	}
	return ReadOnlyBlock
}

// Client is what the request's client is recognised by for r (r.Sticky). When
// the request does not carry the mark it is clientIP and false, so that
// requests without the mark still spread over the sample.
func (r *Route) Client(req *http.Request, p Params, clientIP string) (string, bool) {
	mark := ""
	switch name := r.Sticky.Name; r.Sticky.Kind {
	case "ip":
		return clientIP, clientIP != ""
	case "header":
		if mark = req.Header.Get(name); name == "Host" {
			mark = req.Host
		}
	case "cookie":
		if c, err := req.Cookie(name); err == nil {
			mark = c.Value
		}
	case "path":
		mark = p.Get(name)
	case "query":
		mark = queryValue(req.URL.RawQuery, name)
	}
	if mark == "" {
		return clientIP, false
	}
	return mark, true
}

// queryValue is the first value of a query parameter. Unlike url.ParseQuery it
// goes on at what does not parse, and takes ";" as part of a value.
func queryValue(query, name string) string {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		if unescaped(key) == name {
			return unescaped(value)
		}
	}
	return ""
}

func unescaped(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// LiveSide is the side that answers the client of a request. At StageRamp it
// is decided by a hash of the client with a salt of its own; a request without
// the client's mark goes to legacy. Raising Percent only moves further clients
// to new.
func (r *Route) LiveSide(client string, known bool) Side {
	switch r.Stage {
	case StageVerify, StageNew:
		return New
	case StageRamp:
		if known && place(r.rampSeed, client)*100 < r.Percent {
			return New
		}
	}
	return Legacy
}

// Shadows reports whether the stage has a shadow.
func (r *Route) Shadows() bool {
	return r.Stage == StageShadow || r.Stage == StageRamp || r.Stage == StageVerify
}

// Shadowed reports whether the request of this client is to be compared at
// all: the stage has a shadow and the client is in the sample (hash with
// another salt than LiveSide's).
func (r *Route) Shadowed(client string) bool {
	return r.Shadows() && (r.Shadow.Sample >= 1 || place(r.sampleSeed, client) < r.Shadow.Sample)
}

// ShadowFirst reports whether the shadow call of a request with this method is
// made before the live call.
func (r *Route) ShadowFirst(method string) bool {
	switch r.Shadow.Order {
	case OrderBefore:
		return true
	case OrderAfter, OrderClone:
		return false
	}
	return !r.SafeFor(method)
}

// Backend is the backend of a side.
func (r *Route) Backend(s Side) *Backend {
	if s == New {
		return r.New
	}
	return r.Legacy
}

// rewriteTo sets the path of a side.
func (r *Route) rewriteTo(s Side, path string) {
	if r.Rewrite == nil {
		r.Rewrite = map[Side]Rewrite{}
		r.templates = map[Side]pathPattern{}
	}
	r.Rewrite[s] = Rewrite{Path: path}
}

// TargetFor is the path of a request (escaped) in the terms of a side:
// rewritten when the route says so, with the parameters as they came, else the
// path as it came. The query is not rewritten.
func (r *Route) TargetFor(s Side, escapedPath string, p Params) (path string) {
	template, ok := r.templates[s]
	if !ok {
		return escapedPath
	}
	return template.fill(p)
}

func readRewrite(l *loader, n *yamlNode, key string) (any, bool) {
	return n.text, l.is(n, key, yamlString)
}
