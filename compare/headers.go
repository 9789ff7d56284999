package compare

import (
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/compare/internal/stamp"
)

// volatileHeaders are named in VolatileHeaders, in canonical form, by who sends
// them. Names are exact: "X-Request-Id-Of-Order" is another field.
var volatileHeaders = sorted(
	// HTTP itself: caches and clocks.
	"Age", "Date",
	// W3C and other tracing: Trace Context, B3, Jaeger, Datadog, Sentry, New Relic.
	"B3", "Sentry-Trace", "Server-Timing", "Traceparent", "Traceresponse", "Tracestate", "Uber-Trace-Id", "X-B3-Flags",
	"X-B3-Parentspanid", "X-B3-Sampled", "X-B3-Spanid", "X-B3-Traceid", "X-Datadog-Parent-Id", "X-Datadog-Trace-Id",
	"X-Newrelic-App-Data", "X-Span-Id", "X-Trace-Id",
	// Frameworks: Rails, Express, FastAPI, Spring, Symfony, ASP.NET.
	"Correlation-Id", "Request-Id", "X-Correlation-Id", "X-Debug-Token", "X-Debug-Token-Link", "X-Process-Time",
	"X-Request-Id", "X-Response-Time", "X-Runtime",
	// Proxies: Envoy, Kong, HAProxy, Varnish.
	"X-Envoy-Attempt-Count", "X-Envoy-Upstream-Service-Time", "X-Kong-Proxy-Latency", "X-Kong-Request-Id",
	"X-Kong-Response-Latency", "X-Kong-Upstream-Latency", "X-Unique-Id", "X-Varnish",
	// Delivery networks: Cloudflare, Fastly, Akamai.
	"Akamai-Grn", "Cf-Ray", "Cf-Request-Id", "X-Akamai-Request-Id", "X-Cache-Hits", "X-Fastly-Request-Id",
	"X-Served-By", "X-Timer",
	// Clouds: AWS, Azure, Google, Heroku and others that answer for an application.
	"Apigw-Requestid", "Fly-Request-Id", "X-Amz-Apigw-Id", "X-Amz-Cf-Id", "X-Amz-Id-2", "X-Amz-Request-Id",
	"X-Amzn-Remapped-Date", "X-Amzn-Requestid", "X-Amzn-Trace-Id", "X-Azure-Ref", "X-Cloud-Trace-Context",
	"X-Github-Request-Id", "X-Guploader-Uploadid", "X-Ms-Correlation-Request-Id", "X-Ms-Request-Id",
	"X-Ms-Routing-Request-Id", "X-Nf-Request-Id", "X-Vercel-Id",
)

func sorted(names ...string) []string {
	slices.Sort(names)
	return names
}

// VolatileHeaders lists the fields, in canonical form and sorted, that are new
// with every answer: both sides must have them or neither, and their values
// are free. Quack's own fields ("Quack-*") are left out of the comparison.
func VolatileHeaders() []string { return slices.Clone(volatileHeaders) }

func isVolatile(name string) bool {
	_, found := slices.BinarySearch(volatileHeaders, name)
	return found
}

// isOwn reports whether a field is Quack's own.
func isOwn(name string) bool { return strings.HasPrefix(name, "Quack-") }

// spelled is the usual spelling of names whose canonical form nobody writes.
var spelled = map[string]string{
	"Cf-Ray": "CF-Ray", "Content-Md5": "Content-MD5", "Etag": "ETag", "Te": "TE",
	"Www-Authenticate": "WWW-Authenticate", "X-Xss-Protection": "X-XSS-Protection",
}

// fieldPath is the path of a field in a section, "header" or "trailer".
func fieldPath(section, name string) string {
	if s, ok := spelled[name]; ok {
		name = s
	}
	return section + ":" + name
}

// sameSection reports whether two header sections are equal as they stand.
func sameSection(legacy, new http.Header) bool {
	rest := len(new)
	for name, values := range new {
		if isOwn(name) || len(values) == 0 {
			rest--
		}
	}
	for name, values := range legacy {
		if isOwn(name) || len(values) == 0 {
			continue
		}
		if !slices.Equal(values, new[name]) {
			return false
		}
		rest--
	}
	return rest == 0
}

// fields compares two header or trailer sections.
type fields struct {
	section string // "header" or "trailer"
	rules   *Rules
	recoded bool // the content codings differ, so what follows from them may too
	found   []finding
	places  int // names on either side
}

// compareFields lists the differences of two sections by name.
func (p *pair) compareFields(section string, legacy, new http.Header) *fields {
	w := &fields{section: section, rules: p.rules, recoded: p.recoded()}
	if sameSection(legacy, new) {
		return w
	}
	names := make([]string, 0, 8) // as long as that is enough, on the stack
	for name, values := range legacy {
		if isOwn(name) || len(values) == 0 {
			continue
		}
		w.places++
		if !slices.Equal(values, new[name]) {
			names = append(names, name)
		}
	}
	for name, values := range new {
		if !isOwn(name) && len(values) > 0 && len(legacy[name]) == 0 {
			w.places++
			names = append(names, name)
		}
	}
	slices.Sort(names)
	w.found = make([]finding, 0, len(names))
	for _, name := range names {
		if name == "Set-Cookie" && section == "header" {
			w.cookies(legacy[name], new[name])
		} else {
			w.field(name, legacy[name], new[name])
		}
	}
	return w
}

// weigh sets the share of places that differ, once all verdicts are settled.
func weigh(found []finding, places int) {
	share := min(1, float64(counting(found))/float64(max(1, places)))
	for i := range found {
		found[i].Weight = share
	}
}

// field compares one field that is not spelled alike.
func (w *fields) field(name string, legacy, new []string) {
	// A field in several lines equals the same field in one (RFC 9110 section 5.3).
	l, n := strings.Join(legacy, ", "), strings.Join(new, ", ")
	if l == n && len(legacy) > 0 && len(new) > 0 || name == "Content-Type" && sameMediaType(l, n) {
		return
	}
	f := newFinding(fieldPath(w.section, name), KindHeader, legacy, new)
	rules := w.rules.field(w.section + ":" + name)
	switch {
	case len(rules) > 0: // they go first
		f.judge(w.rules, rules, name, l, n)
		f.ruled = f.Kind != KindMissing && f.Kind != KindAdded
	case f.Kind == KindHeader && isVolatile(name) && !w.rules.off(Volatile):
		f.verdict.reason = byVolatile
	case name == "Content-Type" && f.Kind == KindHeader && !w.rules.off(Derived) && sameButBoundary(l, n):
		f.verdict.reason = byBoundary
	case name == "Vary" && w.recoded && !w.rules.off(Derived) && withoutCoding(l) == withoutCoding(n):
		f.verdict.reason = byCoding
	default:
		f.judge(w.rules, nil, name, l, n)
	}
	if !f.ruled && (f.verdict.reason == counts || f.verdict.reason == ifGenerated) && w.section == "header" {
		f.derived = name
	}
	w.found = append(w.found, f)
}

// newFinding is a difference in one field: of its value when both sides have
// it, else missing or added.
func newFinding(path string, kind Kind, legacy, new []string) finding {
	switch {
	case len(new) == 0:
		kind = KindMissing
	case len(legacy) == 0:
		kind = KindAdded
	}
	return finding{Difference: Difference{
		Path: path, At: path, Kind: kind,
		Legacy: show(strings.Join(legacy, ", ")), New: show(strings.Join(new, ", ")),
	}}
}

// judge decides on two texts that differ, by the rules of the place; what one
// side lacks is told by the finding's kind. name is that of the field, for
// numbers that may be epochs.
func (f *finding) judge(rules *Rules, applicable []int32, name, legacy, new string) {
	j := judge{
		rules: rules, applicable: applicable, name: []byte(name), kind: f.Kind,
		legacy: scalar{isText, []byte(legacy)}, new: scalar{isText, []byte(new)},
	}
	switch f.Kind {
	case KindMissing:
		j.new = scalar{}
	case KindAdded:
		j.legacy = scalar{}
	}
	if !isDerived(name) {
		j.apart = anyID
	}
	j.decide()
	f.Kind, f.verdict, f.drift = j.kind, j.verdict, j.drift
	switch f.verdict.reason {
	case ifLinked:
		f.link = [2]linkValue{j.legacy.link(), j.new.link()}
	case ifGenerated:
		f.link = [2]linkValue{{text: string(j.legacy.text)}, {text: string(j.new.text)}}
	}
}

// sameMediaType compares two Content-Type values by meaning: case and spaces
// do not matter, nor does the case of a charset.
func sameMediaType(a, b string) bool {
	typeA, paramsA, errA := mime.ParseMediaType(a)
	typeB, paramsB, errB := mime.ParseMediaType(b)
	if errA != nil || errB != nil || typeA != typeB {
		return false
	}
	if !strings.EqualFold(paramsA["charset"], paramsB["charset"]) {
		return false
	}
	delete(paramsA, "charset")
	delete(paramsB, "charset")
	return maps.Equal(paramsA, paramsB)
}

// withoutCoding is a Vary value without Accept-Encoding.
func withoutCoding(vary string) string {
	fields := strings.Split(strings.ToLower(vary), ",")
	var rest []string
	for _, f := range fields {
		if f = strings.TrimSpace(f); f != "" && f != "accept-encoding" {
			rest = append(rest, f)
		}
	}
	return strings.Join(rest, ",")
}

// settle decides on the fields that hang on the bodies, once it is known
// whether these match.
func (p *pair) settle(f *finding, match bool) {
	if f.derived == "" || f.verdict.reason != counts || p.rules.off(Derived) {
		return
	}
	both := f.Kind == KindHeader || f.Kind == KindFormat
	l, n := p.legacy.Header.Get(f.derived), p.new.Header.Get(f.derived)
	switch f.derived {
	case "Content-Length":
		// A length that is not this body's, as in an answer to HEAD, says
		// something of its own.
		if isLength(l, p.legacy.Size) && isLength(n, p.new.Size) {
			f.verdict.reason = byBody
			if match {
				f.verdict.reason = byLength
			}
		}
	case "Etag":
		// A validator that turns weak forbids ranges: that is not its value.
		// So does one that is no entity tag.
		if both && tagForm(l) == tagForm(n) || both && p.recoded() && tagForm(l) != noTag && tagForm(n) != noTag {
			f.verdict.reason = byBody
			if match {
				f.verdict.reason = byValidator
			}
		}
	case "Last-Modified":
		tl, okL := stamp.Parse([]byte(l))
		tn, okN := stamp.Parse([]byte(n))
		if match && both && okL && okN && tl.Style == tn.Style {
			f.verdict.reason = byValidator
		}
	case "Content-Digest", "Repr-Digest", "Digest", "Content-Md5":
		if both && !p.sameBytes() {
			f.verdict.reason = byBody
		}
	}
}

// The forms of an entity tag (RFC 9110 section 8.8.3).
const (
	noTag   = iota
	bareTag // without quotes, as some servers send it
	strongTag
	weakTag
)

func tagForm(s string) int {
	opaque, weak := strings.CutPrefix(s, "W/")
	quoted := len(opaque) > 2 && opaque[0] == '"' && strings.IndexByte(opaque[1:], '"') == len(opaque)-2
	switch {
	case quoted && weak:
		return weakTag
	case quoted:
		return strongTag
	case s == "" || weak || strings.ContainsAny(s, `" ,`):
		return noTag
	}
	return bareTag
}

// isDerived reports whether a field is one that settle decides on.
func isDerived(name string) bool {
	switch name {
	case "Content-Length", "Etag", "Last-Modified", "Content-Digest", "Repr-Digest", "Digest", "Content-Md5":
		return true
	}
	return false
}

// isLength reports whether a Content-Length, if there is one, is size.
func isLength(value string, size int64) bool {
	n, err := strconv.ParseInt(value, 10, 64)
	return value == "" || err == nil && n == size
}
