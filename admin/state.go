package admin

import (
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// state is where a route stands on its way, for those who look at many.
type state int

// The states, worst first.
const (
	stateDiffers state = iota // a difference is open, or a leak is suspected
	stateWaits                // compared or to be compared, not enough yet
	stateReady
	stateMoved // new answers alone
	stateIdle  // legacy answers alone
	states
)

// stateWords are the states as they stand in a URL and in a page, with the class
// that colours them.
var stateWords = [states]struct{ Key, Text, Class string }{
	{"differs", "differ", "bad"},
	{"waits", "not ready yet", "warn"},
	{"ready", "ready", "good"},
	{"moved", "moved", "moved"},
	{"idle", "not compared", "idle"},
}

func (s state) Key() string   { return stateWords[s].Key }
func (s state) Class() string { return stateWords[s].Class }

// compares reports whether anything is compared at a stage.
func compares(stage string) bool {
	switch routes.Stage(stage) {
	case routes.StageShadow, routes.StageRamp, routes.StageVerify:
		return true
	}
	return false
}

// sums are what the routes of a branch come to.
type sums struct {
	Routes                                                           int64
	States                                                           [states]int64
	Served, Compared, Mismatched, Forgiven, Skipped, Dropped, Errors int64
	Spark                                                            reports.Spark
}

// sumsOf are those of one route.
func sumsOf(row *routeRow) *sums {
	t := &sums{
		Routes: 1, Served: row.Served, Compared: row.Compared, Mismatched: row.Mismatched,
		Forgiven: row.Forgiven, Dropped: row.Dropped, Errors: row.Errors, Spark: row.Recent,
	}
	t.States[row.State] = 1
	for _, n := range row.Skipped {
		t.Skipped += n
	}
	return t
}

func (t *sums) merge(u *sums) {
	t.Routes += u.Routes
	for i, n := range u.States {
		t.States[i] += n
	}
	t.Served += u.Served
	t.Compared += u.Compared
	t.Mismatched += u.Mismatched
	t.Forgiven += u.Forgiven
	t.Skipped += u.Skipped
	t.Dropped += u.Dropped
	t.Errors += u.Errors
	for i := range u.Spark.Compared {
		t.Spark.Compared[i] += u.Spark.Compared[i]
		t.Spark.Mismatched[i] += u.Spark.Mismatched[i]
	}
}
