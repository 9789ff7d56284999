package routes

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// defaultCompressOver is from where a request body is worth compressing: one
	// that is shorter fits in a round trip or two as it is.
	defaultCompressOver = 16 << 10
	// defaultHealthEvery is how often a backend's health is asked for.
	defaultHealthEvery = 5 * time.Second
	// maxCalls bounds counts of calls and answers.
	maxCalls = 100_000
)

var (
	protocols    = []Protocol{ProtocolHTTP1, ProtocolHTTP2}
	reuses       = []Reuse{ReuseIdempotent, ReuseRecent, ReuseAlways, ReuseNever}
	compressions = []Compression{CompressGzip, CompressZstd}
)

// readWord reads one of some words into where; it stays as it is on a fault.
func readWord[T ~string](l *loader, n *yamlNode, key string, allowed []T, where *T) {
	if w, ok := l.word(n, key, wordsOf(allowed)); ok {
		*where = T(w)
	}
}

func wordsOf[T ~string](list []T) []string {
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = string(w)
	}
	return words
}

// count reads a whole number; 0 on a fault.
func (l *loader) count(n *yamlNode, key string, least, most int) int {
	remedy := fmt.Sprintf("write a whole number from %d to %d", least, most)
	if !l.takes(n, key, yamlNumber, "a number", remedy) {
		return 0
	}
	v, err := strconv.Atoi(n.text)
	if err != nil || v < least || v > most {
		l.fault(n.pos, fmt.Sprintf("%s %s is not a whole number from %d to %d", key, n.text, least, most), remedy)
		return 0
	}
	return v
}

// readCompress reads "gzip", or {type: gzip, over: 16KiB}.
func (l *loader) readCompress(b *Backend, n *yamlNode) {
	c := Compress{Over: defaultCompressOver}
	if n.kind == yamlString {
		readWord(l, n, "compress", compressions, &c.Type)
		b.Compress = c
		return
	}
	if n.kind != yamlMapping {
		l.takes(n, "compress", yamlMapping, "a word or a mapping", "use gzip or zstd, or write {type: gzip, over: 16KiB}")
		return
	}
	l.mapping(n, "compress",
		field{"type", func(_ Position, v *yamlNode) { readWord(l, v, "compress.type", compressions, &c.Type) }},
		field{"over", func(_ Position, v *yamlNode) { c.Over, _ = l.bytes(v, "compress.over", maxBodyLimit) }},
	)
	if !n.has("type") {
		l.fault(n.pos, "compress has no type", "say how: compress: {type: gzip, over: "+showSize(defaultCompressOver)+"}")
	}
	b.Compress = c
}

// bytes reads a size from 1B to most.
func (l *loader) bytes(n *yamlNode, key string, most int64) (int64, bool) {
	if !l.takesSize(n, key) {
		return 0, false
	}
	size, ok := parseSize(n.text)
	switch {
	case !ok:
		l.fault(n.pos, fmt.Sprintf("%s %s is not a size", key, quoted(n.text)), sizeRemedy)
	case size == 0:
		l.fault(n.pos, key+" is zero", sizeRemedy)
	case size > most:
		l.fault(n.pos, fmt.Sprintf("%s %s is too much", key, quoted(n.text)), "use at most "+showSize(most))
	default:
		return size, true
	}
	return 0, false
}

// readHost reads what the Host field of requests to a backend is.
func (l *loader) readHost(b *Backend, n *yamlNode) {
	const remedy = "use keep, backend, or the name to send: host: shop.example"
	if !l.takes(n, "host", yamlString, "a word or a name", remedy) {
		return
	}
	u, err := url.Parse("http://" + n.text)
	if err != nil || u.Host != n.text || u.Hostname() == "" || strings.HasSuffix(n.text, ":") || !isHostName(strings.Trim(u.Hostname(), "[]")) {
		l.fault(n.pos, fmt.Sprintf("host %s is not a host name", quoted(n.text)), remedy)
		return
	}
	if w := nearest(n.text, []string{HostKeep, HostBackend}); w != "" && w != n.text {
		l.fault(n.pos, fmt.Sprintf("host %s is a name much like %s", quoted(n.text), w), fmt.Sprintf("did you mean %s? A name of your own needs a dot or a port: %s:80", w, n.text))
		return
	}
	b.Host = n.text
}

func (l *loader) readHealth(b *Backend, n *yamlNode) {
	h := Health{Every: defaultHealthEvery}
	ok := l.mapping(n, "health",
		field{"path", func(_ Position, v *yamlNode) { h.Path = l.requestPath(v, "health.path", "/up") }},
		field{"every", func(_ Position, v *yamlNode) {
			if d, ok := l.duration(v, "health.every", false); ok {
				h.Every = d
			}
		}},
		field{"timeout", func(_ Position, v *yamlNode) { h.Timeout, _ = l.duration(v, "health.timeout", false) }},
		field{"healthy", func(_ Position, v *yamlNode) { h.Healthy = l.count(v, "health.healthy", 1, 100) }},
		field{"unhealthy", func(_ Position, v *yamlNode) { h.Unhealthy = l.count(v, "health.unhealthy", 1, 100) }},
	)
	b.Health = h
	if ok && !n.has("path") {
		l.fault(n.pos, "health has no path", "say what to ask for: health: {path: /up}")
	}
	if h.Timeout > h.Every {
		l.fault(n.value("timeout").pos, fmt.Sprintf("health.timeout %s is longer than the %s from one check to the next", showDuration(h.Timeout), showDuration(h.Every)),
			"lower it, or raise every")
	}
}

// requestPath reads a path, with or without a query, that Quack itself asks for.
func (l *loader) requestPath(v *yamlNode, key, example string) string {
	if !l.is(v, key, yamlString) {
		return ""
	}
	u, err := url.ParseRequestURI(v.text)
	if err != nil || u.Host != "" || !strings.HasPrefix(v.text, "/") || strings.Contains(v.text, "#") {
		l.fault(v.pos, fmt.Sprintf("%s %s is not a path", key, quoted(v.text)), "begin it with a slash: "+example)
		return ""
	}
	return v.text
}

// switchedOff reports whether n is the word off, and reports a fault when it
// is neither that nor a mapping.
func (l *loader) switchedOff(n *yamlNode, key, form string) (off, ok bool) {
	switch {
	case n.kind == yamlString && n.text == "off":
		return true, true
	case n.kind == yamlMapping:
		return false, true
	case n.kind == yamlString:
		l.fault(n.pos, fmt.Sprintf("%s %s is not known", key, quoted(n.text)), "use off, or write "+form)
		return false, false
	}
	return false, l.takes(n, key, yamlMapping, "off or a mapping", "use off, or write "+form)
}

func (l *loader) readOutlier(b *Backend, n *yamlNode) {
	off, ok := l.switchedOff(n, "outlier", "{failures: 5, for: 10s, max: 50%}")
	b.Outlier.Off = off
	if off || !ok {
		return
	}
	l.mapping(n, "outlier",
		field{"failures", func(_ Position, v *yamlNode) { b.Outlier.Failures = l.count(v, "outlier.failures", 1, maxCalls) }},
		field{"for", func(_ Position, v *yamlNode) { b.Outlier.For, _ = l.duration(v, "outlier.for", false) }},
		field{"max", func(_ Position, v *yamlNode) {
			if b.Outlier.Max, ok = l.share(v, "outlier.max"); ok && b.Outlier.Max == 0 {
				l.fault(v.pos, "outlier.max is 0%", "no instance could be taken out: write outlier: off")
			}
		}},
	)
}

func (l *loader) readBreaker(b *Backend, n *yamlNode) {
	off, ok := l.switchedOff(n, "breaker", "{failures: 10, for: 2s}")
	b.Breaker.Off = off
	if off || !ok {
		return
	}
	l.mapping(n, "breaker",
		field{"failures", func(_ Position, v *yamlNode) { b.Breaker.Failures = l.count(v, "breaker.failures", 1, maxCalls) }},
		field{"for", func(_ Position, v *yamlNode) { b.Breaker.For, _ = l.duration(v, "breaker.for", false) }},
	)
}
