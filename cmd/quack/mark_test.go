package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/quackproxy/quack/reports"
)

// TestMarksAndRuns deploys the new side twice: the second mends one field and
// breaks another. What was counted between marks outlives a kill.
func TestMarksAndRuns(t *testing.T) {
	t.Parallel()
	var release atomic.Int64
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"name":"duck","price":"10.00","size":1}` })
	newer := serveJSON(t, func(*http.Request) (int, string) {
		return 200, []string{`{"name":"DUCK","price":"10.00","size":2}`, `{"name":"duck","price":null,"size":2}`}[release.Load()]
	})
	q := start(t, table(legacy, newer, "", "  - {name: show, match: \"GET /products/{id}\", stage: shadow, shadow: {timeout: 10s}}\n  - {name: list, match: GET /products}\n"))
	compared := int64(0)
	ask := func(n int) {
		t.Helper()
		for i := range n {
			q.ask("GET", fmt.Sprintf("/products/%d", i), "")
		}
		compared += int64(n)
		q.until("show", fmt.Sprint(compared, " compared"), func(r reports.RouteReport) bool { return r.Compared == compared })
	}
	run := func(want int, args ...string) string {
		t.Helper()
		out, code := q.run(args...)
		if code != want {
			t.Fatalf("%v: code %d, want %d\n%s", args, code, want, out)
		}
		return out
	}
	says := func(out string, all ...string) {
		t.Helper()
		for _, want := range all {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in\n%s", want, out)
			}
		}
	}
	says(run(0, "marks"), "quack mark NAME")
	says(run(1, "report", "--against", "start"), "no mark is set")
	ask(3)
	says(run(0, "mark", "v1.3", "--why", "first deploy"), "marked v1.3", "--since v1.3")
	ask(10)
	run(0, "mark", "v1.4")
	release.Store(1)
	ask(12)

	since := run(0, "report", "--since", "v1.4", "--route", "show")
	says(since, "12 of 12 requests compared differ", "since mark v1.4 (", "$.price")
	if strings.Contains(since, "$.name") {
		t.Errorf("since v1.4 there is what was before it:\n%s", since)
	}
	against := run(0, "report", "--against", "v1.3")
	says(against, "Against the run before", "1 regression, 1 still open, 1 fixed.", "v1.3 to v1.4: 10 of 10 compared differ", "v1.4 to now: 12 of 12 compared differ",
		"0 of 10 → 12 of 12 · not seen before", `"10.00" → null`, "10 of 10 → 0 of 12 · fixed, with 95 % confidence", "10 of 10 → 12 of 12 · not more often")
	says(run(0, "report", "--against", "start", "--since", "v1.3", "--format", "markdown"), "the start to v1.3: 3 of 3", "v1.3 to now: 22 of 22")
	says(run(0, "report", "--against", "v1.3", "--route", "list"), "Nothing has been compared since")
	says(run(0, "audit"), "mark", "v1.3", "first deploy")
	says(run(0, "marks"), "v1.4", "v1.3", "first deploy")

	run(0, "mark", "v1.5")
	q.kill()
	q.launch()
	var report struct {
		Mark   string `json:"since_mark"`
		Routes []reports.RouteReport
		Runs   reports.RunChanges
	}
	out := run(0, "report", "--since", "v1.4", "--against", "v1.3", "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if r := report.Runs; report.Mark != "v1.4" || r.Before.Compared != 10 || r.After.Compared != 12 || r.Totals != (reports.RunTotals{Regressions: 1, StillOpen: 1, Fixed: 1}) {
		t.Errorf("after a kill: %+v", r)
	}
	for _, r := range report.Routes {
		if r.Name == "show" && (r.Compared != 12 || r.Mismatched != 12 || r.Served != 12) {
			t.Errorf("since v1.4, after a kill: %+v", r)
		}
	}

	for _, c := range []struct {
		code int
		args []string
		says string
	}{
		{1, []string{"mark", "v1.4"}, "set already"},
		{2, []string{"mark", "24h"}, "means a time already"},
		{2, []string{"mark", "a b"}, "letters, digits"},
		{2, []string{"report", "--since", "a b"}, "name of a mark"},
		{2, []string{"report", "--since=-1h"}, "name of a mark"},
		{1, []string{"report", "--since", "7d"}, `there is no mark "7d"`},
		{1, []string{"report", "--against", "v1.6"}, `"v1.6"`},
		{1, []string{"report", "--against", "v1.4", "--since", "v1.3"}, "oldest to the newest"},
		{2, []string{"report", "--against", "v1.3", "--since", "1h"}, "--since MARK"},
	} {
		says(run(c.code, c.args...), c.says)
	}
}
