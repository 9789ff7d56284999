package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/quackproxy/quack/routes"
)

// Override is a stage set live.
type Override struct {
	Route       string    `json:"route"`
	Stage       string    `json:"stage"`
	Percent     float64   `json:"percent"`
	FileStage   string    `json:"file_stage"` // the file's value that it replaced
	FilePercent float64   `json:"file_percent"`
	By          string    `json:"by"`
	Why         string    `json:"why"`
	At          time.Time `json:"at"`
}

func (o Override) setting() routes.StageSetting {
	return routes.StageSetting{Stage: routes.Stage(o.Stage), Percent: o.Percent}
}

// file is the file's value that it replaced.
func (o Override) file() routes.StageSetting {
	return routes.StageSetting{Stage: routes.Stage(o.FileStage), Percent: o.FilePercent}
}

// Overrides are the overrides in force, by route.
func (c *Control) Overrides() []Override {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(c.inForce(c.overrides, c.file)), func(a, b Override) int {
		return cmp.Compare(a.Route, b.Route)
	})
}

// SetStage sets a route's stage live. Refused with routes.Errors where the
// file would be, with an UnknownRoute, and without a why. Setting what the file
// says ends the override.
func (c *Control) SetStage(ctx context.Context, route string, s routes.StageSetting, by, why string) error {
	if err := c.setStage(ctx, route, s, by, why); err != nil {
		return fmt.Errorf("set the stage of %q: %w", route, err)
	}
	return nil
}

func (c *Control) setStage(ctx context.Context, route string, s routes.StageSetting, by, why string) error {
	why, err := reason(why)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.sealed {
		return ErrSealed
	}
	if c.file == nil {
		return errors.New("no table is in force yet")
	}
	file := c.file.Route(route)
	if file == nil {
		return unknownRoute(c.file, route)
	}
	next := maps.Clone(c.overrides)
	next[route] = Override{
		Route: route, Stage: string(s.Stage), Percent: s.Percent,
		FileStage: string(file.Stage), FilePercent: file.Percent,
		By: name(by), Why: why, At: now(),
	}
	with, _, err := c.file.WithStages(settings(next))
	if err != nil {
		return err
	}
	was := settingOf(c.table.Load().Route(route))
	is := settingOf(with.Route(route))
	e := Entry{At: next[route].At, By: name(by), Action: "stage", What: change(route, was, is), Why: why}
	if is == settingOf(file) {
		delete(next, route)
		e.What += " (as in the file)"
	}
	if err := c.write(ctx, next, *c.latches.Load(), e); err != nil {
		return err
	}
	c.overrides = next
	c.swap(with)
	c.log.Info("stage set", "route", route, "from", describe(was), "to", describe(is), "by", e.By, "why", why)
	return nil
}

// reconcile lays the overrides over a new file: those that still hold, the
// table with them, and what is to be said of those that do not. The caller
// holds mu.
func (c *Control) reconcile(t *routes.Table) (keep map[string]Override, with *routes.Table, said []Entry) {
	keep = maps.Clone(c.overrides)
	for _, name := range slices.Sorted(maps.Keys(c.overrides)) {
		o, r := c.overrides[name], t.Route(name)
		switch {
		case r == nil:
			c.log.Warn("a route with a stage set live is not in the file; the stage waits for it", "route", name, "stage", describe(o.setting()))
		case settingOf(r) != o.file():
			delete(keep, name)
			why := fmt.Sprintf("the file changed it from %s to %s and wins again", describe(o.file()), describe(settingOf(r)))
			said = append(said, c.ended(o, r, why))
		}
	}
	if with, _, err := t.WithStages(settings(keep)); err == nil {
		return keep, with, said
	}
	// One or more are refused under the new file. They are laid on one by one
	// to find out which.
	with = t
	accepted := map[string]Override{}
	for _, name := range slices.Sorted(maps.Keys(keep)) {
		o := keep[name]
		accepted[name] = o
		next, _, err := t.WithStages(settings(accepted))
		if err != nil {
			delete(accepted, name)
			said = append(said, c.ended(o, t.Route(name), "the file does not allow it any more: "+err.Error()))
			continue
		}
		with = next
	}
	return accepted, with, said
}

// ended says, in the log and for the audit, that an override is no more.
func (c *Control) ended(o Override, r *routes.Route, why string) Entry {
	c.log.Warn("a stage set live has ended", "route", o.Route, "stage", describe(o.setting()), "now", describe(settingOf(r)), "why", why)
	return Entry{At: now(), By: "file", Action: "stage", What: change(o.Route, o.setting(), settingOf(r)), Why: why}
}

func settings(overrides map[string]Override) map[string]routes.StageSetting {
	set := make(map[string]routes.StageSetting, len(overrides))
	for name, o := range overrides {
		set[name] = o.setting()
	}
	return set
}

func settingOf(r *routes.Route) routes.StageSetting {
	return routes.StageSetting{Stage: r.Stage, Percent: r.Percent}
}

func change(route string, was, is routes.StageSetting) string {
	return fmt.Sprintf("%s: %s -> %s", route, describe(was), describe(is))
}

// describe is "shadow" or "ramp 25%".
func describe(s routes.StageSetting) string {
	if s.Stage != routes.StageRamp {
		return string(s.Stage)
	}
	return fmt.Sprintf("%s %s%%", s.Stage, strconv.FormatFloat(s.Percent, 'f', -1, 64))
}
