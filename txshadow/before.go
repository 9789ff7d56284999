package txshadow

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
)

// What stands outside of Middleware runs live, in a shadow's request too. It is
// noticed by a call whose context is that of a request of a server, and that
// has not come through Middleware: from then on no shadow of that server is
// run, and hello says why.

// outsider is the first call of a server's that came from outside of Middleware.
type outsider struct {
	at    string      // in the source
	wrote atomic.Bool // one of them may have written
}

// before looks at a call with the context of no request that Middleware has
// seen.
func (a *front) before(ctx context.Context, mayWrite func() bool) {
	server := ctx.Value(http.ServerContextKey)
	if server == nil {
		return
	}
	o, known := a.outsiders.Load(server)
	if !known {
		if o, known = a.outsiders.LoadOrStore(server, &outsider{at: callSite()}); !known {
			a.log.Error("a query came from a request that has not passed Middleware, which has to be the outermost: shadows are not run", "at", o.(*outsider).at)
		}
	}
	if mayWrite() {
		o.(*outsider).wrote.Store(true)
	}
}

// outsiderOf is the call that shows that something of r's server stands outside
// of Middleware, nil when there was none.
func (a *front) outsiderOf(r *http.Request) *outsider {
	if server := r.Context().Value(http.ServerContextKey); server != nil {
		if o, ok := a.outsiders.Load(server); ok {
			return o.(*outsider)
		}
	}
	return nil
}

func (o *outsider) err() error {
	return errors.New("a query came from a request that has not passed Middleware, at " + o.at + ": in a shadow it would be live\n" +
		"  make Middleware the outermost handler of this server")
}
