// Package tracing is what the spans of live and of shadow calls have in
// common: how a span is named to a backend, [Traceparent], and values of
// attributes that are bounded and tell nothing of what was sent.
package tracing

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/trace"
)

// Traceparent is the traceparent that names a span (W3C Trace Context level 1,
// version 00).
func Traceparent(c trace.SpanContext) string {
	traceID, spanID := c.TraceID(), c.SpanID()
	b := hex.AppendEncode(append(make([]byte, 0, 55), "00-"...), traceID[:])
	b = hex.AppendEncode(append(b, '-'), spanID[:])
	if c.IsSampled() {
		return string(append(b, "-01"...))
	}
	return string(append(b, "-00"...))
}

// Method is a request's method as http.request.method has it: one of RFC 9110
// or PATCH, else _OTHER (OpenTelemetry semantic conventions for HTTP spans).
func Method(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace, http.MethodPatch:
		return method
	}
	return "_OTHER"
}

// ErrorType is error.type of a call that failed: timeout, canceled,
// unreachable (nothing was sent) or broken. The text of an error is not for
// spans: it may quote what a backend has answered.
func ErrorType(err error, notSent bool) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case notSent:
		return "unreachable"
	}
	return "broken"
}
