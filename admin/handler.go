package admin

import (
	"net/http"
	"runtime/debug"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

func (s *server) handler(metrics http.Handler, metricsOpen bool) http.Handler {
	m := chi.NewMux()
	m.Use(secured, s.servers.watched, s.recovered, middleware.GetHead)
	m.NotFound(s.notFound)
	m.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) { s.methodNotAllowed(w, r, m) })

	m.Get("/healthz", s.healthz)
	m.Get("/readyz", s.readyz)
	if metricsOpen {
		m.Method(http.MethodGet, "/metrics", metrics)
	} else {
		m.With(s.authenticated).Method(http.MethodGet, "/metrics", metrics)
	}
	m.Get("/login", s.loginPage)
	m.Post("/login", s.login)
	m.Get("/static/{file}", s.pages.static)

	m.Group(func(m chi.Router) {
		m.Use(s.authenticated)
		m.Route("/api/v1", s.api)
		m.Route("/debug/pprof", s.profiles)
		s.pageRoutes(m)
	})
	return m
}

func (s *server) api(m chi.Router) {
	m.Get("/openapi.yaml", s.getDescription)
	m.Get("/openapi.json", s.getDescription)
	m.Get("/status", s.getStatus)
	m.Get("/routes", s.getRoutes)
	m.Post("/routes/{name}/stage", s.postStage)
	m.Post("/routes/{name}/reset", s.postReset)
	m.Get("/report", s.getReport)
	m.Get("/differences", s.getDifferences)
	m.Get("/marks", s.getMarks)
	m.Post("/marks", s.postMark)
	m.Get("/runs", s.getRuns)
	m.Get("/comparisons", s.getComparisons)
	m.Get("/comparisons/{id}", s.getComparison)
	m.Get("/rules", s.getRules)
	m.Get("/rules/suggestions", s.getSuggestions)
	m.Post("/rules/try", s.postRuleTry)
	m.Post("/calibrations", s.postCalibration)
	m.Get("/calibrations/{route}", s.getCalibration)
	m.Delete("/calibrations/{route}", s.deleteCalibration)
	m.Get("/readonly", s.getReadonly)
	m.Post("/readonly", s.postReadonly)
	m.Get("/audit", s.getAudit)
	m.Get("/events", s.getEvents)
	m.Post("/login-links", s.postLoginLink)
	m.Get("/routes/{name}/series", s.getSeries)
	m.Get("/differences/{id}", s.getDifference)
	m.Get("/coverage", s.getCoverage)
	m.Post("/differences/{id}/known", s.postKnown)
	m.Delete("/differences/{id}/known", s.deleteKnown)
}

// secured sets what clients and browsers are to know of every answer. Nothing comes from
// elsewhere, no script or style stands in a page itself, and no other page may
// frame one of ours.
func secured(next http.Handler) http.Handler {
	const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set(identityHeader, identity)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into an answer and a line in the log.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			s.log.Error("admin handler panicked", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
			s.fail(w, r, &problemError{status: http.StatusInternalServerError, title: "Internal error", detail: "The log of the proxy says more."})
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, &problemError{status: http.StatusNotFound, kind: "not-found", title: "Not found", detail: "There is nothing at " + r.URL.Path + "."})
}

func (s *server) methodNotAllowed(w http.ResponseWriter, r *http.Request, m *chi.Mux) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if m.Match(chi.NewRouteContext(), method, r.URL.EscapedPath()) {
			w.Header().Add("Allow", method)
		}
	}
	s.fail(w, r, &problemError{status: http.StatusMethodNotAllowed, kind: "method-not-allowed", title: "Method not allowed", detail: r.Method + " is not for " + r.URL.Path + "."})
}

// healthz says that the process runs.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) { plain(w, "ok\n") }

// readyz says whether the proxy should get traffic. It speaks of Quack alone,
// not of its backends.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	if why := s.notReady(); why != "" {
		s.fail(w, r, &problemError{status: http.StatusServiceUnavailable, kind: "not-ready", title: "Not ready", detail: why})
		return
	}
	plain(w, "ready\n")
}

func (s *server) notReady() string {
	if s.control.Table() == nil {
		return "no table is in force yet"
	}
	if err := s.ready(); err != nil {
		return err.Error()
	}
	return ""
}

func plain(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
}
