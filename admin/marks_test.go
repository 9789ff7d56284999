package admin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
)

func TestMarksAreSetAndAudited(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.plant()
	m, err := w.client.Mark(ctx, "v1.4", "deploy of Friday")
	if err != nil || m.Name != "v1.4" || m.By != "ann@desk" || m.Why != "deploy of Friday" || m.At.IsZero() {
		t.Fatalf("marked %+v, %v", m, err)
	}
	if e := w.audited(); e.Action != "mark" || e.What != "v1.4" || e.By != "ann@desk" || e.Why != "deploy of Friday" {
		t.Errorf("audited %+v", e)
	}
	var p *admin.Problem
	if _, err := w.client.Mark(ctx, "v1.4", ""); !errors.As(err, &p) || p.Status != 409 || !strings.Contains(p.Detail, "another name") {
		t.Errorf("set twice: %v", err)
	}
	if _, err := w.client.Mark(ctx, "24h", ""); !errors.As(err, &p) || p.Status != 422 || !strings.Contains(p.Detail, "means a time") {
		t.Errorf("a length of time: %v", err)
	}
	if _, err := w.client.Mark(ctx, "v1.5", strings.Repeat("x", control.MaxWhy+1)); !errors.As(err, &p) || p.Status != 422 {
		t.Errorf("a long why: %v", err)
	}
	if e := w.audited(); e.What != "v1.4" {
		t.Errorf("what was refused is audited: %+v", e)
	}
	if _, err := w.client.Mark(ctx, "v1.5", ""); err != nil {
		t.Fatal(err)
	}
	list, err := w.client.Marks(ctx)
	if err != nil || len(list) != 2 || list[0].Name != "v1.5" || list[1] != m {
		t.Errorf("marks %+v, %v", list, err)
	}
	for body, says := range map[string]string{`{"name":"a","when":"now"}`: `"name", "why"`, `{}`: `"" is not a name`, `{"name":1}`: "a string"} {
		res, answer := w.ask("POST", "/api/v1/marks", body)
		if _, detail := problemOf(t, res, answer); !strings.Contains(detail, says) {
			t.Errorf("%s: %d %s", body, res.StatusCode, detail)
		}
	}
	if res, _ := w.askPlain("POST", "/api/v1/marks", `{"name":"v9"}`, "Content-Type", "application/json"); res.StatusCode != 401 {
		t.Errorf("without the token: %d", res.StatusCode)
	}
}

func TestReportSinceAMark(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.plant()
	if _, err := w.client.Mark(ctx, "v1", ""); err != nil {
		t.Fatal(err)
	}
	w.record("later", "accounts.show", "GET", "/accounts/9", exchange(200, `{"id":9,"price":"1"}`), exchange(200, `{"id":9,"price":1}`))
	since := reports.Filter{SinceMark: "v1", Route: "accounts.show"}
	list, err := w.client.Report(ctx, since)
	if err != nil || len(list) != 1 || list[0].Compared != 1 || list[0].Mismatched != 1 || list[0].Served != 0 || list[0].Stage != "shadow" {
		t.Errorf("report since v1: %+v, %v", list, err)
	}
	groups, err := w.client.Differences(ctx, since)
	var told []string
	for _, g := range groups {
		told = append(told, fmt.Sprint(g.Path, " ", g.Kind, " ", g.Count, " ", g.New))
	}
	if err != nil || strings.Join(told, ", ") != "$.price type 1 true" {
		t.Errorf("differences since v1: %q, %v", told, err)
	}
	comparisons, _, err := w.client.Comparisons(ctx, since)
	if err != nil || len(comparisons) != 1 || comparisons[0].ID != "later" {
		t.Errorf("comparisons since v1: %+v, %v", comparisons, err)
	}
	all, err := w.client.Differences(ctx, reports.Filter{Route: "accounts.show"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		if g.New != (g.Kind == "type") {
			t.Errorf("new since the newest mark: %v of %s %s", g.New, g.Path, g.Kind)
		}
	}
	for _, path := range []string{"/report?since=v2", "/differences?since=v2", "/comparisons?since=v2", "/runs?after=v2"} {
		res, body := w.ask("GET", "/api/v1"+path, "")
		if _, detail := problemOf(t, res, body); res.StatusCode != 400 || !strings.Contains(detail, `"v2"`) || !strings.Contains(detail, "quack marks") {
			t.Errorf("%s: %d %s", path, res.StatusCode, detail)
		}
	}
	res, body := w.ask("GET", "/api/v1/routes/accounts.show/series?since=v1", "")
	if _, detail := problemOf(t, res, body); res.StatusCode != 400 || !strings.Contains(detail, "marks") {
		t.Errorf("a series since a mark: %d %s", res.StatusCode, detail)
	}
}

func TestRuns(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	differ := func(id, member string) {
		w.record(id, "accounts.show", "GET", "/accounts/9", exchange(200, fmt.Sprintf(`{%q:1}`, member)), exchange(200, fmt.Sprintf(`{%q:2}`, member)))
	}
	mark := func(name string) {
		if _, err := w.client.Mark(ctx, name, ""); err != nil {
			t.Fatal(err)
		}
	}
	res, body := w.ask("GET", "/api/v1/runs", "")
	if _, detail := problemOf(t, res, body); res.StatusCode != 400 || !strings.Contains(detail, "name the mark") {
		t.Errorf("without a mark: %d %s", res.StatusCode, detail)
	}
	differ("a", "first")
	mark("v1")
	differ("b", "second")
	mark("v2")
	differ("c", "third")
	differ("d", "second")
	for _, c := range []struct{ before, after, regressions, open, gone string }{
		{"", "", "$.third", "$.second", ""},           // v1..v2 against v2..
		{"v1", "v2", "$.third", "$.second", ""},       // the same
		{"v1..v2", "v2..", "$.third", "$.second", ""}, // the same
		{"..v2", "v2..now", "$.third", "$.second", "$.first"},
		{"start", "v1..v2", "$.second", "", "$.first"},
		{"", "v1..v2", "$.second", "", "$.first"},
		{"start..v1", "v2", "$.second,$.third", "", "$.first"},
	} {
		got, err := w.client.Runs(ctx, "", c.before, c.after)
		if err != nil {
			t.Errorf("%q, %q: %v", c.before, c.after, err)
			continue
		}
		paths := func(lists ...[]reports.Change) string {
			var all []string
			for _, list := range lists {
				for _, change := range list {
					all = append(all, change.Group.Path)
				}
			}
			return strings.Join(all, ",")
		}
		if r, o, g := paths(got.Regressions), paths(got.StillOpen), paths(got.Unseen, got.Fixed); r != c.regressions || o != c.open || g != c.gone {
			t.Errorf("%q, %q: regressions %s, open %s, gone %s; want %s, %s, %s", c.before, c.after, r, o, g, c.regressions, c.open, c.gone)
		}
	}
	if got, err := w.client.Runs(ctx, "accounts.create", "", ""); err != nil || got.Totals != (reports.RunTotals{}) || got.After.Compared != 0 {
		t.Errorf("of another route: %+v, %v", got, err)
	}
	if res, body := w.ask("GET", "/api/v1/runs?route=nowhere", ""); res.StatusCode != 404 {
		t.Errorf("of no route: %d %s", res.StatusCode, body)
	}
	for query, says := range map[string]string{
		"after=start": "start of time", "before=v2&after=v1": "oldest to the newest", "before=1h": "FROM..TO", "after=v1..v2..": "FROM..TO",
		"after=now..v2": "FROM..TO", "befor=v1": "no parameter", "after=..v2": "start of time", "limit=0": "1 to 1000",
	} {
		res, body := w.ask("GET", "/api/v1/runs?"+query, "")
		if _, detail := problemOf(t, res, body); res.StatusCode != 400 || !strings.Contains(detail, says) {
			t.Errorf("%s: %d %s", query, res.StatusCode, detail)
		}
	}
	_, body = w.ask("GET", "/api/v1/runs?limit=1&before="+url.QueryEscape("start..v1"), "")
	var cut reports.RunChanges
	if err := json.Unmarshal([]byte(body), &cut); err != nil || len(cut.Regressions) != 1 || cut.Totals.Regressions != 2 || !strings.Contains(body, `"still_open":[]`) {
		t.Errorf("cut to one: %s, %v", body, err)
	}
}
