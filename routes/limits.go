package routes

import "time"

const (
	// maxRequestBody bounds limits.request_body, which is no limit any more
	// where nobody could send so much.
	maxRequestBody = 1 << 50
	// maxRequestHeader is what the listener itself takes.
	maxRequestHeader = 1 << 20
)

// noLimit is the word for a limit that is lifted, where one is inherited.
const noLimit = "none"

func readBodyLimit(l *loader, n *yamlNode, key string) (any, bool) {
	if n.kind == yamlString && n.text == noLimit {
		return int64(0), true
	}
	v, ok := l.bytes(n, key, maxRequestBody)
	return v, ok
}

func readHeaderLimit(l *loader, n *yamlNode, key string) (any, bool) {
	v, ok := l.bytes(n, key, maxRequestHeader)
	return v, ok
}

func readIdle(l *loader, n *yamlNode, key string) (any, bool) {
	if n.kind == yamlString && n.text == noLimit {
		return time.Duration(0), true
	}
	v, ok := l.duration(n, key, false)
	return v, ok
}

func readFallback(l *loader, n *yamlNode, key string) (any, bool) {
	w, ok := l.word(n, key, []string{string(FallbackAuto), string(FallbackOff)})
	return Fallback(w), ok
}

// showLimit is a limit as written; 0 is none.
func showLimit[T comparable](v T, show func(T) string) string {
	var none T
	if v == none {
		return noLimit
	}
	return show(v)
}
