package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
)

func TestRulesTry(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"score":1.001,"token":"hunter2hunter2"}` })
	newer := serveJSON(t, func(r *http.Request) (int, string) { // of the product, because a re-check asks again
		score := "1.002"
		if len(r.URL.Path) > len("/products/9") {
			score = "2.002"
		}
		return 200, `{"score":` + score + `,"token":"hunter2hunter2"}`
	})
	q := start(t, table(legacy, newer, "", "  - {name: show, match: \"GET /products/{id}\", stage: shadow, shadow: {timeout: 30s}}\n"))
	for n := range 12 {
		q.ask("GET", fmt.Sprint("/products/", n+1), "")
	}
	q.until("show", "12 compared", func(r reports.RouteReport) bool { return r.Compared == 12 })

	tests := []struct {
		reason, rule string
		code         int
		says         []string
	}{
		{"settles most", "{path: $.score, tolerance: 0.01}", 0, []string{"of 12 stored comparisons it would make 9 a match, and forgive 9 differences", "$.score  show", "1.001 → 1.002   quack diff "}},
		{"settles all", "{path: $.score, tolerance: 60%}", 0, []string{"it would make 12 a match", "vanishes"}},
		{"copied from a list", "- {path: $.score, tolerance: 0.01}", 0, []string{"it would make 9 a match"}},
		{"without braces", "path: $.score, tolerance: 0.01", 0, []string{"it would make 9 a match"}},
		{"forgives nothing", "{path: $.name, ignore: true}", 0, []string{"it forgives nothing in 12 stored comparisons"}},
		{"refused", "{path: status, ignore: true}", 2, []string{"rule:1:8: a rule for \"status\" forgives a whole answer"}},
	}
	for _, tt := range tests {
		out, code := q.run("rules", "try", tt.rule)
		for _, says := range tt.says {
			if code != tt.code || !strings.Contains(out, says) {
				t.Errorf("%s: code %d, want %d and %q in\n%s", tt.reason, code, tt.code, says, out)
			}
		}
		if strings.Contains(out, "hunter2") {
			t.Errorf("%s shows a secret:\n%s", tt.reason, out)
		}
	}
	table, _ := q.run("report", "--json")
	if again, code := q.run("report", "--format", "json"); code != 0 || differencesIn(table) != 12 || differencesIn(again) != 12 {
		t.Errorf("report --json: code %d\n%s\n%s", code, table, again)
	}
	if out, code := q.run("rules", "try", "{path: $.score, tolerance: 0.01}", "--json", "--route", "show"); code != 0 || !strings.Contains(out, `"forgiven": 9`) {
		t.Errorf("code %d\n%s", code, out)
	}
}

// differencesIn adds up the differences of a report in JSON, -1 when it is none.
func differencesIn(report string) int64 {
	var r struct {
		Differences []struct{ Count int64 }
	}
	if json.Unmarshal([]byte(report), &r) != nil {
		return -1
	}
	var n int64
	for _, d := range r.Differences {
		n += d.Count
	}
	return n
}

// Legacy keeps moving in two fields, and new has another price. Calibrated, the
// two are told apart: what legacy does by itself is suggested, what only new
// does is left to a person, and what new lacks is not spoken of.
func TestCalibrateAndSuggest(t *testing.T) {
	t.Parallel()
	var calls, client atomic.Int64
	legacy := serveJSON(t, func(*http.Request) (int, string) {
		n := calls.Add(1)
		return 200, fmt.Sprintf(`{"views":%d,"order_id":%d,"price":"9.90","name":"duck","token":"hunter2-%d"}`, 1000+n, 50_000+n, n)
	})
	newer := serveJSON(t, func(*http.Request) (int, string) {
		n := calls.Add(1)
		return 200, fmt.Sprintf(`{"views":%d,"order_id":%d,"price":"9.09","token":"hunter2-%d"}`, 1000+n, 50_000+n, n)
	})
	for _, stage := range []string{"legacy", "shadow", "verify"} {
		t.Run(stage, func(t *testing.T) {
			q := start(t, table(legacy, newer, "", `  - {name: show, match: "GET /products/{id}", stage: `+stage+`}
  - {name: add, match: "POST /products", stage: legacy}
`))
			asking, stop := context.WithCancel(t.Context())
			var traffic sync.WaitGroup
			traffic.Go(func() {
				for asking.Err() == nil {
					q.ask("GET", fmt.Sprintf("/products/%d", client.Add(1)), "")
					time.Sleep(5 * time.Millisecond)
				}
			})
			out, code := q.run("calibrate", "--route", "show", "--n", "10", "--for", "1m")
			stop()
			traffic.Wait()
			for _, want := range []string{
				"10 of 10 requests compared, 10 differ", "base rate: legacy differs from itself in 10 of 10 requests (100 %; at most 100 % at 95 % confidence)",
				"- {path: $.views, tolerance: ", "- {path: $.order_id, same: order, why: legacy differs from itself here in 10 of 10 calls}",
			} {
				if code != 0 || !strings.Contains(out, want) {
					t.Fatalf("code %d, want %q in\n%s\n%s", code, want, out, q.logged())
				}
			}
			if strings.Contains(out, "price") || strings.Contains(out, "name") || strings.Contains(out, "hunter2") {
				t.Errorf("more than legacy shows by itself:\n%s", out)
			}
			r := q.until("show", "the report", func(r reports.RouteReport) bool { return stage == "legacy" || r.Compared > 0 })
			if stage == "legacy" && r.Compared+r.Errors+r.Dropped != 0 {
				t.Errorf("the calibration has gone into the route's counters: %+v", r)
			}
			if stage != "shadow" {
				return
			}
			q.until("show", "some compared", func(r reports.RouteReport) bool { return r.Mismatched >= 5 })
			all, _ := q.run("rules", "suggest", "--route", "show", "--all")
			_, undecided, split := strings.Cut(all, "FOR A PERSON TO DECIDE")
			if !split || !strings.Contains(undecided, "- {path: $.price, tolerance: ") || !strings.Contains(undecided, "legacy did not differ from itself here in 10 calls") || strings.Contains(all, "$.name") {
				t.Errorf("with --all:\n%s", all)
			}
			if !strings.Contains(all, "stored comparison") {
				t.Errorf("no effect is shown:\n%s", all)
			}
			entries := q.adminGet("/api/v1/audit")
			if !strings.Contains(entries, `"action":"calibrate","what":"show: 10 requests within 1m0s"`) {
				t.Errorf("not in the audit:\n%s", entries)
			}
			// The rules go into the file; what was suggested is not suggested again.
			lines := ""
			supported, _, _ := strings.Cut(all, "\nFOR A PERSON")
			for _, line := range strings.Split(supported, "\n") {
				if strings.HasPrefix(line, "- {") {
					lines += "        " + line + "\n"
				}
			}
			q.write(table(legacy, newer, "", "  - name: show\n    match: GET /products/{id}\n    stage: shadow\n    compare:\n      rules:\n"+lines))
			q.until("show", "the rules in force", func(reports.RouteReport) bool {
				list, err := q.client.Rules(t.Context(), "show")
				return err == nil && len(list) >= 2
			})
			if again, _ := q.run("rules", "suggest"); !strings.Contains(again, "supports no rule that is not there yet") {
				t.Errorf("after they are in the file:\n%s", again)
			}
			// Nor is a narrower one where a person has put a wider one in.
			q.write(table(legacy, newer, "", "  - {name: show, match: \"GET /products/{id}\", stage: shadow, compare: {rules: [{path: $.views, ignore: true, kind: value}, {path: $..order_id, ignore: true}, {path: $..token, ignore: true}]}}\n"))
			q.until("show", "the wider rules in force", func(reports.RouteReport) bool {
				list, err := q.client.Rules(t.Context(), "show")
				return err == nil && len(list) == 3 && strings.Contains(list[1].Rule, "order_id ignore")
			})
			if again, _ := q.run("rules", "suggest"); !strings.Contains(again, "supports no rule that is not there yet") {
				t.Errorf("after wider ones are in the file:\n%s", again)
			}
		})
	}
}

func TestCalibrateRefuses(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{}` })
	q := start(t, table(legacy, legacy, "", `  - {name: show, match: "GET /products/{id}"}
  - {name: add, match: "POST /products"}
`))
	tests := []struct {
		reason string
		args   []string
		says   string
	}{
		{"an unsafe route", []string{"--route", "add"}, "safe: true"},
		{"no such route", []string{"--route", "shows"}, "show"},
		{"none", []string{"--route", "show", "--n", "0"}, "from 1 to 10000"},
		{"too long", []string{"--route", "show", "--for", "48h"}, "not within 24h"},
	}
	for _, tt := range tests {
		if out, code := q.run(append([]string{"calibrate"}, tt.args...)...); code != 1 || !strings.Contains(out, tt.says) {
			t.Errorf("%s: code %d, want %q in\n%s", tt.reason, code, tt.says, out)
		}
	}
	// Without traffic it ends with its time, and says so.
	out, code := q.run("calibrate", "--route", "show", "--n", "5", "--for", "300ms")
	if code != 0 || !strings.Contains(out, "show: time is up") || !strings.Contains(out, "in 0 of 0 requests") {
		t.Errorf("code %d\n%s", code, out)
	}
}

// A rule in use, one that does nothing, and one past its day.
func TestRulesList(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"a":1,"b":1}` })
	newer := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"a":2,"b":2}` })
	q := start(t, table(legacy, newer, "", `  - name: show
    match: GET /products/{id}
    stage: shadow
    compare:
      rules:
        - {path: $.a, ignore: true, owner: payments}
        - {path: $.c, ignore: true, why: gone soon}
        - {path: $.b, ignore: true, until: 2020-01-31}
`))
	for range 4 {
		q.ask("GET", "/products/7", "")
	}
	q.until("show", "4 compared", func(r reports.RouteReport) bool { return r.Compared == 4 })
	out, code := q.run("rules", "list")
	for _, want := range []string{
		`in use +4 +\d{4}-\S+ \S+ +\$\.a ignore\n +show · payments · `,
		`matched nothing in 4 comparisons +0 +never +\$\.c ignore\n +show · \S*routes.yaml:\d+:\d+ · gone soon`,
		`past until +4 +\d{4}-\S+ \S+ +\$\.b ignore\n +show · until 2020-01-31`,
	} {
		if code != 0 || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("code %d, want %q in\n%s", code, want, out)
		}
	}
	// A rule that is new is not blamed for what was compared before it.
	q.write(strings.Replace(readFile(t, q.routes), "path: $.c,", "path: $.d,", 1))
	q.until("show", "the new rule", func(reports.RouteReport) bool {
		out, _ = q.run("rules", "list", "--route", "show")
		return strings.Contains(out, "$.d ignore")
	})
	if !regexp.MustCompile(`nothing compared yet +0 +never +\$\.d ignore`).MatchString(out) {
		t.Errorf("a new rule:\n%s", out)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The report names the rules that need attention, and quack check those past
// their day.
func TestReportNamesStaleRules(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"a":1}` })
	newer := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"a":2}` })
	q := start(t, table(legacy, newer, "", `  - match: /products
    compare: {rules: [{path: $.a, ignore: true}, {path: $.old, ignore: true, until: 2020-01-31}, {path: $.c, ignore: true}]}
    routes:
      - {name: show, match: "GET /{id}", stage: shadow}
      - {name: list, match: "GET /", stage: shadow}
`))
	q.ask("GET", "/products/7", "")
	q.until("show", "one compared", func(r reports.RouteReport) bool { return r.Compared == 1 })
	out, code := q.run("rules", "list")
	for _, want := range []string{`(?m)^in use +1 +\d{4}-\S+ \S+ +\$\.a ignore\n +2 routes · \S*routes.yaml:\d+:\d+$`, `(?m)^past until +0 +never +\$\.old ignore\n +2 routes · until 2020-01-31 · `} {
		if code != 0 || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("rules list: code %d, want %q in\n%s", code, want, out)
		}
	}
	for _, args := range [][]string{{"report"}, {"report", "--route", "list"}} {
		out, code := q.run(args...)
		_, stale, found := strings.Cut(out, "Rules that need attention")
		if code != 0 || !found || !strings.Contains(stale, "past until  $.old ignore") || !strings.Contains(stale, "matched nothing in 1 comparison  $.c ignore") || strings.Contains(stale, "$.a ignore") {
			t.Errorf("%v: code %d\n%s", args, code, out)
		}
	}
	checked, err := exec.Command("quack", "check", q.routes).CombinedOutput()
	if err != nil || !strings.Contains(string(checked), "the rule $.old ignore was meant to be needed until 2020-01-31") {
		t.Errorf("check: %v\n%s", err, checked)
	}
}
