package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
)

// TestReadyAndCoverage: a route on its way to being ready: what it lacks is told,
// and once it is there the route is ready; also behind a kill.
func TestReadyAndCoverage(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"name":"duck","price":"10.00"}` })
	newer := serveJSON(t, func(r *http.Request) (int, string) {
		if r.URL.Query().Has("sale") {
			return 200, `{"name":"duck","price":"9.99"}`
		}
		return 200, `{"name":"duck","price":"10.00"}`
	})
	q := start(t, table(legacy, newer, "",
		"  - {name: show, match: \"/products/{id}\", stage: shadow, safe: true, shadow: {timeout: 10s, max_body: 64B}, ready: {mismatch: 20%, covered: 95%}}\n"+
			"  - {name: list, match: GET /products}\n"))
	compared := int64(0)
	ask := func(target string, n int) {
		t.Helper()
		for range n {
			q.ask("GET", target, "")
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
	readiness := func(ready bool, want string) {
		t.Helper()
		var report struct{ Routes []reports.RouteReport }
		if err := json.Unmarshal([]byte(run(0, "report", "--json", "--route", "show")), &report); err != nil || len(report.Routes) != 1 {
			t.Fatalf("%v, %+v", err, report)
		}
		if r := report.Routes[0].Readiness; r.Ready != ready || !strings.Contains(r.Says, want) {
			t.Errorf("ready %v, says %q; want %v, %q", r.Ready, r.Says, ready, want)
		}
	}
	says(run(0, "coverage"), "show: never hit\n", "list: never hit\n")
	ask("/products/1?page=1&sort=a", 13)
	readiness(false, "1 more comparison without a mismatch shows that at most 20 % mismatch")
	ask("/products/1?sort=b&page=2", 1)
	readiness(true, "no difference is open")
	// Too long to be copied, so that it is never compared.
	q.ask("POST", "/products/1", `{"long":"`+strings.Repeat("x", 100)+`"}`)
	q.until("show", "one skipped", func(r reports.RouteReport) bool { return r.Skipped["body-size"] == 1 && r.Served == compared+1 })
	readiness(false, "comparisons cover 93.33 % of the live requests, and 95 % is asked for: never compared method POST (1 request), no parameters (1 request) and 1 more")
	says(run(0, "coverage"), "show: 93.33 % of 15 live requests covered\n", "never compared: method POST", "never compared: no parameters", "list: never hit")
	says(run(0, "coverage", "--route", "show"), "the parameters page,sort", "never", "FIRST SEEN")
	ask("/products/1?page=1&sort=a", 10)
	readiness(true, "cover 96 % of the live ones")

	ask("/products/1?page=1&sale=1", 1)
	readiness(false, "1 difference is open: $.price (value) in 1 comparison")
	var report struct{ Differences []reports.Group }
	if err := json.Unmarshal([]byte(run(0, "report", "--json")), &report); err != nil || len(report.Differences) == 0 || report.Differences[0].Path != "$.price" {
		t.Fatalf("%v, %+v", err, report)
	}
	id := report.Differences[0].ID
	says(run(2, "know", id), "--why TEXT")
	says(run(1, "know", "aaaaaaaaaaaaaaaa", "--why", "x"), "Not kept")
	comparison := report.Differences[0].Samples[0].ID
	says(run(1, "know", comparison, "--why", "x"), "is the id of a comparison, and this takes that of a difference")
	says(run(1, "diff", id), "is the id of a difference, and this takes that of a comparison")
	says(run(1, "export", "nope"), "is not the id of a comparison")
	says(run(0, "report"), "difference "+id)
	says(run(0, "know", id, "--why", "a sale that legacy does not know"), "show: mismatch value at $.price is known from now on")
	readiness(true, "")
	says(run(0, "audit"), "know", "a sale that legacy does not know")

	q.until("show", "written", func(reports.RouteReport) bool { return strings.Contains(run(0, "coverage", "--json"), "page,sale") })
	before := run(0, "coverage", "--route", "show", "--json")
	q.stop()
	q.launch()
	if after := run(0, "coverage", "--route", "show", "--json"); after != before {
		t.Errorf("after a restart\n%s\nwant\n%s", after, before)
	}
	readiness(true, "")
	says(run(0, "know", id, "--forget"), "is open again")
	readiness(false, "1 difference is open")
	q.kill()
	q.launch()
	if after := run(0, "coverage", "--route", "show", "--json"); after != before {
		t.Errorf("after a kill\n%s\nwant\n%s", after, before)
	}
}
