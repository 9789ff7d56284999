package main

import (
	"net/http"
	"os"

	"github.com/quackproxy/quack/adapters/internal/shop"
	"github.com/quackproxy/quack/txshadow"
)

// fault is a promise that the app breaks on purpose (APP_FAULT), to show that
// the suite finds it; "" for none.
type fault string

const (
	noMiddleware  fault = "no middleware"  // shadows are served as live requests
	ownPool       fault = "own pool"       // POST /durable uses a pool past the adapter's
	noRecording   fault = "no recording"   // effects are left out and not recorded
	anotherAnswer fault = "another answer" // a shadow is answered otherwise
	ownSessions   fault = "own sessions"   // the app does not see that it is in a shadow
)

func plantedFault() fault { return fault(os.Getenv("APP_FAULT")) }

// outermost is the adapter's middleware around the app, or what a faulty app
// has in its place.
func (f fault) outermost(a *txshadow.Adapter, app http.Handler) http.Handler {
	if f == noMiddleware {
		return app
	}
	return a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f == anotherAnswer && txshadow.Active(r.Context()) {
			w = otherwise{w}
		}
		app.ServeHTTP(w, r)
	}))
}

// planted is the shop with the fault that is in one of its answers to shadows.
func (f fault) planted(s *storage, app http.Handler) http.Handler {
	switch f {
	case ownPool:
		return instead(app, "POST /durable", func(r *http.Request) (int, any, error) {
			in, err := shop.Read[shop.Named](r)
			if err != nil {
				return 0, nil, err
			}
			_, err = s.past.Exec(r.Context(), shop.InsertItem, in.Name)
			return http.StatusCreated, shop.Object{"name": in.Name}, err
		})
	case noRecording:
		return instead(app, "POST /effects", func(r *http.Request) (int, any, error) {
			in, err := shop.Read[shop.Named](r)
			if err != nil {
				return 0, nil, err
			}
			return http.StatusAccepted, shop.Object{}, s.Isolated(r.Context(), "", in.Name)
		})
	case ownSessions:
		return instead(app, "GET /active", func(*http.Request) (int, any, error) {
			return http.StatusOK, shop.Object{"active": false}, nil
		})
	}
	return app
}

// instead answers shadows of one pattern by f, and all else by app.
func instead(app http.Handler, pattern string, f func(*http.Request) (int, any, error)) http.Handler {
	shadows := http.NewServeMux()
	shadows.Handle("/", app)
	shadows.HandleFunc(pattern, shop.Answering(f))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if txshadow.Active(r.Context()) {
			shadows.ServeHTTP(w, r)
			return
		}
		app.ServeHTTP(w, r)
	})
}

// otherwise answers 200 whatever the app says.
type otherwise struct{ http.ResponseWriter }

func (w otherwise) WriteHeader(int) { w.ResponseWriter.WriteHeader(http.StatusOK) }
