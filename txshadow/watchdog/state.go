package watchdog

import "time"

// State is what a watchdog sees and has done. Counts are since its start.
type State struct {
	Database string `json:"database"`
	Watching bool   `json:"watching"` // it has a connection
	Why      string `json:"why"`      // why not; "" when it has one

	Sees bool `json:"sees"` // its role sees what the sessions of others wait for; without, shadow writes are refused

	UnderWay int    `json:"under_way"`   // shadow writes of this process
	Max      int    `json:"max_shadows"` // at once; 0 is no bound
	Busy     string `json:"busy"`        // the limit for which shadows are not run; "" when they are

	Full       int64 `json:"refused_full"`        // shadow writes not run, since there were enough at once
	Refused    int64 `json:"refused_busy"`        // shadow writes not run, since the database was busy or not watched
	Blocking   int64 `json:"ended_blocking"`      // sessions ended, since a live one waited for them
	Overdue    int64 `json:"ended_overdue"`       // sessions ended, since they were older than a shadow may be
	RolledBack int64 `json:"prepared_rolledback"` // prepared transactions rolled back
	Orphans    int   `json:"orphans"`             // prepared transactions that are too old, and could not be rolled back
	Failed     int64 `json:"failed"`              // endings that the server refused

	Fault   string    `json:"fault"`    // the last thing that went wrong, "" when nothing has
	FaultAt time.Time `json:"fault_at"` // zero when nothing has
	Load    Load      `json:"load"`     // as last measured
}

// State is the state of this moment.
func (w *Watchdog) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.state
	s.UnderWay, s.Max, s.Busy = w.underWay, w.settings.MaxShadows, w.over
	if w.settings.Off {
		s.Watching, s.Why = false, "switched off in routes.yaml"
	}
	return s
}

func (w *Watchdog) online() {
	w.mu.Lock()
	w.state.Watching, w.state.Why = true, ""
	blind := !w.state.Sees
	w.mu.Unlock()
	w.told = map[string]bool{}
	if blind {
		w.log.Error("the watchdog sees sessions of its own role only: unsafe requests are not shadowed to its database", "next step", "GRANT pg_monitor to its role; quack doctor prints the statement")
	}
	w.log.Info("watching the database for shadows that stand in the way of live sessions")
}

func (w *Watchdog) away(err error) {
	w.mu.Lock()
	first := w.state.Watching || w.state.Why != err.Error()
	w.state.Watching, w.state.Why = false, err.Error()
	w.mu.Unlock()
	if first {
		w.log.Error("the database can not be watched: unsafe requests are not shadowed to it", "err", err)
	}
}

// fault notes something that went wrong with what was tried, and says it once
// for as long as the connection lasts.
func (w *Watchdog) fault(what string, err error) {
	w.mu.Lock()
	w.state.Failed++
	w.state.Fault, w.state.FaultAt = what+": "+err.Error(), time.Now()
	w.mu.Unlock()
	if !w.told[what] && len(w.told) < maxTold {
		w.told[what] = true
		w.log.Error(what, "err", err, "next step", "quack doctor says which right is missing")
	}
}

// maxTold bounds the faults that are remembered as told.
const maxTold = 100

// count changes the state.
func (w *Watchdog) count(f func(*State)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.state)
}
