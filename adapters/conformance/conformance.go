// Package conformance holds every adapter to the same promises.
//
// [Run] is all: it starts a real PostgreSQL, starts an adapter's test app as a
// process, drives it with signed requests as Quack would, and looks at the
// answers, their acknowledgements and, from a connection of its own, at the
// tables. It knows nothing of the app's language; what the app has to offer is
// in docs/adapters.md.
//
// It runs inside a Go test, one per adapter, in the adapter's folder. With the
// flag -update that test writes testdata/escapes.md: what became of each
// spelling by which an application could end its transaction.
package conformance

import (
	"flag"
	"os/exec"
	"testing"
)

// update belongs to the tests that import this package.
var update = flag.Bool("update", false, "write testdata/escapes.md")

// Effect is a kind of work that an app does besides writing to its database.
type Effect string

// The effects that the contract of the app knows.
const (
	Mail     Effect = "mail"
	Job      Effect = "job"
	Callback Effect = "callback" // after commit
	HTTP     Effect = "http"     // a call to EFFECT_URL
)

// Protocol is the way in which POST /sql sends its statements.
type Protocol string

// The protocols of PostgreSQL's queries.
const (
	Simple   Protocol = "simple"
	Extended Protocol = "extended"
)

var protocols = []Protocol{Simple, Extended}

// App is an adapter's test app, and the manual of what may differ between
// adapters.
type App struct {
	Name string // of the adapter: "rails"

	// Command starts the app, with PORT, DATABASE_URL, QUACK_SHADOW_SECRET,
	// WALL_CAP_MS and EFFECT_URL in its environment. It is killed at the end,
	// with the processes it has started.
	Command []string
	Env     []string // "NAME=value", besides this process's own

	// Has lists the effects that POST /effects causes; the others are not
	// asked for.
	Has []Effect
	// MapsVerbs says that the adapter takes BEGIN, COMMIT and ROLLBACK that
	// the app sends as SQL for what they mean, and makes savepoints of them,
	// because its framework sends them so. Without it they are refused.
	MapsVerbs bool
	// Beside is the reason of a request that uses a second connection, where
	// the adapter can not give it the shadow's session; default none: all
	// connections of a request share that session.
	Beside string
	// Apart is the reason of a request with two transactions at once, each on a
	// connection of its own; default unsupported:concurrent-transactions.
	Apart string
	// OneConnection says that the app has one connection and no more.
	OneConnection bool
	// NoNotices says that the adapter's database library does not show notices.
	NoNotices bool
	// PerThread says that the adapter knows of a query before itself only from a
	// thread's second request on, so that the first of a new thread is run.
	PerThread bool
	// Again says that another app holds the same adapter to all of this: what
	// takes long because it waits is left to that one.
	Again bool
}

func (a *App) setDefaults() {
	if a.Apart == "" {
		a.Apart = "unsupported:concurrent-transactions"
	}
}

// Run holds app to everything. Each promise is a subtest.
func Run(t *testing.T, app App) {
	t.Helper()
	if _, err := exec.LookPath(app.Command[0]); err != nil {
		t.Skipf("the app of %s can not be started: %v", app.Name, err)
	}
	s := newSuite(t, app)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s.db.seed(t)
			c.check(t, s)
			s.settled(t)
		})
	}
}

// cases in the order of their running: what ends the app comes last.
var cases = []struct {
	name  string
	check func(*testing.T, *suite)
}{
	{"hello", checkHello},
	{"refused", checkRefused},
	{"targets", checkTargets},
	{"rotation", checkRotation},
	{"replay", checkReplay},
	{"writes", checkWrites},
	{"nested", checkNested},
	{"live", checkLive},
	{"active", checkActive},
	{"reading", checkReading},
	{"stream", checkStream},
	{"effects", checkEffects},
	{"budget", checkBudget},
	{"locks", checkLocks},
	{"together", checkTogether},
	{"connections", checkConnections},
	{"escapes", checkEscapes},
	{"session lost", checkSessionLost},
	{"pooler", checkPooler},
	{"query before", checkQueryBefore},
	{"prepare", checkPrepare},
	{"database crashed", checkCrashed},
	{"killed", checkKilled}, // the app is gone until it is restarted
	{"plain role", checkPlainRole},
	{"without the fuse", checkWithoutFuse},
	{"restarted", checkRestarted},
}
