package admin

import (
	"net/http"
	"net/http/pprof"

	"github.com/go-chi/chi/v5"
)

// profiles serves net/http/pprof. That package also registers itself with
// http.DefaultServeMux, which nothing in Quack serves.
func (s *server) profiles(m chi.Router) {
	m.Get("/", pprof.Index)
	m.Get("/cmdline", pprof.Cmdline)
	m.Get("/profile", s.untilStop(pprof.Profile))
	m.Get("/symbol", pprof.Symbol)
	m.Post("/symbol", pprof.Symbol)
	m.Get("/trace", s.untilStop(pprof.Trace))
	m.Get("/{name}", s.untilStop(pprof.Index))
}

// untilStop ends what lasts for a number of seconds when the server is shut
// down.
func (s *server) untilStop(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, release := s.servers.untilShutdown(r.Context())
		defer release()
		h(w, r.WithContext(ctx))
	}
}
