package admin_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
)

// live counts a live request of accounts.show, as the proxy does, and with
// compared the match that came of it.
func (w *world) live(target string, compared bool) {
	w.t.Helper()
	header := http.Header{"Accept": {"application/json"}}
	w.reports.Served("accounts.show", "shadow", "legacy", 200, 1)
	w.reports.Asked("accounts.show", 200, compare.Request{Method: "GET", Target: target, Header: header}, false)
	if compared {
		w.record("", "accounts.show", "GET", target, exchange(200, `{"id":1}`), exchange(200, `{"id":1}`))
	}
}

func TestCoverageIsTold(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.live("/accounts/1?full=1", true)
	}
	w.live("/accounts/1", false)
	w.reports.Served("accounts.create", "shadow", "legacy", 201, 1)
	w.reports.Asked("accounts.create", 201, compare.Request{Method: "POST", Target: "/accounts", Header: http.Header{}}, false)
	list, err := w.client.Coverage(t.Context(), "")
	if err != nil || len(list) != 4 {
		t.Fatalf("Coverage = %+v, %v; want the four routes of the table", list, err)
	}
	show, create, orders, invoices := list[0], list[1], list[2], list[3]
	if show.Route != "accounts.show" || show.Live != 4 || show.Covered != 0.75 || show.NeverHit || show.WritesNeverCompared || len(show.Facets) != 5 {
		t.Errorf("accounts.show: %+v", show)
	}
	if create.Route != "accounts.create" || create.NeverHit || !create.WritesNeverCompared || create.Covered != 0 {
		t.Errorf("accounts.create: %+v", create)
	}
	for _, c := range []reports.RouteCoverage{orders, invoices} {
		if !c.NeverHit || c.WritesNeverCompared || c.Facets == nil {
			t.Errorf("%s: %+v", c.Route, c)
		}
	}
	one, err := w.client.Coverage(t.Context(), "accounts.show")
	if err != nil || len(one) != 1 || one[0].Live != 4 {
		t.Errorf("of one route: %+v, %v", one, err)
	}
	var p *admin.Problem
	if _, err := w.client.Coverage(t.Context(), "accounts.shwo"); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("of an unknown route: %v", err)
	}
	if res, _ := w.askPlain("GET", "/api/v1/coverage", ""); res.StatusCode != 401 {
		t.Errorf("without the token: %d", res.StatusCode)
	}
}

func TestWritesThatWereCompared(t *testing.T) {
	w := newWorld(t)
	c := reports.Comparison{
		ID: "w1", Route: "accounts.create", Stage: "shadow", Live: "legacy", First: "new", Verdict: reports.Match, Writes: reports.WritesCounted,
		Request: reports.Request{Method: "POST", Target: "/accounts", Header: http.Header{}},
		Legacy:  reports.Side{Answer: exchange(201, `{}`)}, New: reports.Side{Answer: exchange(201, `{}`)},
	}
	w.reports.Record(c)
	list, err := w.client.Coverage(t.Context(), "accounts.create")
	if err != nil || len(list) != 1 || list[0].WritesNeverCompared {
		t.Errorf("%+v, %v", list, err)
	}
}

func readinessOf(t *testing.T, w *world, route string) reports.Readiness {
	t.Helper()
	list, err := w.client.Report(t.Context(), reports.Filter{Route: route})
	if err != nil || len(list) != 1 {
		t.Fatalf("Report = %+v, %v", list, err)
	}
	return list[0].Readiness
}

// TestReadinessIsTold: from nothing, over each thing that is missing, to ready.
func TestReadinessIsTold(t *testing.T) {
	w := newWorld(t)
	says := func(want string, ready bool) {
		t.Helper()
		if got := readinessOf(t, w, "accounts.show"); got.Says != want || got.Ready != ready {
			t.Errorf("got  %v %q\nwant %v %q", got.Ready, got.Says, ready, want)
		}
	}
	says("no client has ever asked for it; 2,995 comparisons without a mismatch show that at most 0.1 % mismatch (there is none yet)", false)
	w.use(strings.Replace(file, "  - name: accounts.show\n", "  - name: accounts.show\n    ready: {mismatch: 10%, covered: 90%}\n", 1))
	for range 27 {
		w.live("/accounts/1", true)
	}
	says("2 more comparisons without a mismatch show that at most 10 % mismatch (so far 10.6 %)", false)
	for range 2 {
		w.live("/accounts/1", true)
	}
	says("at most 9.82 % of the requests mismatch (95 % confidence, 29 comparisons), comparisons cover 100 % of the live ones, and no difference is open", true)
	for range 4 {
		w.live("/accounts/1?full=1", false)
	}
	says("comparisons cover 87.87 % of the live requests, and 90 % is asked for: never compared the parameters full (4 requests)", false)
	w.live("/accounts/1?full=1", true)
	w.record("planted", "accounts.show", "GET", "/accounts/1", exchange(200, `{"price":1}`), exchange(200, `{"price":2}`))
	says("1 difference is open: $.price (value) in 1 comparison; 15 more comparisons without a mismatch show that at most 10 % mismatch (so far 14.5 %)", false)
	for range 15 {
		w.live("/accounts/1", true)
	}
	says("1 difference is open: $.price (value) in 1 comparison", false)
	groups, err := w.client.Differences(t.Context(), reports.Filter{Path: "$.price"})
	if err != nil || len(groups) != 1 {
		t.Fatalf("%+v, %v", groups, err)
	}
	if _, err := w.client.Know(t.Context(), groups[0].ID, "rounded on purpose"); err != nil {
		t.Fatal(err)
	}
	if got := readinessOf(t, w, "accounts.show"); !got.Ready {
		t.Errorf("known, and not ready: %q", got.Says)
	}
}

func TestReadinessOfOtherRoutes(t *testing.T) {
	w := newWorld(t)
	w.reports.Served("(default)", "legacy", "legacy", 200, 1)
	w.reports.Served("gone", "shadow", "legacy", 200, 1)
	w.reports.Served("invoices.list", "legacy", "legacy", 200, 1)
	w.use(strings.Replace(file, "stage: ramp, percent: 25", "stage: new", 1))
	list, err := w.client.Report(t.Context(), reports.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	says := map[string]string{}
	for _, r := range list {
		says[r.Name] = fmt.Sprintf("%v: %s", r.Readiness.Ready, r.Readiness.Says)
		if r.Readiness.Missing == nil {
			t.Errorf("%s: missing is null", r.Name)
		}
	}
	for name, want := range map[string]string{
		"(default)":        "false: it is not migrated: what matches no route goes to legacy",
		"gone":             "false: it is no longer in the table",
		"GET /orders/{id}": "true: it has moved: new answers alone",
		"invoices.list":    "false: nothing is compared at stage legacy, set it to shadow; 2,995 comparisons without a mismatch show that at most 0.1 % mismatch (there is none yet)",
	} {
		if says[name] != want {
			t.Errorf("%s: %q, want %q", name, says[name], want)
		}
	}
}

func TestKnownIsAudited(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.plant()
	groups, err := w.client.Differences(ctx, reports.Filter{Path: "$.price"})
	if err != nil || len(groups) != 1 {
		t.Fatalf("%+v, %v", groups, err)
	}
	id := groups[0].ID
	before := w.audited()
	var p *admin.Problem
	for why, status := range map[string]int{" ": 422, strings.Repeat("x", control.MaxWhy+1): 422} {
		if _, err := w.client.Know(ctx, id, why); !errors.As(err, &p) || p.Status != status {
			t.Errorf("why %.9q: %v", why, err)
		}
	}
	if _, err := w.client.Know(ctx, "aaaaaaaaaaaaaaaa", "x"); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("what is not there: %v", err)
	}
	if e := w.audited(); e != before {
		t.Errorf("what was refused is audited: %+v", e)
	}
	g, err := w.client.Know(ctx, id, "rounded on purpose")
	if err != nil || g.Known == nil || g.Known.By != "ann@desk" || g.Known.Why != "rounded on purpose" {
		t.Fatalf("known %+v, %v", g.Known, err)
	}
	if e := w.audited(); e.Action != "know" || e.By != "ann@desk" || e.Why != "rounded on purpose" || e.What != "accounts.show: mismatch value at $.price ("+id+")" {
		t.Errorf("audited %+v", e)
	}
	if groups, _ = w.client.Differences(ctx, reports.Filter{Path: "$.price"}); groups[0].Known == nil {
		t.Error("the list does not say that it is known")
	}
	if g, err = w.client.Forget(ctx, id); err != nil || g.Known != nil {
		t.Errorf("forgotten %+v, %v", g.Known, err)
	}
	if e := w.audited(); e.Action != "forget" || !strings.Contains(e.What, "$.price") {
		t.Errorf("audited %+v", e)
	}
	if _, err := w.client.Forget(ctx, id); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("forgotten twice: %v", err)
	}
	if res, _ := w.askPlain("POST", "/api/v1/differences/"+id+"/known", `{"why":"x"}`, "Content-Type", "application/json"); res.StatusCode != 401 {
		t.Errorf("without the token: %d", res.StatusCode)
	}
}
