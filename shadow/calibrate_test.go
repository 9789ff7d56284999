package shadow

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/store"
)

// storedReports are reports over a store of their own.
func storedReports(t *testing.T) *reports.Reports {
	t.Helper()
	db, err := store.Open(t.Context(), t.TempDir(), reports.Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	rep, err := reports.Open(t.Context(), db, reports.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// specimen waits until the calibration of a route takes a request.
func (r *rig) specimen(t *testing.T, route string) *Specimen {
	t.Helper()
	var taken *Specimen
	eventually(t, "a calibration takes the request", func() bool { taken = r.Specimen(r.table.Route(route)); return taken != nil })
	return taken
}

// calibrated waits for the result of a calibration in the store.
func calibrationOf(t *testing.T, rep *reports.Reports, route string) (c reports.Calibration) {
	t.Helper()
	eventually(t, "the calibration is in the store", func() bool {
		var err error
		c, err = rep.Calibration(t.Context(), route)
		return err == nil
	})
	return c
}

func TestCalibration(t *testing.T) {
	var served atomic.Int64
	counting := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"views":%d,"token":"secret-token-%d","at":"2026-11-01T10:00:0%d.5Z"}`, served.Add(1), served.Load(), served.Load()%10)
	}
	tests := []struct {
		reason string
		live   routes.Side
		change func(*Answer)
		calls  int // to legacy, of each request
	}{
		{"legacy has answered live: it is asked once more", routes.Legacy, func(*Answer) {}, 1},
		{"new has answered live: legacy is asked twice", routes.New, func(*Answer) {}, 2},
		{"a live answer without a body", routes.Legacy, func(a *Answer) { a.Exchange.Status = http.StatusNotModified }, 2},
		{"a live answer that broke off", routes.Legacy, func(a *Answer) { a.Exchange.Incomplete = "reset" }, 2},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			rep := storedReports(t)
			r := newRig(t, options{change: func(c *Config) { c.Reports = rep }}).run(t)
			r.legacy.change(func(s *server) { s.app = counting })
			if err := r.Calibrate("show", 3, time.Now().Add(time.Minute), "ann"); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				a := r.live(tt.live, 200, fmt.Sprintf(`{"views":0,"token":"another-token-%d","at":"2026-11-01T10:00:00.5Z"}`, i))
				tt.change(&a)
				r.specimen(t, "show").Offer(r.ask("show", "GET", "/accounts/1", ""), tt.live, a)
			}
			c := calibrationOf(t, rep, "show")
			if c.State != reports.CalibrationDone || c.Compared != 3 || c.Differing != 3 || c.BaseRate != 1 || c.By != "ann" || c.Ended.IsZero() {
				t.Errorf("calibration %+v", c)
			}
			if n := len(r.legacy.requests()); n != 3*tt.calls {
				t.Errorf("legacy was asked %d times, want %d", n, 3*tt.calls)
			}
			if n := len(r.new.requests()); n != 0 {
				t.Errorf("new was asked %d times", n)
			}
			places := ""
			for _, p := range c.Places {
				places += fmt.Sprintf("%s %s %d of %d samples; ", p.Path, p.Kind, p.Count, len(p.Samples))
				for _, s := range p.Samples {
					if strings.Contains(s.Legacy+s.New, "-token-") {
						t.Errorf("a secret is shown at %s: %s", p.Path, s.Legacy)
					}
				}
			}
			if want := "$.token value 3 of 3 samples; $.views value 3 of 3 samples; "; places != want {
				t.Errorf("places %s, want %s", places, want)
			}
			if len(c.Forgiven) == 0 || c.Forgiven[0].Reason == "" {
				t.Errorf("forgiven %+v", c.Forgiven)
			}
			r.ledger.quiet(t) // nothing in the route's counters
			if r.Specimen(r.table.Route("show")) != nil {
				t.Error("it takes requests after its end")
			}
			eventually(t, "it is forgotten", func() bool { _, running := r.Calibration("show"); return !running })
		})
	}
}

func TestCalibrationEnds(t *testing.T) {
	rep := storedReports(t)
	r := newRig(t, options{more: "  - {name: list, match: GET /list}\n", change: func(c *Config) { c.Reports = rep }}).run(t)
	later := time.Now().Add(time.Minute)
	if r.Specimen(r.table.Route("show")) != nil {
		t.Error("a request was taken without a calibration")
	}
	if err := r.Calibrate("show", 5, later, "ann"); err != nil {
		t.Fatal(err)
	}
	if err := r.Calibrate("show", 5, later, "bob"); !errors.Is(err, reports.ErrCalibrating) {
		t.Errorf("a second one of the route: %v", err)
	}
	if r.Specimen(r.table.Route("list")) != nil {
		t.Error("a request of another route was taken")
	}
	for i := range calibrationsMax - 1 {
		if err := r.Calibrate(fmt.Sprint("other", i), 5, later, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Calibrate("list", 5, later, "ann"); !errors.Is(err, reports.ErrCalibrations) {
		t.Errorf("one too many: %v", err)
	}
	if !r.StopCalibration("other0") || r.StopCalibration("other0") {
		t.Error("other0 was not stopped, once")
	}

	// One that is given back is taken again, and counted.
	r.specimen(t, "show").Skip("aborted")
	if c, running := r.Calibration("show"); !running || c.State != reports.CalibrationRuns || c.Skipped["aborted"] != 1 || c.Compared != 0 || c.Upper != 1 {
		t.Errorf("running %v: %+v", running, c)
	}
	r.specimen(t, "show").Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	eventually(t, "it is compared", func() bool { c, _ := r.Calibration("show"); return c.Compared == 1 && c.Differing == 0 })
	if !r.StopCalibration("show") {
		t.Error("show was not stopped")
	}
	if c := calibrationOf(t, rep, "show"); c.State != reports.CalibrationStopped || c.Compared != 1 {
		t.Errorf("stopped: %+v", c)
	}

	if err := r.Calibrate("list", 5, time.Now().Add(20*time.Millisecond), "ann"); err != nil {
		t.Fatal(err)
	}
	if c := calibrationOf(t, rep, "list"); c.State != reports.CalibrationTimeIsUp {
		t.Errorf("after its time: %+v", c)
	}
	r.stop()
	<-r.done
	if c := calibrationOf(t, rep, "other1"); c.State != reports.CalibrationInterrupted {
		t.Errorf("after the end: %+v", c)
	}
	if err := r.Calibrate("list", 5, later, "ann"); !errors.Is(err, reports.ErrStopping) {
		t.Errorf("after the end: %v", err)
	}
}

// Legacy that can not be asked is skipped and counted, and does not use up n.
func TestCalibrationWithoutLegacy(t *testing.T) {
	rep := storedReports(t)
	r := newRig(t, options{change: func(c *Config) { c.Reports = rep }}).run(t)
	if err := r.Calibrate("show", 1, time.Now().Add(time.Minute), "ann"); err != nil {
		t.Fatal(err)
	}
	r.legacy.Close()
	r.specimen(t, "show").Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, `{"id":1}`))
	eventually(t, "it is skipped", func() bool {
		c, running := r.Calibration("show")
		return running && c.Skipped[reports.SkipUnreachable] == 1 && c.Compared == 0
	})
	if r.specimen(t, "show") == nil {
		t.Error("it was not given back")
	}
}
