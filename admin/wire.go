package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// Status is GET /api/v1/status.
type Status struct {
	Version   string             `json:"version"`
	Started   time.Time          `json:"started"`
	NotReady  string             `json:"not_ready,omitempty"` // why /readyz fails
	Table     TableStatus        `json:"table"`
	Readonly  ReadonlyStatus     `json:"readonly"`
	Proofs    []Proof            `json:"proofs"`
	WriteSets []WriteSets        `json:"write_sets"`
	Latches   []control.Latch    `json:"latches"`
	Overrides []control.Override `json:"overrides"`
	Databases []Database         `json:"databases"` // that shadow writes reach
	Shadow    Stats              `json:"shadow"`
	Evidence  reports.Stats      `json:"evidence"`
	Handover  Handover           `json:"handover"`
}

// WriteSets is how the reader of the rows that shadows write in one database stands.
type WriteSets struct {
	Database    string    `json:"database"` // its name in routes.yaml
	Available   bool      `json:"available"`
	Why         string    `json:"why,omitempty"` // it is not, with the next step on a second line
	Since       time.Time `json:"since"`
	Slot        string    `json:"slot"`
	RetainedWAL int64     `json:"retained_wal_bytes"` // kept by the server for the slot
	KeepWAL     int64     `json:"max_wal_bytes"`      // above it the slot is lost
	Lag         int64     `json:"lag_bytes"`          // written and not read yet
	Orphans     int       `json:"orphans"`            // transactions of shadows that nobody has rolled back
	Read        int64     `json:"read"`               // sets since the start
	Truncated   int64     `json:"truncated"`          // that were too long
	Late        int64     `json:"late"`               // rolled back before they were read
	Failed      int64     `json:"failed"`
}

// Handover is how the proxy stands between two of its processes.
type Handover struct {
	PID         int       `json:"pid"`                   // of the process that answers
	Predecessor int       `json:"predecessor,omitempty"` // the process before it, which still finishes its requests
	Failed      string    `json:"failed,omitempty"`      // why the last attempt to start a new process failed
	FailedAt    time.Time `json:"failed_at,omitzero"`
}

// TableStatus is what is in force of routes.yaml.
type TableStatus struct {
	Hash      string    `json:"hash"`
	Routes    int       `json:"routes"`
	LoadedAt  time.Time `json:"loaded_at"`
	LoadError string    `json:"load_error,omitempty"` // the file has not loaded since then
}

// RouteInfo is one of GET /api/v1/routes.
type RouteInfo struct {
	Name       string            `json:"name"`
	Method     string            `json:"method"` // "" for any
	Pattern    string            `json:"pattern"`
	Stage      string            `json:"stage"`
	Percent    float64           `json:"percent"` // of clients that get new, at ramp
	Sticky     string            `json:"sticky"`
	Legacy     string            `json:"legacy"` // backend
	New        string            `json:"new"`    // backend
	Safe       bool              `json:"safe"`
	Idempotent bool              `json:"idempotent"`
	Readonly   string            `json:"readonly"`
	TimeoutMS  int64             `json:"timeout_ms"`
	CacheTTLMS int64             `json:"cache_ttl_ms"`
	Shadow     ShadowInfo        `json:"shadow"`
	Rules      []compare.Rule    `json:"rules"`
	Position   string            `json:"position"`                // "routes.yaml:12:7"
	Writes     string            `json:"shadow_writes,omitempty"` // what becomes of what its shadows write and do beside; "" when no write is shadowed
	Override   *control.Override `json:"override,omitempty"`
	Latch      *control.Latch    `json:"latch,omitempty"`
}

// ShadowInfo are a route's settings of shadow calls.
type ShadowInfo struct {
	Sample    float64 `json:"sample"` // share of clients, 0 to 1
	Order     string  `json:"order"`
	Run       string  `json:"run"`
	TimeoutMS int64   `json:"timeout_ms"`
	BudgetMS  int64   `json:"budget_ms"`
	MaxBody   int64   `json:"max_body"` // bytes

	Recheck RecheckInfo `json:"recheck"`
}

// RecheckInfo are a route's settings of re-checks.
type RecheckInfo struct {
	DelayMS int64   `json:"delay_ms"`
	Tries   int     `json:"tries"`
	Share   float64 `json:"share"` // of the requests that differ, 0 to 1
	Writes  bool    `json:"writes"`
}

// ReadonlyStatus is GET /api/v1/readonly.
type ReadonlyStatus struct {
	readonly.State
	UnderWay int64 `json:"under_way"` // writes that were let through and have not ended
}

// ReadonlyChange is POST /api/v1/readonly. Durations are written as Go writes
// them ("15m").
type ReadonlyChange struct {
	On  bool
	Why string
	// For announces the length; it opens nothing by itself. Only with On.
	For time.Duration
	// Wait is how long the call may take until no write is under way any more.
	// When it is up first the gate stays closed and the call fails with status
	// 504. Only with On; at most MaxWait.
	Wait time.Duration
}

// MaxWait bounds ReadonlyChange.Wait.
const MaxWait = 10 * time.Minute

type readonlyChange struct {
	On   *bool  `json:"on"` // required: what is left out opens no gate
	Why  string `json:"why"`
	For  string `json:"for,omitempty"`
	Wait string `json:"wait,omitempty"`
}

// MarshalJSON writes {"on":true,"why":"…","for":"15m0s","wait":"30s"}.
func (c ReadonlyChange) MarshalJSON() ([]byte, error) {
	w := readonlyChange{On: &c.On, Why: c.Why}
	if c.For != 0 {
		w.For = c.For.String()
	}
	if c.Wait != 0 {
		w.Wait = c.Wait.String()
	}
	return json.Marshal(w)
}

// change is w with its durations read.
func (w readonlyChange) change() (ReadonlyChange, error) {
	if w.On == nil {
		return ReadonlyChange{}, errors.New(`"on" is missing
say "on": true to close the gate, or "on": false to open it`)
	}
	c := ReadonlyChange{On: *w.On, Why: w.Why}
	for _, d := range []struct {
		name, text string
		to         *time.Duration
	}{{"for", w.For, &c.For}, {"wait", w.Wait, &c.Wait}} {
		if d.text == "" {
			continue
		}
		v, err := length(d.name, d.text)
		if err != nil {
			return c, err
		}
		if !c.On {
			return c, fmt.Errorf("%s goes with on only", d.name)
		}
		*d.to = v
	}
	return c, checkWait(c.Wait)
}

func length(name, text string) (time.Duration, error) {
	v, err := time.ParseDuration(text)
	if err != nil || v < 0 {
		return 0, fmt.Errorf("%s %q is not a length of time\nwrite it as in 30s or 15m", name, text)
	}
	return v, nil
}

func checkWait(wait time.Duration) error {
	if wait > MaxWait {
		return fmt.Errorf("wait %q is longer than %s\nask again when it is up: the gate stays closed", wait, MaxWait)
	}
	return nil
}

type stageChange struct {
	Stage   string   `json:"stage"`
	Percent *float64 `json:"percent,omitempty"` // required at ramp, and refused elsewhere
	Why     string   `json:"why"`
}

// setting is c where percent is there at ramp and nowhere else, as in the file.
// A share left out would be 0: nobody on the new side, under the name of a ramp.
func (c stageChange) setting() (routes.StageSetting, error) {
	set := routes.StageSetting{Stage: routes.Stage(c.Stage)}
	refused := &problemError{status: http.StatusUnprocessableEntity, kind: "refused", title: "Refused, as it would be in the file"}
	switch {
	case set.Stage == routes.StageRamp && c.Percent == nil:
		refused.detail = "stage ramp without percent\nsay which share of the clients gets new: a percent from 0 to 100"
		return set, refused
	case set.Stage != routes.StageRamp && c.Percent != nil:
		refused.detail = "percent has a meaning only at stage ramp\nleave the percent out, or set stage ramp"
		return set, refused
	case c.Percent != nil:
		set.Percent = *c.Percent
	}
	return set, nil
}

// StageSet is what POST /api/v1/routes/{name}/stage answers: what was set.
type StageSet struct {
	Route   string  `json:"route"`
	Stage   string  `json:"stage"`
	Percent float64 `json:"percent"`
}

// String is "accounts.show at ramp 25%".
func (s StageSet) String() string {
	text := s.Route + " at " + s.Stage
	if s.Stage == string(routes.StageRamp) {
		text += fmt.Sprintf(" %g%%", s.Percent)
	}
	return text
}

// LatchReset is what POST /api/v1/routes/{name}/reset answers.
type LatchReset struct {
	Route string `json:"route"`
}

type resetChange struct {
	Why string `json:"why"`
}

// LoginLink is what POST /api/v1/login-links answers.
type LoginLink struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}
