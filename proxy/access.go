package proxy

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/quackproxy/quack/internal/redact"
)

// AccessLog is which requests are written down, and where to. Of a request
// there is one record, at the end of its life. It has no query, no header field
// but Host and User-Agent, and no body; what looks like a secret in its path is
// redacted, and what the route takes for one besides.
type AccessLog struct {
	Handler slog.Handler     // must not block
	Share   float64          // of the requests that are written, 0 to 1
	Slow    time.Duration    // requests that take as long are always written, like those answered with 500 and above; 0 has none that is slow
	Redact  *redact.Redactor // required
}

// wants reports whether a request is written.
func (a *AccessLog) wants(status int, took time.Duration) bool {
	return status >= 500 || a.Slow > 0 && took >= a.Slow || rand.Float64() < a.Share
}

// accessMax bounds what a client can put into one field of the log, in bytes.
const accessMax = 2048

// logAccess writes the record of a life that took so long.
func (l *life) logAccess(took time.Duration) {
	if l.Access == nil || !l.Access.wants(l.countedStatus(), took) {
		return
	}
	defer func() {
		if fault := recover(); fault != nil { // the answer is not to suffer
			l.Log.Error("panic in the access log", "request", l.id, "panic", fault, "stack", string(debug.Stack()))
		}
	}()
	redact := l.Access.Redact.Under(l.route.Redact)
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
	r.AddAttrs(
		slog.String("request", l.id),
		slog.String("client", l.accessClient()),
		slog.String("method", cut(redact.Text(l.r.Method))),
		slog.String("host", cut(redact.Text(l.r.Host))),
		slog.String("path", l.accessPath(redact)),
		slog.String("proto", l.r.Proto),
		slog.Int("status", l.countedStatus()),
		slog.Int64("in", l.upload.received()+l.switched),
		slog.Int64("out", l.sent),
		slog.Float64("ms", millis(took)),
		slog.String("route", l.route.Name),
		slog.String("stage", string(l.route.Stage)),
		slog.String("side", string(l.side)),
	)
	for _, some := range []struct{ name, value string }{
		{"trace", l.trace},
		{"backend", l.call.backend},
		{"skipped", l.skipped},
		{"ended", l.endedHow()},
		{"user_agent", redact.HeaderValue("User-Agent", l.r.UserAgent())},
	} {
		if some.value != "" {
			r.AddAttrs(slog.String(some.name, cut(some.value)))
		}
	}
	if !l.call.began.IsZero() && !l.call.ended.IsZero() {
		r.AddAttrs(slog.Float64("backend_ms", millis(l.call.ended.Sub(l.call.began))))
	}
	_ = l.Access.Handler.Handle(context.Background(), r) // counts what it loses
}

func millis(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// accessClient is the client's address, also of a request that was refused
// before it was looked at.
func (l *life) accessClient() string {
	if !l.peer.IsValid() {
		l.peer = peerOf(l.r)
		l.trusted = l.peer.IsValid() && within(l.peer, l.Trusted)
		l.client = l.clientOf()
	}
	return l.client
}

// accessPath is the path as it came, without its query and secrets.
func (l *life) accessPath(redact *redact.Redactor) string {
	path := l.target.path
	if path == "" { // a target that is none
		path, _, _ = strings.Cut(l.r.RequestURI, "?")
	}
	return cut(redact.Target(path))
}

// endedHow says why an answer was not whole; "" when it was.
func (l *life) endedHow() string {
	switch {
	case l.gone || l.status == 0:
		return "client-gone"
	case l.aborted:
		return "broken-off"
	}
	return ""
}

func cut(s string) string {
	if len(s) > accessMax {
		return s[:accessMax] + "…"
	}
	return s
}

// counted counts the bytes of an answer of Quack's own.
type counted struct {
	http.ResponseWriter
	n *int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	*c.n += int64(n)
	return n, err
}
