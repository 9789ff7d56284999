package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/internal/problem"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// problemError is an error with an answer of its own.
type problemError struct {
	status int
	kind   string // last part of the type URI, "" for none
	title  string
	detail string
	header map[string]string
	extra  map[string]any
}

func (e *problemError) Error() string { return e.title + ": " + e.detail }

var (
	errWrongToken = &problemError{
		status: http.StatusUnauthorized, kind: "wrong-token", title: "Wrong token",
		detail: "The bearer token is not the one that quack serve was started with.\nSet QUACK_ADMIN_TOKEN to the one of that process.",
		header: map[string]string{"WWW-Authenticate": `Bearer realm="quack"`},
	}
	errLoggedOut = &problemError{
		status: http.StatusUnauthorized, kind: "logged-out", title: "Not logged in",
		detail: "Programs send Authorization: Bearer $QUACK_ADMIN_TOKEN.\nFor a browser, run quack login and open the link that it prints.",
		header: map[string]string{"WWW-Authenticate": `Bearer realm="quack"`},
	}
)

func badRequest(detail string) error {
	return &problemError{status: http.StatusBadRequest, kind: "bad-request", title: "Bad request", detail: detail}
}

// asProblem is the one place where errors become answers.
func (s *server) asProblem(r *http.Request, err error) *problemError {
	var (
		own     *problemError
		unknown *control.UnknownRoute
		refused routes.Errors
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &unknown):
		return &problemError{status: http.StatusNotFound, kind: "unknown-route", title: "Unknown route", detail: unknown.Error(), extra: extra("nearest", unknown.Nearest)}
	case errors.As(err, &refused):
		return &problemError{status: http.StatusUnprocessableEntity, kind: "refused", title: "Refused, as it would be in the file", detail: refused.Error()}
	case errors.Is(err, control.ErrNoWhy), errors.Is(err, control.ErrLongWhy):
		return &problemError{status: http.StatusUnprocessableEntity, kind: "no-why", title: "A reason is missing or too long", detail: err.Error()}
	case errors.Is(err, control.ErrNotLatched):
		return &problemError{status: http.StatusConflict, kind: "not-latched", title: "Nothing to reset", detail: err.Error()}
	case errors.Is(err, control.ErrLatchedAgain):
		return &problemError{status: http.StatusConflict, kind: "latched-again", title: "Another leak was suspected", detail: err.Error()}
	case errors.Is(err, reports.ErrCalibrating):
		return &problemError{status: http.StatusConflict, kind: "calibrating", title: "A calibration of this route is running", detail: "Wait for its end, or stop it: DELETE /api/v1/calibrations/ROUTE, or an interrupt of the quack calibrate that began it."}
	case errors.Is(err, reports.ErrCalibrations):
		return &problemError{status: http.StatusConflict, kind: "calibrations", title: "Enough calibrations are running", detail: "Each sends requests to legacy twice. Begin another one when one has ended."}
	case errors.Is(err, reports.ErrStopping):
		return &problemError{status: http.StatusServiceUnavailable, kind: "stopping", title: "The proxy is stopping", detail: "Ask again when it is back."}
	case errors.Is(err, control.ErrSealed):
		return &problemError{status: http.StatusServiceUnavailable, kind: "handing-over", title: "Handing over", detail: "This process hands over to a new one, and nothing was changed.\nAsk again in a moment: the new one answers then.",
			header: map[string]string{"Retry-After": "1", "Connection": "close"}}
	case errors.Is(err, readonly.ErrPreceded):
		return &problemError{status: http.StatusGatewayTimeout, kind: "preceded", title: "The process before this one is not done", detail: "The gate is closed here and stays closed. The process that handed over to this one still finishes its requests, and may let a write among them through.\nWait for its end with quack readonly status --wait 30s, which changes nothing, or open the gate with quack readonly off --why TEXT.",
			extra: map[string]any{"under_way": s.gate.UnderWay(), "read_only": true}}
	case errors.Is(err, control.ErrNotFound):
		return &problemError{status: http.StatusNotFound, kind: "not-kept", title: "Not kept", detail: "It was never there, or has made room for newer evidence."}
	case errors.Is(err, reports.ErrCursor):
		return &problemError{status: http.StatusBadRequest, kind: "cursor", title: "Not a cursor", detail: "after is not a cursor that this list has given. Take next of the page before, as it is, with the same parameters."}
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return &problemError{status: 499, title: "The client went away"}
	}
	if p := markProblem(err); p != nil {
		return p
	}
	s.log.Error("admin request", "method", r.Method, "path", r.URL.Path, "error", err)
	return &problemError{status: http.StatusInternalServerError, title: "Internal error", detail: err.Error()}
}

func extra(name, value string) map[string]any {
	if value == "" {
		return nil
	}
	return map[string]any{name: value}
}

// fail answers with what is wrong: problem details for programs, one of our
// pages for browsers.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.asProblem(r, err)
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	if isPage(r) {
		s.failPage(w, r, p)
		return
	}
	d := problem.Details{Title: p.title, Status: p.status, Detail: p.detail, Extra: p.extra}
	if p.kind != "" {
		d.Type = problem.TypeBase + p.kind
	}
	problem.Write(w, r, d)
}

// isPage reports whether the path is one of the pages.
func isPage(r *http.Request) bool {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		return false
	}
	return !strings.HasPrefix(r.URL.Path, "/api/")
}
