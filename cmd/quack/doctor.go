package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/txshadow/doctor"
	"github.com/quackproxy/quack/upstream"
)

type doctorCmd struct {
	File string   `arg:"" optional:"" default:"routes.yaml" env:"QUACK_ROUTES" help:"The table of routes (routes.yaml)."`
	Role []string `help:"Role that the application logs in as; without one those that are seen on the database." placeholder:"ROLE"`
	JSON bool     `name:"json" help:"Print JSON."`
	SQL  bool     `name:"sql" help:"Print the statements alone, as one script. They are never executed."`
}

// instanceFinding is what an instance said when it was asked for its proof.
type instanceFinding struct {
	Backend string       `json:"backend"`
	URL     string       `json:"url"`
	State   doctor.State `json:"state"`
	Found   string       `json:"found"`
}

// examination is all that quack doctor has found.
type examination struct {
	Instances []instanceFinding `json:"instances"`
	Databases []doctor.Report   `json:"databases"`
	Unasked   []string          `json:"unasked"` // databases that could not be looked at, and why
}

// Run asks every instance with rollback and every database of theirs.
func (c *doctorCmd) Run(ctx context.Context, s *streams) error {
	table, err := loadTable(c.File)
	if err != nil {
		return err
	}
	found := examination{Instances: []instanceFinding{}, Databases: []doctor.Report{}, Unasked: []string{}}
	if !slices.ContainsFunc(table.Backends(), (*routes.Backend).RollsBack) {
		fmt.Fprintln(s.err, "no backend has rollback: nothing is asked for a proof, and no database is looked at")
	} else if err := found.askInstances(ctx, table); err != nil {
		return err
	}
	for _, d := range table.ShadowDatabases() {
		waiting(s, "looking at the database "+d.Name, 0, func() (struct{}, error) { found.askDatabase(ctx, d, c.Role); return struct{}{}, nil })
	}
	switch {
	case c.JSON:
		err = printJSON(s, found)
	case c.SQL:
		err = found.script(s.out, s.err)
	default:
		err = found.print(s.out)
	}
	if err != nil {
		return err
	}
	if found.missing() {
		return coded{1, errors.New("something is missing" + c.next(&found))}
	}
	return nil
}

// next is the step after a look that has found something missing; "" when what
// is printed says it.
func (c *doctorCmd) next(found *examination) string {
	if c.SQL || !slices.ContainsFunc(found.Databases, func(r doctor.Report) bool { return r.Script() != "" }) {
		return ""
	}
	return "\n  quack doctor --sql prints the statements as one script"
}

// askInstances asks each instance for its proof, as the proxy does before it
// sends a write.
func (e *examination) askInstances(ctx context.Context, table *routes.Table) error {
	keys, err := shadowKeys(table, os.Getenv)
	if err != nil {
		return coded{exitUsage, err}
	}
	codec, err := newProtocol(keys)
	if err != nil {
		return err
	}
	set := upstream.NewSet()
	defer set.Use(nil)
	var specs []upstream.Spec
	for _, b := range table.Backends() {
		if b.Rollback == routes.RollbackHeader || b.Rollback == routes.RollbackPrefer {
			specs = append(specs, upstream.Spec{Name: b.Name, URLs: b.URLs, Options: optionsOf(b)})
		}
	}
	set.Use(specs)
	for _, b := range table.Backends() {
		if b.Rollback == routes.RollbackLanes {
			e.nameLanes(b)
			continue
		}
		conns := set.Backend(b.Name)
		if conns == nil {
			continue
		}
		for _, i := range conns.Instances() {
			f := instanceFinding{Backend: b.Name, URL: i.URL.String(), State: doctor.OK, Found: "has proved that it rolls back"}
			if why := shadow.Prove(ctx, codec, b, i); why != "" {
				f.State, f.Found = doctor.Missing, why
			}
			e.Instances = append(e.Instances, f)
		}
	}
	return nil
}

// nameLanes says of the instances that have lanes who can ask them.
func (e *examination) nameLanes(b *routes.Backend) {
	for _, lane := range b.Lanes {
		e.Instances = append(e.Instances, instanceFinding{Backend: b.Name, URL: lane.URL.String(), State: doctor.Warning,
			Found: "not asked: only quack serve, which listens at " + lane.Listen + " for it, can; its answer is in quack status"})
	}
}

// askDatabase looks at a database through its DSN.
func (e *examination) askDatabase(ctx context.Context, d *routes.Database, roles []string) {
	dsn := os.Getenv(d.Env())
	if dsn == "" {
		e.Unasked = append(e.Unasked, fmt.Sprintf("%s: %s is not set\n  put its DSN in it: write sets, the watchdog and this verb need it", d.Name, d.Env()))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := doctor.Examine(ctx, dsn, doctor.Options{Name: d.Name, Roles: roles, MaxShadows: d.MaxShadows, Cap: d.Watchdog.Cap})
	if err != nil {
		e.Unasked = append(e.Unasked, d.Name+": "+err.Error())
		return
	}
	e.Databases = append(e.Databases, r)
}

func (e *examination) missing() bool {
	for _, f := range e.Instances {
		if f.State == doctor.Missing {
			return true
		}
	}
	for _, r := range e.Databases {
		if r.Missing() {
			return true
		}
	}
	return len(e.Unasked) > 0
}

func (e *examination) print(w io.Writer) error {
	for _, f := range e.Instances {
		found, next, _ := strings.Cut(f.Found, "\n")
		fmt.Fprintf(w, "%s  backend %s  %s  %s\n", f.State, f.Backend, f.URL, oneLine(found))
		if next != "" {
			fmt.Fprintf(w, "  %s\n", oneLine(strings.TrimSpace(next)))
		}
	}
	for _, r := range e.Databases {
		fmt.Fprintln(w)
		if _, err := r.WriteTo(w); err != nil {
			return err
		}
	}
	for _, text := range e.Unasked {
		fmt.Fprintf(w, "\nmissing  database %s\n", text)
	}
	return nil
}

func (e *examination) script(w, errs io.Writer) error {
	for _, text := range e.Unasked {
		fmt.Fprintf(errs, "not looked at: database %s\n", text)
	}
	for _, r := range e.Databases {
		if _, err := io.WriteString(w, r.Script()); err != nil {
			return err
		}
	}
	return nil
}
