package reports

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/store"
)

// CalibrationState is where a calibration stands.
type CalibrationState string

// The states of a calibration. All but the first are final.
const (
	CalibrationRuns        CalibrationState = "running"
	CalibrationDone        CalibrationState = "done"
	CalibrationTimeIsUp    CalibrationState = "time is up"
	CalibrationStopped     CalibrationState = "stopped"
	CalibrationInterrupted CalibrationState = "interrupted" // the proxy has stopped
)

// Calibration is what legacy shows against itself: safe requests of a route,
// sent to legacy twice and compared under the route's rules.
type Calibration struct {
	Route   string           `json:"route"`
	State   CalibrationState `json:"state"`
	N       int              `json:"n"`     // requests that are to be compared
	Until   time.Time        `json:"until"` // when it ends at the latest
	Started time.Time        `json:"started"`
	Ended   time.Time        `json:"ended,omitzero"`
	By      string           `json:"by"`

	Compared  int            `json:"compared"`
	Differing int            `json:"differing"`   // of compared: legacy differs from itself
	BaseRate  float64        `json:"base_rate"`   // differing of compared, 0 to 1
	Upper     float64        `json:"base_rate95"` // upper bound of the base rate at 95 % (Clopper–Pearson, one-sided); 1 when nothing was compared
	Errors    int            `json:"errors"`      // answers that could not be compared; not among compared
	Skipped   map[string]int `json:"skipped"`     // requests taken that were not compared, by reason
	Dropped   int            `json:"dropped"`     // requests taken that the full queue turned away

	Places   []CalibratedPlace `json:"places"` // the most frequent first
	Forgiven []Forgiveness     `json:"forgiven"`
}

// CalibratedPlace is a path and kind at which legacy differs from itself.
type CalibratedPlace struct {
	Path    string       `json:"path"` // compare.OtherPlaces for those beyond 1,000
	Kind    compare.Kind `json:"kind"`
	Count   int          `json:"count"`   // comparisons that have it, in however many places
	Share   float64      `json:"share"`   // of compared
	Samples []Sample     `json:"samples"` // redacted; without an id, since the comparisons are not kept
}

// Forgiveness counts what did not count.
type Forgiveness struct {
	Path   string       `json:"path"`
	Kind   compare.Kind `json:"kind"`
	Reason string       `json:"reason"`
	Count  int          `json:"count"` // comparisons that have it
}

// Why no calibration was begun.
var (
	ErrCalibrating  = errors.New("a calibration of the route is running")
	ErrCalibrations = errors.New("as many calibrations are running as there may be")
	ErrStopping     = errors.New("the proxy is stopping")
)

// The bounds of what a calibration keeps.
const (
	calibrationPlaces  = 1000
	calibrationSamples = 200 // of a place
	calibrationOnce    = 5   // of a place, of one comparison
	calibrationBytes   = 4 << 20
)

// Calibrating adds up a calibration that runs. Safe for concurrent use.
type Calibrating struct {
	r *Reports

	mu       sync.Mutex
	c        Calibration
	places   map[foundAt]*CalibratedPlace
	forgiven map[Forgiveness]int
	bytes    int // of samples
}

// Calibrating begins to add up; c says what is asked for.
func (r *Reports) Calibrating(c Calibration) *Calibrating {
	c.State, c.Skipped = CalibrationRuns, map[string]int{}
	return &Calibrating{r: r, c: c, places: map[foundAt]*CalibratedPlace{}, forgiven: map[Forgiveness]int{}}
}

// Compared adds two answers of legacy to one request, and what compare found.
// c is not kept; what is kept of it is redacted.
func (g *Calibrating) Compared(c Comparison, result compare.Result) {
	if result.Err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.c.Errors++
		return
	}
	for _, d := range result.Differences {
		c.Differences = append(c.Differences, Found{Difference: d, Verdict: Noise})
	}
	c.Forgiven = result.Forgiven
	kept := clean(g.r.redactorOf(c.Route), &c)

	g.mu.Lock()
	defer g.mu.Unlock()
	g.c.Compared++
	if len(kept.Differences) > 0 {
		g.c.Differing++
	}
	seen := map[foundAt]int{}
	for i := range kept.Differences {
		g.add(seen, &kept.Differences[i], c.At)
	}
	reasons := map[Forgiveness]bool{}
	for _, f := range kept.Forgiven {
		reasons[Forgiveness{Path: f.Path, Kind: f.Kind, Reason: f.Reason}] = true
	}
	for f := range reasons {
		if _, known := g.forgiven[f]; !known && len(g.forgiven) >= calibrationPlaces {
			f.Path = compare.OtherPlaces
		}
		g.forgiven[f]++
	}
}

// add counts a difference once a comparison, and keeps some of its values.
func (g *Calibrating) add(seen map[foundAt]int, d *Found, at time.Time) {
	k := foundAt{d.Path, d.Kind}
	p := g.places[k]
	if p == nil && len(g.places) >= calibrationPlaces {
		k.path = compare.OtherPlaces
		p = g.places[k]
	}
	if p == nil {
		p = &CalibratedPlace{Path: k.path, Kind: k.kind}
		g.places[k] = p
	}
	if seen[k]++; seen[k] == 1 {
		p.Count++
	}
	size := len(d.At) + len(d.Legacy) + len(d.New)
	if seen[k] > calibrationOnce || len(p.Samples) >= calibrationSamples || g.bytes+size > calibrationBytes {
		return
	}
	g.bytes += size
	p.Samples = append(p.Samples, Sample{At: at, Place: d.At, Legacy: d.Legacy, New: d.New})
}

// Skipped counts a request that was taken and not compared.
func (g *Calibrating) Skipped(reason string) {
	reason, _ = splitSkip(reason)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.c.Skipped[reason]++
}

// Dropped counts a request that the full queue turned away.
func (g *Calibrating) Dropped() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.c.Dropped++
}

// Failed counts answers that could not be compared.
func (g *Calibrating) Failed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.c.Errors++
}

// End makes the state final.
func (g *Calibrating) End(state CalibrationState, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.c.State, g.c.Ended = state, at
}

// Now is what there is so far.
func (g *Calibrating) Now() Calibration {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.c
	c.Skipped = maps.Clone(c.Skipped)
	c.Upper = upperBound(int64(c.Differing), int64(c.Compared))
	if c.Compared > 0 {
		c.BaseRate = float64(c.Differing) / float64(c.Compared)
	}
	c.Places = make([]CalibratedPlace, 0, len(g.places))
	for _, p := range g.places {
		q := *p
		q.Samples = slices.Clone(p.Samples)
		q.Share = float64(p.Count) / float64(c.Compared)
		c.Places = append(c.Places, q)
	}
	slices.SortFunc(c.Places, func(a, b CalibratedPlace) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
	})
	c.Forgiven = make([]Forgiveness, 0, len(g.forgiven))
	for f, n := range g.forgiven {
		f.Count = n
		c.Forgiven = append(c.Forgiven, f)
	}
	slices.SortFunc(c.Forgiven, func(a, b Forgiveness) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Reason, b.Reason))
	})
	g.r.rereadCalibration(&c)
	return c
}

// KeepCalibration stores a calibration in place of the route's last one.
func (r *Reports) KeepCalibration(ctx context.Context, c Calibration) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("pack the calibration of %q: %w", c.Route, err)
	}
	err = r.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO reports_calibrations (route, at, data) VALUES (?, ?, ?)
			ON CONFLICT (route) DO UPDATE SET at = excluded.at, data = excluded.data`, c.Route, c.Ended.UnixMicro(), data)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the calibration of %q: %w", c.Route, err)
	}
	return nil
}

// Calibration is the last one of a route that has ended; store.ErrNotFound when
// there is none.
func (r *Reports) Calibration(ctx context.Context, route string) (Calibration, error) {
	var c Calibration
	var data []byte
	err := r.db.QueryRowContext(ctx, `SELECT data FROM reports_calibrations WHERE route = ?`, route).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("calibration of %q: %w\nrun one: quack calibrate --route %s", route, store.ErrNotFound, route)
	}
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return c, fmt.Errorf("read the calibration of %q: %w", route, err)
	}
	r.rereadCalibration(&c)
	return c, nil
}
