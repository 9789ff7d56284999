package admin_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/reports"
)

func TestSeries(t *testing.T) {
	w := newWorld(t)
	w.plant()
	w.reports.Served("GET /orders/{id}", "ramp", "new", 200, time.Millisecond)
	w.reports.Served("gone", "legacy", "legacy", 200, time.Millisecond)
	for route, want := range map[string]reports.Point{
		"accounts.show":    {Served: 3, Compared: 4, Matched: 3, Mismatched: 1},
		"accounts.create":  {Skipped: 1},
		"GET /orders/{id}": {Served: 1},
		"gone":             {Served: 1}, // no longer in the table
		"invoices.list":    {},
	} {
		points, err := w.client.Series(t.Context(), reports.SeriesFilter{Route: route, Since: time.Now().Add(-30 * time.Minute), Points: 31})
		if err != nil || len(points) < 30 || len(points) > 31 {
			t.Fatalf("%s: %d points, %v", route, len(points), err)
		}
		var sum reports.Point
		for _, p := range points {
			sum.Served += p.Served
			sum.Compared += p.Compared
			sum.Matched += p.Matched
			sum.Mismatched += p.Mismatched
			sum.Skipped += p.Skipped
			if p.Seconds != 60 {
				t.Errorf("%s: a point of %d s", route, p.Seconds)
			}
		}
		if sum != want {
			t.Errorf("%s: %+v, want %+v", route, sum, want)
		}
	}
	// By default of all time; nothing counted is a list all the same.
	if res, body := w.ask("GET", "/api/v1/routes/invoices.list/series", ""); res.StatusCode != http.StatusOK || body != `{"route":"invoices.list","points":[]}`+"\n" {
		t.Errorf("nothing counted: %s %s", res.Status, body)
	}
	if points, err := w.client.Series(t.Context(), reports.SeriesFilter{Route: "accounts.show"}); err != nil || len(points) == 0 || len(points) > 60 {
		t.Errorf("of all time: %d points, %v", len(points), err)
	}
}

func TestSeriesRefusals(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		path   string
		status int
		says   string
	}{
		{"/routes/acounts.show/series", 404, "did you mean"},
		{"/routes/accounts.show/series?points=0", 400, `points "0" is not a number from 1 to 1000.`},
		{"/routes/accounts.show/series?points=1001", 400, "from 1 to 1000"},
		{"/routes/accounts.show/series?points=many", 400, `points "many"`},
		{"/routes/accounts.show/series?since=yesterday", 400, `since "yesterday" is neither`},
		{"/routes/accounts.show/series?until=tomorrow", 400, `until "tomorrow" is neither`},
		{"/routes/accounts.show/series?since=1h&until=2h", 400, "since is not before until"},
		{"/routes/accounts.show/series?since=2999-01-01T00:00:00Z", 400, "not before now"},
		{"/routes/accounts.show/series?route=x", 400, `There is no parameter "route" here; there are since, until, points.`},
		{"/differences/0000000000000000", 404, "never there, or has made room"},
	} {
		res, body := w.ask("GET", "/api/v1"+c.path, "")
		if _, detail := problemOf(t, res, body); res.StatusCode != c.status || !strings.Contains(detail, c.says) {
			t.Errorf("%s: %d: %s", c.path, res.StatusCode, detail)
		}
	}
}

func TestOneDifference(t *testing.T) {
	w := newWorld(t)
	w.plant()
	groups, err := w.client.Differences(t.Context(), reports.Filter{Path: "$.price"})
	if err != nil || len(groups) != 1 || len(groups[0].ID) != 16 {
		t.Fatalf("%+v, %v", groups, err)
	}
	g, err := w.client.Difference(t.Context(), groups[0].ID)
	if err != nil || g.Path != "$.price" || len(g.Samples) != 1 || g.Samples[0].ID != "planted" {
		t.Errorf("%+v, %v", g, err)
	}
	if g.Share != 0.25 || g.Weight != 1 {
		t.Errorf("share %g, weight %g; want one in four, alone", g.Share, g.Weight)
	}
	list, _, err := w.client.Comparisons(t.Context(), reports.Filter{Group: g.ID})
	if err != nil || len(list) != 1 || list[0].ID != "planted" {
		t.Errorf("comparisons that have it: %+v, %v", list, err)
	}
	var p *admin.Problem
	if _, err := w.client.Difference(t.Context(), "a/b"); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("one that is not there: %v", err)
	}
}
