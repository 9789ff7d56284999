package txshadow

import (
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// A handler that uses another context than its request's is not in the shadow:
// what it writes is live. It can not be told from work that has nothing to do
// with the shadow, so all shadows of the process count as touched.

// running are the shadows of this process whose handlers run.
var running registry

type registry struct {
	n       atomic.Int32 // of shadows: what most calls look at
	mu      sync.Mutex
	shadows map[*Shadow]bool
}

func (r *registry) add(s *Shadow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shadows == nil {
		r.shadows = map[*Shadow]bool{}
	}
	r.shadows[s] = true
	r.n.Add(1)
}

func (r *registry) remove(s *Shadow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.shadows, s)
	r.n.Add(-1)
}

func (r *registry) note(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.shadows {
		s.note(reason)
	}
}

// ErrForeign is the error, with Config.Strict, of what may write and has the
// context of no request, while a shadow runs.
var ErrForeign = errors.New("txshadow: a statement that may write has the context of no request, while a shadow request runs: it would be live\n" +
	"  pass the request's context on; work that belongs to no request should use a pool of its own")

// foreigners counts calls with the context of no request.
type foreigners struct {
	calls atomic.Int64
	sites sync.Map // places in the source that have been logged
}

// ForeignCalls is how many calls of Pool that may write had the context of no
// request while a shadow ran.
func (a *front) ForeignCalls() int64 { return a.foreigners.calls.Load() }

// foreign looks at a call with the context of no request. sql is what it is
// about to run.
func (a *Adapter) foreign(sql string) error {
	return a.front.foreign(func() bool { return !plainRead(sql) })
}

// foreign looks at a call with the context of no request.
func (a *front) foreign(mayWrite func() bool) error {
	if running.n.Load() == 0 || !mayWrite() {
		return nil
	}
	running.note("unsupported:foreign-context")
	a.foreigners.calls.Add(1)
	site := callSite()
	if _, told := a.foreigners.sites.LoadOrStore(site, true); !told {
		a.log.Warn("a statement that may write has the context of no request, while a shadow request runs: it is live, and the shadow is not compared\n"+
			"  pass the request's context on; work that belongs to no request should use a pool of its own", "at", site, "refused", a.strict)
	}
	if a.strict {
		return ErrForeign
	}
	return nil
}

func plainRead(sql string) bool {
	return !slices.ContainsFunc(sqltext.Split(sql, false), func(s sqltext.Statement) bool { return s.Writes || s.Refusal != "" })
}

var ownPackage = reflect.TypeFor[Adapter]().PkgPath()

// between are packages that stand between the application and us.
var between = []string{ownPackage + ".", ownPackage + "/sqlshadow.", "github.com/jackc/pgx/", "database/sql."}

// callSite is where the application has called us, perhaps by way of pgx or
// database/sql.
func callSite() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if !slices.ContainsFunc(between, func(p string) bool { return strings.HasPrefix(f.Function, p) }) || !more {
			return f.File + ":" + strconv.Itoa(f.Line)
		}
	}
}
