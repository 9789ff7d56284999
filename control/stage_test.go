package control_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/routes"
)

type storeTx = sql.Tx

func TestSetStage(t *testing.T) {
	w := newWorld(t)
	w.use(file("legacy", "legacy"))
	w.mustSet("show", "ramp", 25)
	w.wantStage("show", "ramp 25%")
	w.wantStage("create", "legacy")
	got := w.Overrides()
	if len(got) != 1 || got[0].Route != "show" || got[0].Stage != "ramp" || got[0].Percent != 25 ||
		got[0].FileStage != "legacy" || got[0].By != "ann" || got[0].Why != "because" || got[0].At.IsZero() {
		t.Errorf("overrides %+v", got)
	}
	w.mustSet("show", "ramp", 50)
	w.mustSet("create", "shadow", 0)

	w.restart()
	w.use(file("legacy", "legacy"))
	w.wantStage("show", "ramp 50%")
	w.wantStage("create", "shadow")
	w.mustSet("show", "legacy", 0)
	w.wantStage("show", "legacy")
	if got := w.Overrides(); len(got) != 1 || got[0].Route != "create" {
		t.Errorf("setting what the file says keeps the override: %+v", got)
	}

	want := []string{
		"ann | stage | show: legacy -> ramp 25% | because",
		"ann | stage | show: ramp 25% -> ramp 50% | because",
		"ann | stage | create: legacy -> shadow | because",
		"ann | stage | show: ramp 50% -> legacy (as in the file) | because",
	}
	if got := w.audited("reload"); !slices.Equal(got, want) {
		t.Errorf("audit:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSetStageRefuses(t *testing.T) {
	w := newWorld(t)
	w.use(fileWith("rollback: none", "legacy", "legacy"))
	before := w.Table()
	ramp := func(percent float64) routes.StageSetting {
		return routes.StageSetting{Stage: routes.StageRamp, Percent: percent}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx        context.Context
		route, why string
		set        routes.StageSetting
		is         func(error) bool
		says       string
		reason     string
	}{
		{t.Context(), "show", "", ramp(5), is(control.ErrNoWhy), "why", "no why"},
		{t.Context(), "show", " \n ", ramp(5), is(control.ErrNoWhy), "why", "a blank why"},
		{t.Context(), "shwo", "x", ramp(5), isA[*control.UnknownRoute], `did you mean "show"?`, "a name misspelt"},
		{t.Context(), "", "x", ramp(5), isA[*control.UnknownRoute], "quack routes", "no name"},
		{t.Context(), "show", "x", routes.StageSetting{Stage: "sideways"}, isA[routes.Errors], "sideways", "unknown stage"},
		{t.Context(), "show", "x", ramp(101), isA[routes.Errors], "101", "percent above 100"},
		{t.Context(), "show", "x", routes.StageSetting{Stage: "shadow", Percent: 5}, isA[routes.Errors], "percent", "percent without ramp"},
		{t.Context(), "create", "x", routes.StageSetting{Stage: "shadow"}, isA[routes.Errors], "rollback", "writes to a backend that does not roll back"},
		{gone, "show", "x", ramp(5), is(context.Canceled), "canceled", "the caller has gone"},
	} {
		err := w.SetStage(c.ctx, c.route, c.set, "ann", c.why)
		if err == nil || !c.is(err) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.reason, err)
		}
	}
	if w.Table() != before || len(w.Overrides()) != 0 || len(w.audited("reload")) != 0 {
		t.Error("what was refused has left a trace")
	}
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func TestFileWinsWhenItsValueChanges(t *testing.T) {
	w := newWorld(t)
	w.use(file("legacy", "legacy"))
	w.mustSet("show", "ramp", 25)
	w.use(strings.Replace(file("legacy", "shadow"), "version: 1", "# edited\nversion: 1", 1))
	w.wantStage("show", "ramp 25%")
	w.wantStage("create", "shadow")

	w.use(file("shadow", "shadow"))
	w.wantStage("show", "shadow")
	if got := w.Overrides(); len(got) != 0 {
		t.Errorf("overrides %+v", got)
	}
	// It has ended for good, not only while the value differs.
	w.use(file("legacy", "shadow"))
	w.wantStage("show", "legacy")
	w.restart()
	w.use(file("legacy", "shadow"))
	w.wantStage("show", "legacy")

	want := "file | stage | show: ramp 25% -> shadow | the file changed it from legacy to shadow and wins again"
	if got := w.audited("reload"); len(got) != 2 || got[1] != want {
		t.Errorf("audit:\n%s\nwant at its end:\n%s", strings.Join(got, "\n"), want)
	}
	if !strings.Contains(w.log.String(), "a stage set live has ended") {
		t.Error("that is not in the log")
	}
}

func TestFileWinsOverAnOverrideAcrossRestart(t *testing.T) {
	w := newWorld(t)
	w.use(file("ramp, percent: 10", "legacy"))
	w.mustSet("show", "ramp", 50)
	w.restart()
	w.use(file("ramp, percent: 20", "legacy"))
	w.wantStage("show", "ramp 20%")
}

func TestOverrideThatTheNewFileRefusesIsDropped(t *testing.T) {
	w := newWorld(t)
	w.use(file("legacy", "legacy"))
	w.mustSet("show", "shadow", 0)
	w.mustSet("create", "shadow", 0)
	// The backends lose their rollback: writes must not be shadowed any more,
	// and the file must be used all the same.
	w.use(fileWith("rollback: none", "legacy", "legacy"))
	w.wantStage("create", "legacy")
	w.wantStage("show", "shadow")
	if got := w.Overrides(); len(got) != 1 || got[0].Route != "show" {
		t.Errorf("overrides %+v", got)
	}
	got := w.audited("reload")
	last := got[len(got)-1]
	if !strings.HasPrefix(last, "file | stage | create: shadow -> legacy | the file does not allow it any more") || !strings.Contains(last, "rollback") {
		t.Errorf("audit %q", last)
	}
	if !strings.Contains(w.log.String(), "level=WARN") {
		t.Error("that is not loud in the log")
	}
}

func TestOverrideOfARouteThatIsGoneWaits(t *testing.T) {
	w := newWorld(t)
	w.use(file("legacy", "legacy"))
	w.mustSet("show", "shadow", 0)
	without := strings.Replace(file("legacy", "legacy"), "name: show", "name: other", 1)
	w.use(without)
	if got := w.Overrides(); len(got) != 0 {
		t.Errorf("an override of no route is in force: %+v", got)
	}
	w.mustSet("create", "shadow", 0)
	w.restart()
	w.use(without)
	w.use(file("legacy", "legacy"))
	w.wantStage("show", "shadow")
	w.wantStage("create", "shadow")

	w.use(without)
	w.use(file("verify", "legacy"))
	w.wantStage("show", "verify")
}

// A store that can not be written keeps stages as they are, but not a file from
// being used: it may be the file that has to move traffic away.
func TestStoreThatCanNotBeWritten(t *testing.T) {
	w := newWorld(t)
	w.use(file("shadow", "legacy"))
	w.db.Close()
	if err := w.set("show", "ramp", 5); err == nil {
		t.Error("a stage was set that is not on disk")
	}
	w.wantStage("show", "shadow")
	w.use(file("new", "legacy"))
	w.wantStage("show", "new")
	if !strings.Contains(w.log.String(), "not in the audit") {
		t.Error("that is not in the log")
	}
	w.Latch(control.Latch{Route: "create", Why: "no acknowledgement"})
	if !w.Latched("create") {
		t.Error("a leak does not count because the store is away")
	}
}

// Changes from all sides at once: each is either wholly there or was refused,
// memory and disk agree at the end, and readers always see a whole table.
func TestConcurrentChanges(t *testing.T) {
	w := newWorld(t)
	w.use(file("legacy", "legacy"))
	files := []*routes.Table{table(t, file("legacy", "legacy")), table(t, "# other bytes\n"+file("legacy", "legacy"))}
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := w.Table(); got.Route("show") == nil || got.Route("create") == nil {
					t.Error("a table without its routes")
					return
				}
				w.Latched("create")
				w.Overrides()
			}
		})
	}
	for i := range 4 {
		writers.Go(func() {
			for j := range 10 {
				route := []string{"show", "create"}[j%2]
				stage := []string{"shadow", "verify", "new", "legacy"}[(i+j)%4]
				if err := w.set(route, stage, 0); err != nil {
					t.Error(err)
				}
				switch {
				case i == 0:
					if err := w.Use(t.Context(), files[j%2]); err != nil {
						t.Error(err)
					}
				case i == 1:
					w.Latch(control.Latch{Route: route, Why: "x"})
				case i == 2:
					if err := w.ResetLatch(t.Context(), route, "ann", "x"); err != nil && !errors.Is(err, control.ErrNotLatched) && !errors.Is(err, control.ErrLatchedAgain) {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()

	stages := w.stage("show") + " " + w.stage("create")
	latches := w.Latches()
	w.restart()
	w.use(file("legacy", "legacy"))
	if got := w.stage("show") + " " + w.stage("create"); got != stages {
		t.Errorf("after a restart %s, before it %s", got, stages)
	}
	if got := w.Latches(); !slices.Equal(got, latches) {
		t.Errorf("latches after a restart %+v, before it %+v", got, latches)
	}
}
