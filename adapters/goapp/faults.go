package main

import (
	"net/http"
	"os"

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

// otherwise answers 200 whatever the app says.
type otherwise struct{ http.ResponseWriter }

func (w otherwise) WriteHeader(int) { w.ResponseWriter.WriteHeader(http.StatusOK) }
