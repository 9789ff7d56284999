package admin

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/quackproxy/quack/reports"
)

// maxPoints is the most that one series has.
const maxPoints = 1000

// RouteSeries is what GET /api/v1/routes/{name}/series answers.
type RouteSeries struct {
	Route  string          `json:"route"`
	Points []reports.Point `json:"points"` // the oldest first, evenly spaced; none when nothing was ever counted
}

func (s *server) getSeries(w http.ResponseWriter, r *http.Request) {
	f, err := seriesFilter(r, time.Now())
	if err == nil {
		err = s.knowsRoute(r, f.Route)
	}
	var points []reports.Point
	if err == nil {
		points, err = s.reports.Series(r.Context(), f)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, RouteSeries{f.Route, orEmpty(points)})
}

// seriesFilter reads the route in the path and since, until and points of the
// query.
func seriesFilter(r *http.Request, now time.Time) (reports.SeriesFilter, error) {
	f := reports.SeriesFilter{Route: param(r, "name"), Points: 60}
	read, err := filter(r, "since", "until", "points")
	if err != nil {
		return f, err
	}
	if read.SinceMark != "" {
		return f, badRequest(fmt.Sprintf("since %q is neither an instant (RFC 3339) nor a length of time such as 24h; points do not begin at marks.", read.SinceMark))
	}
	f.Since = read.Since
	q := r.URL.Query()
	if text := q.Get("until"); text != "" {
		if f.Until, err = since(text); err != nil {
			return f, badRequest(fmt.Sprintf("until %q is neither an instant (RFC 3339) nor a length of time before now such as 1h.", text))
		}
	}
	if text := q.Get("points"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPoints {
			return f, badRequest(fmt.Sprintf("points %q is not a number from 1 to %d.", text, maxPoints))
		}
		f.Points = n
	}
	until := f.Until
	if until.IsZero() || until.After(now) {
		until = now
	}
	if !f.Since.IsZero() && !f.Since.Before(until) {
		return f, badRequest("since is not before until, or not before now.")
	}
	return f, nil
}

// knowsRoute is nil for a route of the table, and for one that is no longer
// there as long as there are counters of it.
func (s *server) knowsRoute(r *http.Request, name string) error {
	_, unknown := s.control.Route(name)
	if unknown == nil {
		return nil
	}
	counted, err := s.reports.Report(r.Context(), reports.Filter{Route: name})
	if err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	if len(counted) == 0 {
		return unknown
	}
	return nil
}

func (s *server) getDifference(w http.ResponseWriter, r *http.Request) {
	g, err := s.reports.Difference(r.Context(), param(r, "id"))
	if err != nil {
		s.fail(w, r, fmt.Errorf("read the difference: %w", err))
		return
	}
	g.Samples = orEmpty(g.Samples)
	s.answer(w, r, g)
}
