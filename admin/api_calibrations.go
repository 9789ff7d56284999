package admin

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// Calibrations is what the admin listener needs of shadow.Dispatcher.
type Calibrations interface {
	// Calibrate begins one; the errors are those of package reports.
	Calibrate(route string, n int, until time.Time, by string) error
	// Calibration is that of a route, while it runs.
	Calibration(route string) (reports.Calibration, bool)
	// StopCalibration ends the one of a route, and reports whether there was one.
	StopCalibration(route string) bool
}

// The bounds of a calibration.
const (
	MaxCalibration     = 10_000         // requests
	MaxCalibrationTime = 24 * time.Hour // length
	calibrationTime    = 10 * time.Minute
)

type calibrationChange struct {
	Route string `json:"route"`
	N     int    `json:"n"`
	For   string `json:"for,omitempty"` // default 10m
}

func (c calibrationChange) length() (time.Duration, error) {
	if c.N < 1 || c.N > MaxCalibration {
		return 0, badRequest(fmt.Sprintf("n is %d and has to be from 1 to %d.", c.N, MaxCalibration))
	}
	if c.For == "" {
		return calibrationTime, nil
	}
	d, err := length("for", c.For)
	if err == nil && (d <= 0 || d > MaxCalibrationTime) {
		err = fmt.Errorf("for %q is not within %s\nsay how long it may take at most, above zero, as in 10m", c.For, MaxCalibrationTime)
	}
	if err != nil {
		return 0, badRequest(err.Error())
	}
	return d, nil
}

func (s *server) postCalibration(w http.ResponseWriter, r *http.Request) {
	var c calibrationChange
	err := decode(r, &c)
	if err == nil {
		err = s.calibrate(r, c)
	}
	var is reports.Calibration
	if err == nil {
		is, err = s.calibration(r, c.Route)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, is)
}

func (s *server) calibrate(r *http.Request, c calibrationChange) error {
	route, err := s.control.Route(c.Route)
	if err != nil {
		return err
	}
	d, err := c.length()
	if err != nil {
		return err
	}
	if err := calibratable(route); err != nil {
		return err
	}
	if s.calls == nil {
		return errors.New("nothing is calibrated here")
	}
	by := callerOf(r).by
	if err := s.calls.Calibrate(route.Name, c.N, time.Now().Add(d), by); err != nil {
		return err
	}
	s.control.Note(r.Context(), by, "calibrate", fmt.Sprintf("%s: %d requests within %s", route.Name, c.N, d), "")
	return nil
}

// calibratable refuses a route none of whose requests is safe: asked a second
// time, a write would be another one.
func calibratable(r *routes.Route) error {
	if r.Method == "" || r.SafeFor(r.Method) {
		return nil
	}
	return &problemError{
		status: http.StatusUnprocessableEntity, kind: "unsafe", title: "The route is unsafe",
		detail: fmt.Sprintf("A calibration sends each request of %s to legacy a second time, and %s requests write.\nWhere they do not, say safe: true on the route. For writes that are rolled back the re-check shows what legacy does twice.", r.Name, r.Method),
	}
}

// calibration is that of a route which runs, else the last one that has ended.
func (s *server) calibration(r *http.Request, route string) (reports.Calibration, error) {
	if s.calls != nil {
		if c, running := s.calls.Calibration(route); running {
			return c, nil
		}
	}
	c, err := s.reports.Calibration(r.Context(), route)
	if err != nil {
		if _, unknown := s.control.Route(route); unknown != nil {
			return c, unknown
		}
	}
	return c, err
}

// shownSamples is how many values of a place the API shows of a calibration.
const shownSamples = 5

func (s *server) getCalibration(w http.ResponseWriter, r *http.Request) {
	c, err := s.calibration(r, param(r, "route"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for i := range c.Places {
		c.Places[i].Samples = orEmpty(c.Places[i].Samples[:min(len(c.Places[i].Samples), shownSamples)])
	}
	s.answer(w, r, c)
}

func (s *server) deleteCalibration(w http.ResponseWriter, r *http.Request) {
	name := param(r, "route")
	if s.calls == nil || !s.calls.StopCalibration(name) {
		err := error(&problemError{status: http.StatusConflict, kind: "not-calibrating", title: "Nothing to stop", detail: "No calibration of " + name + " is running here."})
		if _, unknown := s.control.Route(name); unknown != nil {
			err = unknown
		}
		s.fail(w, r, err)
		return
	}
	s.control.Note(r.Context(), callerOf(r).by, "stop calibration", name, "")
	c, err := s.calibration(r, name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, c)
}
