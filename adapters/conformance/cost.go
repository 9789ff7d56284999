package conformance

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"
)

// cost belongs to the tests that import this package.
var cost = flag.Bool("cost", false, "measure what a shadow costs beside the same request made live")

// MeasureCost prints what POST /items takes live, as a shadow, and as one whose
// rows are read, when the test is run with -cost; else it is skipped. The
// requests take turns, one after the other with a pause, each on a connection
// of its own. The rows are read by a function of SQL, every 3 ms, which is slower than
// the stream that Quack reads.
func MeasureCost(t *testing.T, app App) {
	t.Helper()
	if !*cost {
		t.Skip("it measures, with -cost")
	}
	s := newSuite(t, app)
	s.db.seed(t)
	rows := s.prepares(t)
	if rows {
		openSlot(t, s.db.dsn).run(t)
	}
	const warm, each = 20, 200
	const pause = 25 * time.Millisecond // so that a spare session is ready, as it is for one shadow in a while
	took := map[string][]time.Duration{}
	for n := range warm + each {
		name := func(of string) request { return post("/items", fields{"name": fmt.Sprint(of, n)}) }
		keep := func(of string, out reply) {
			time.Sleep(pause)
			if out.status != 201 {
				t.Fatalf("%s: %d %s", of, out.status, out.body)
			}
			if n >= warm {
				took[of] = append(took[of], out.took)
			}
		}
		keep("live", s.live(t, name("live-")))
		keep("shadow", s.do(t, s.marked(t, name("shadow-").shadow())))
		if rows {
			keep("shadow whose rows are read", s.do(t, s.prepared(t, name("prepared-"), fmt.Sprint(gidPrefix, n))))
		}
	}
	for _, of := range []string{"live", "shadow", "shadow whose rows are read"} {
		if d := took[of]; len(d) > 0 {
			slices.Sort(d)
			t.Logf("%-28s median %5.1f ms; of ten one below %5.1f ms, nine below %5.1f ms", of, ms(d[len(d)/2]), ms(d[len(d)/10]), ms(d[len(d)*9/10]))
		}
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
