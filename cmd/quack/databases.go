package main

import (
	"context"
	"fmt"
	"os"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/txshadow/watchdog"
)

// databases plugs the watchdogs into the shadow.
type databases struct{ set *watchdog.Set }

var skipOf = map[watchdog.Refusal]string{
	watchdog.Full:      reports.SkipBusy,
	watchdog.Busy:      reports.SkipDatabase,
	watchdog.Unwatched: reports.SkipDatabase,
}

func (d databases) Enter(database string) (leave func(), skip string) {
	leave, refusal := d.set.Enter(database)
	return leave, skipOf[refusal]
}

// watchdogsOf are the databases of a table that shadow writes may reach. Without
// a DSN there is the bound alone.
func watchdogsOf(t *routes.Table) []watchdog.Spec {
	var specs []watchdog.Spec
	for _, d := range t.ShadowDatabases() {
		specs = append(specs, watchdog.Spec{Name: d.Name, DSN: os.Getenv(d.Env()), Settings: watchdog.Settings{
			MaxShadows: d.MaxShadows, Off: d.Watchdog.Off, Grace: d.Watchdog.Grace, Cap: d.Watchdog.Cap,
			Limits: watchdog.Limits(d.Busy),
		}})
	}
	return specs
}

// useDatabases watches the databases of a table. A DSN that is none leaves those
// before in force: it was checked when the process started, and its
// environment does not change.
func (p *process) useDatabases(t *routes.Table) {
	if err := p.databases.Use(watchdogsOf(t)); err != nil {
		p.log.Error("the databases of the new table are not watched", "err", err)
	}
}

// unwatched are the warnings for databases without a DSN.
func unwatched(t *routes.Table) []string {
	var list []string
	for _, d := range t.ShadowDatabases() {
		if os.Getenv(d.Env()) == "" && !d.Watchdog.Off {
			list = append(list, fmt.Sprintf("%s: %s is not set: nobody ends a shadow that live sessions of database %s wait for\n"+
				"  put its DSN in %s; quack doctor says what its role needs; or write watchdog: off", d.Position, d.Env(), d.Name, d.Env()))
		}
	}
	return list
}

// watchDatabases is a part of the process.
func (p *process) watchDatabases(ctx context.Context) error { return p.databases.Run(ctx) }

// databasesShown plugs the watchdogs' states into the admin listener.
func (p *process) databasesShown() []admin.Database {
	var list []admin.Database
	for _, s := range p.databases.States() {
		list = append(list, admin.Database{
			Database: s.Database, Watching: s.Watching, Why: s.Why, Sees: s.Sees, UnderWay: s.UnderWay, Max: s.Max, Busy: s.Busy,
			Full: s.Full, Refused: s.Refused, Blocking: s.Blocking, Overdue: s.Overdue, RolledBack: s.RolledBack,
			Orphans: s.Orphans, Failed: s.Failed, Fault: s.Fault, FaultAt: s.FaultAt, Load: admin.DatabaseLoad(s.Load),
		})
	}
	return list
}
