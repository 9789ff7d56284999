package admin_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/shadow"
)

func TestTryRule(t *testing.T) {
	w := newWorld(t)
	w.plant()
	tests := []struct {
		reason, route, rule string
		settled, forgiven   int
		status              int
		says                string
	}{
		{"settles the planted one", "", `{path: $.price, tolerance: 1}`, 1, 1, 0, ""},
		{"on its route", "accounts.show", `- {path: $.price, tolerance: 1}`, 1, 1, 0, ""},
		{"on another route", "invoices.list", `{path: $.price, tolerance: 1}`, 0, 0, 0, ""},
		{"too narrow", "", `{path: $.price, tolerance: 0.001}`, 0, 0, 0, ""},
		{"refused as in the file", "", `{path: $, ignore: true}`, 0, 0, 422, "rule:1:8: ignore of \"$\" forgives a whole answer\n  name the fields that may differ"},
		{"no such route", "accounts.shown", `{path: $.price, tolerance: 1}`, 0, 0, 404, "accounts.show"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			got, err := w.client.TryRule(t.Context(), tt.route, tt.rule)
			var p *admin.Problem
			if tt.status != 0 {
				if !errors.As(err, &p) || p.Status != tt.status || !strings.Contains(p.Detail, tt.says) {
					t.Fatalf("%v, want status %d that says %q", err, tt.status, tt.says)
				}
				return
			}
			if err != nil || got.Settled() != tt.settled || got.Forgiven != tt.forgiven || got.Route != tt.route {
				t.Fatalf("%+v, %v; want %d settled, %d forgiven", got, err, tt.settled, tt.forgiven)
			}
			for _, v := range got.Verdicts {
				if v.Stored != v.Match+v.Change+v.Stay+v.Worse+v.Already+v.CanNotSay {
					t.Errorf("%+v: stored is not the sum", v)
				}
			}
			if got.Forgiven > 0 && (got.Places[0].Path != "$.price" || got.Places[0].Samples[0].ID != "planted") {
				t.Errorf("places %+v", got.Places)
			}
		})
	}
	// The evidence is as it was.
	if c, err := w.client.Comparison(t.Context(), "planted"); err != nil || c.Verdict != reports.Mismatch {
		t.Errorf("planted is %+v, %v", c, err)
	}
}

// newCalibrating is a world with a dispatcher that gets no traffic.
func newCalibrating(t *testing.T) *world {
	return newWorld(t, func(c *admin.Config) {
		c.Calibrations = shadow.New(shadow.Config{Reports: c.Reports, Table: c.Control.Table})
	})
}

func TestCalibrationsOverTheAPI(t *testing.T) {
	w := newCalibrating(t)
	is, err := w.client.Calibrate(t.Context(), "accounts.show", 5, time.Minute)
	if err != nil || is.State != reports.CalibrationRuns || is.N != 5 || is.By != "ann@desk" {
		t.Fatalf("%+v, %v", is, err)
	}
	if e := w.audited(); e.Action != "calibrate" || e.What != "accounts.show: 5 requests within 1m0s" || e.By != "ann@desk" {
		t.Errorf("audited %+v", e)
	}
	const safe, unsafe = `"route":"accounts.show"`, `"route":"accounts.create"`
	tests := []struct {
		reason, method, path, body string
		status                     int
		says                       string
	}{
		{"it runs already", "POST", "/calibrations", `{` + safe + `,"n":5}`, 409, "stop it"},
		{"an unsafe route", "POST", "/calibrations", `{` + unsafe + `,"n":5}`, 422, "safe: true"},
		{"no such route", "POST", "/calibrations", `{"route":"account.show","n":5}`, 404, "accounts.show"},
		{"no n", "POST", "/calibrations", `{` + safe + `}`, 400, "from 1 to 10000"},
		{"too many", "POST", "/calibrations", `{` + safe + `,"n":10001}`, 400, "from 1 to 10000"},
		{"no length", "POST", "/calibrations", `{` + safe + `,"n":5,"for":"soon"}`, 400, "30s or 15m"},
		{"too long", "POST", "/calibrations", `{` + safe + `,"n":5,"for":"25h"}`, 400, "24h"},
		{"one of a route that has none", "GET", "/calibrations/invoices.list", "", 404, ""},
		{"one of no route", "GET", "/calibrations/invoices", "", 404, "invoices.list"},
		{"to stop what does not run", "DELETE", "/calibrations/invoices.list", "", 409, "No calibration"},
		{"to stop it on no route", "DELETE", "/calibrations/invoices", "", 404, "invoices.list"},
		{"rules of no route", "GET", "/rules?route=invoices", "", 404, "invoices.list"},
		{"suggestions for no route", "GET", "/rules/suggestions?route=invoices", "", 404, "invoices.list"},
		{"all in another way", "GET", "/rules/suggestions?all=yes", "", 400, "all is 1"},
		{"a method that is not for it", "PUT", "/calibrations/invoices.list", "", 405, ""},
	}
	for _, tt := range tests {
		res, body := w.ask(tt.method, "/api/v1"+tt.path, tt.body)
		_, detail := problemOf(t, res, body)
		if res.StatusCode != tt.status || !strings.Contains(detail, tt.says) {
			t.Errorf("%s: %s %q, want %d and %q", tt.reason, res.Status, detail, tt.status, tt.says)
		}
		if allow := strings.Join(res.Header.Values("Allow"), ","); tt.status == 405 && allow != "GET,DELETE" {
			t.Errorf("%s: allowed is %q", tt.reason, allow)
		}
	}
	is, err = w.client.StopCalibration(t.Context(), "accounts.show")
	if err != nil || is.State != reports.CalibrationStopped || is.Ended.IsZero() {
		t.Errorf("stopped: %+v, %v", is, err)
	}
	if e := w.audited(); e.Action != "stop calibration" || e.What != "accounts.show" {
		t.Errorf("audited %+v", e)
	}
	if is, err = w.client.Calibration(t.Context(), "accounts.show"); err != nil || is.State != reports.CalibrationStopped || len(is.Places) != 0 {
		t.Errorf("kept: %+v, %v", is, err)
	}
}

// What is suggested comes from a calibration and from re-checks; what is not
// supported is shown when it is asked for, and what is never forgiven is not.
func TestSuggestions(t *testing.T) {
	w := newCalibrating(t)
	g := w.reports.Calibrating(reports.Calibration{Route: "accounts.show", N: 4, Started: time.Now()})
	for i := range 4 {
		legacy := exchange(200, fmt.Sprintf(`{"views":%d,"name":"duck"}`, 1000+i))
		again := exchange(200, fmt.Sprintf(`{"views":%d}`, 1001+i)) // the name is gone now and then
		g.Compared(reports.Comparison{At: time.Now(), Route: "accounts.show"}, compare.Exchanges(&legacy, &again, nil))
	}
	g.End(reports.CalibrationDone, time.Now())
	if err := w.reports.KeepCalibration(t.Context(), g.Now()); err != nil {
		t.Fatal(err)
	}
	w.plant() // $.price differs, once
	for i := range 5 {
		w.record(fmt.Sprint("views", i), "accounts.show", "GET", "/accounts/7", exchange(200, fmt.Sprintf(`{"views":%d}`, 1000+i)), exchange(200, fmt.Sprintf(`{"views":%d}`, 1001+i)))
	}
	text := func(all bool) string {
		list, err := w.client.Suggestions(t.Context(), "", all)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, s := range list {
			lines = append(lines, fmt.Sprintf("%s self %d/%d others %d settles %d (%s)", s.Line, s.Self, s.Calls, s.Others, s.Effect.Settled(), s.Person))
		}
		return strings.Join(lines, "\n")
	}
	views := "- {path: $.views, tolerance: 1, why: legacy differs from itself here in 4 of 4 calls} self 4/4 others 5 settles 5 ()"
	if got := text(false); got != views {
		t.Errorf("got\n%s\nwant\n%s", got, views)
	}
	price := "- {path: $.price, tolerance: 10%, why: new differs from legacy here in 1 comparisons} self 0/4 others 1 settles 1 (legacy did not differ from itself here in 4 calls: new does something else)"
	if got := text(true); got != views+"\n"+price {
		t.Errorf("with all: got\n%s\nwant\n%s", got, views+"\n"+price)
	}
}

func TestRulesOverTheAPI(t *testing.T) {
	w := newWorld(t)
	if err := w.reports.KnowRules(t.Context(), map[string][]string{"accounts.show": {"$.debug ignore"}}); err != nil {
		t.Fatal(err)
	}
	w.plant()
	list, err := w.client.Rules(t.Context(), "accounts.show")
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	u := list[0]
	if u.Rule != "$.debug ignore" || u.Owner != "payments" || u.Until != "2027-01-31" || u.Why != "not in v2" || !strings.HasPrefix(u.At, "routes.yaml:10:") || u.Forgiven != 1 || u.Compared != 4 || u.LastMatched.IsZero() {
		t.Errorf("%+v", u)
	}
	if list, err := w.client.Rules(t.Context(), "invoices.list"); err != nil || len(list) != 0 {
		t.Errorf("of a route without: %+v, %v", list, err)
	}
}

// On the page of a difference a rule is proposed and tried, without a script.
func TestRuleOnTheDifferencePage(t *testing.T) {
	w := newWorld(t)
	w.plant()
	w.record("gone", "accounts.show", "GET", "/accounts/8", exchange(200, `{"id":8,"price":"1.00"}`), exchange(200, `{"id":8}`))
	b := w.logIn()
	at := func(kind, try string) string {
		path := map[string]string{"value": groupPath, "missing": "/differences/fnvju35yl2kliihb"}[kind]
		if try != "" {
			path += "?" + url.Values{"try": {try}}.Encode()
		}
		return path
	}
	tests := []struct {
		reason, page string
		want         []string
		not          []string
	}{
		{"a value", at("value", ""), []string{"takes a person to decide: nobody has seen legacy differ from itself here", "{path: $.price, tolerance: 10%,", "<button>Try</button>"}, []string{"it would make"}},
		{"a value, tried", at("value", "{path: $.price, tolerance: 1}"), []string{"of 5 stored comparisons it would make 1 a match, and forgive 1 difference", `value="{path: $.price, tolerance: 1}"`}, nil},
		{"a value, tried badly", at("value", "{path: status, ignore: true}"), []string{"forgives a whole answer"}, []string{"it would make"}},
		{"what is missing", at("missing", ""), []string{"None is proposed.", "<button>Try</button>"}, []string{"tolerance"}},
	}
	for _, tt := range tests {
		res, page := b.get(tt.page)
		for _, want := range tt.want {
			if res.StatusCode != 200 || !strings.Contains(page, want) {
				t.Errorf("%s: %s, want %q in\n%s", tt.reason, res.Status, want, page)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(page, not) {
				t.Errorf("%s: there is %q in\n%s", tt.reason, not, page)
			}
		}
	}
	_, page := b.get("/routes/accounts.show")
	for _, want := range []string{"$.debug ignore", "in use", "routes.yaml:10:"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the route lacks %q:\n%s", want, page)
		}
	}
}

func TestOverdueMetric(t *testing.T) {
	w := newWorld(t)
	w.use(strings.Replace(file, "until: 2027-01-31", "until: 2020-01-31", 1))
	_, body := w.ask("GET", "/metrics", "")
	if want := `quack_rules_overdue{route="accounts.show"} 1`; !strings.Contains(body, want) {
		t.Errorf("no %s", want)
	}
}
