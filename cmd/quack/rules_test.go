package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/quackproxy/quack/reports"
)

func TestRulesTry(t *testing.T) {
	var n atomic.Int64
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"score":1.001,"token":"hunter2hunter2"}` })
	newer := serveJSON(t, func(*http.Request) (int, string) {
		return 200, fmt.Sprintf(`{"score":%d.002,"token":"hunter2hunter2"}`, 1+n.Add(1)/10)
	})
	q := start(t, table(legacy, newer, "", "  - {name: show, match: \"GET /products/{id}\", stage: shadow, shadow: {timeout: 5s}}\n"))
	for range 12 {
		q.ask("GET", "/products/7", "")
	}
	q.until("show", "12 compared", func(r reports.RouteReport) bool { return r.Compared == 12 })

	tests := []struct {
		reason, rule string
		code         int
		says         []string
	}{
		{"settles most", "{path: $.score, tolerance: 0.01}", 0, []string{"of 12 stored comparisons it would make 9 a match, and forgive 9 differences", "$.score  show", "1.001 → 1.002   quack diff "}},
		{"settles all", "{path: $.score, tolerance: 60%}", 0, []string{"it would make 12 a match", "vanishes"}},
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
	if out, code := q.run("rules", "try", "{path: $.score, tolerance: 0.01}", "--json", "--route", "show"); code != 0 || !strings.Contains(out, `"forgiven": 9`) {
		t.Errorf("code %d\n%s", code, out)
	}
}
