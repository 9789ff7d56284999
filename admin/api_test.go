package admin_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
)

func TestNewRefuses(t *testing.T) {
	for token, says := range map[string]string{"": "openssl rand -hex 32", "short-of-sixteen": "needs Control"} {
		_, err := admin.New(admin.Config{Token: token})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

func TestStatus(t *testing.T) {
	w := newWorld(t)
	w.proofs = []admin.Proof{{Backend: "accounts", URL: "http://127.0.0.1:4000", Detail: "no hello"}}
	w.control.Latch(control.Latch{Route: "accounts.create", Backend: "accounts", RequestID: "r1", Why: "not acknowledged"})
	w.control.LoadFailed(errors.New("routes.yaml:3:1: unknown key"))
	w.ready = errors.New("stopping")
	if err := w.client.SetStage(t.Context(), "accounts.show", "verify", 0, "trying"); err != nil {
		t.Fatal(err)
	}
	s, err := w.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Version != "quack test" || s.Started.IsZero() || s.NotReady != "stopping" {
		t.Errorf("process %+v", s)
	}
	if s.Table.Hash != w.control.Table().Hash() || s.Table.Routes != 4 || s.Table.LoadedAt.IsZero() || s.Table.LoadError != "routes.yaml:3:1: unknown key" {
		t.Errorf("table %+v", s.Table)
	}
	if len(s.Proofs) != 1 || s.Proofs[0].Detail != "no hello" || len(s.Latches) != 1 || s.Latches[0].RequestID != "r1" || len(s.Overrides) != 1 {
		t.Errorf("proofs %+v, latches %+v, overrides %+v", s.Proofs, s.Latches, s.Overrides)
	}
	if s.Shadow.Queued != 3 || s.Shadow.QueuedBytes != 4096 || s.Readonly.ReadOnly {
		t.Errorf("shadow %+v, gate %+v", s.Shadow, s.Readonly)
	}
}

func TestRoutesAndStage(t *testing.T) {
	w := newWorld(t)
	if err := w.client.SetStage(t.Context(), "accounts.show", "ramp", 12.5, "first clients"); err != nil {
		t.Fatal(err)
	}
	// A name that is made of method and pattern has a space, slashes and braces.
	if err := w.client.SetStage(t.Context(), "GET /orders/{id}", "new", 0, "done"); err != nil {
		t.Fatal(err)
	}
	list, err := w.client.Routes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 4 || list[0].Name != "accounts.show" || list[2].Name != "GET /orders/{id}" {
		t.Fatalf("not the file's order: %+v", list)
	}
	show := list[0]
	if show.Method != "GET" || show.Pattern != "/accounts/{id}" || show.Stage != "ramp" || show.Percent != 12.5 || show.Legacy != "monolith" || show.New != "accounts" ||
		!show.Safe || show.Readonly != "allow" || show.TimeoutMS != 30000 || show.Shadow.Sample != 1 || show.Shadow.BudgetMS != 250 || len(show.Rules) != 1 || !strings.HasPrefix(show.Position, "routes.yaml:") {
		t.Errorf("route %+v", show)
	}
	if o := show.Override; o == nil || o.By != "ann@desk" || o.Why != "first clients" || o.FileStage != "shadow" {
		t.Errorf("override %+v", show.Override)
	}
	if list[2].Stage != "new" || list[2].Sticky != "header:X-User-Id" || list[3].Override != nil {
		t.Errorf("routes %+v", list)
	}
	if e := w.audited(); e.By != "ann@desk" || e.Action != "stage" || e.What != "GET /orders/{id}: ramp 25% -> new" || e.Why != "done" {
		t.Errorf("audit %+v", e)
	}
}

func TestStageIsRefused(t *testing.T) {
	w := newWorld(t)
	w.use(strings.ReplaceAll(strings.Replace(file, "  - {name: accounts.create, match: POST /accounts, stage: shadow}\n", "  - {name: accounts.create, match: POST /accounts}\n", 1), ", rollback: header", ""))
	for _, c := range []struct {
		reason, path, body string
		header             []string
		status             int
		says               string
	}{
		{"a route that is not there", "/routes/acounts.show/stage", `{"stage":"new","why":"x"}`, nil, 404, `did you mean "accounts.show"?`},
		{"no why", "/routes/accounts.show/stage", `{"stage":"new"}`, nil, 422, "why"},
		{"an unknown stage", "/routes/accounts.show/stage", `{"stage":"sideways","why":"x"}`, nil, 422, "sideways"},
		{"percent without ramp", "/routes/accounts.show/stage", `{"stage":"new","percent":5,"why":"x"}`, nil, 422, "percent"},
		{"writes to a backend that does not roll back", "/routes/accounts.create/stage", `{"stage":"shadow","why":"x"}`, nil, 422, "rollback"},
		{"an unknown key", "/routes/accounts.show/stage", `{"stage":"new","why":"x","wy":"x"}`, nil, 400, `there is no "wy" here; there are "stage", "percent", "why"`},
		{"another type", "/routes/accounts.show/stage", `{"stage":5}`, nil, 400, `"stage" is a number, and has to be a string.`},
		{"another type of number", "/routes/accounts.show/stage", `{"stage":"ramp","percent":"25","why":"x"}`, nil, 400, `"percent" is a string, and has to be a number.`},
		{"a number beyond all bounds", "/routes/accounts.show/stage", `{"stage":"ramp","percent":1e999,"why":"x"}`, nil, 400, `"percent" is the number 1e999, and has to be a number.`},
		{"a list", "/routes/accounts.show/stage", `["new"]`, nil, 400, "it is an array, and has to be an object."},
		{"half a value", "/routes/accounts.show/stage", `{"stage":`, nil, 400, "ends in the middle"},
		{"YAML", "/routes/accounts.show/stage", `stage: new`, nil, 400, "at byte 1"},
		{"ramp without percent", "/routes/accounts.show/stage", `{"stage":"ramp","why":"x"}`, nil, 422, "stage ramp without percent"},
		{"null percent at ramp", "/routes/accounts.show/stage", `{"stage":"ramp","percent":null,"why":"x"}`, nil, 422, "stage ramp without percent"},
		{"ramp beyond 100", "/routes/accounts.show/stage", `{"stage":"ramp","percent":101,"why":"x"}`, nil, 422, "0 to 100"},
		{"percent 0 without ramp", "/routes/accounts.show/stage", `{"stage":"new","percent":0,"why":"x"}`, nil, 422, "only at stage ramp"},
		{"a route that is not there, and more", "/routes/acounts.show/stage", `{"stage":"ramp","why":"x"}`, nil, 404, "did you mean"},
		{"two values", "/routes/accounts.show/stage", `{"stage":"new","why":"x"}{}`, nil, 400, "more behind"},
		{"no JSON", "/routes/accounts.show/stage", `stage=new`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "application/json"},
		{"empty", "/routes/accounts.show/stage", ``, nil, 400, "it is empty"},
		{"too large", "/routes/accounts.show/stage", `{"why":"` + strings.Repeat("x", 70<<10) + `"}`, nil, 413, "65536"},
		{"a why that is too long", "/routes/accounts.show/stage", `{"stage":"new","why":"` + strings.Repeat("x", 3000) + `"}`, nil, 422, "2000"},
		{"nothing to reset", "/routes/accounts.show/reset", `{"why":"x"}`, nil, 409, "no leak"},
		{"reset without a why", "/routes/accounts.show/reset", `{"why":" "}`, nil, 422, "why"},
	} {
		res, body := w.ask("POST", "/api/v1"+c.path, c.body, c.header...)
		title, detail := problemOf(t, res, body)
		if res.StatusCode != c.status || !strings.Contains(detail, c.says) || title == "" {
			t.Errorf("%s: %d %s: %s", c.reason, res.StatusCode, title, detail)
		}
	}
	if e := w.audited(); e.Action != "reload" {
		t.Errorf("what was refused is in the audit: %+v", e)
	}
}

func TestResetLatch(t *testing.T) {
	w := newWorld(t)
	w.control.Latch(control.Latch{Route: "accounts.create", Why: "x"})
	if list, err := w.client.Routes(t.Context()); err != nil || list[1].Latch == nil {
		t.Errorf("routes %+v, %v", list, err)
	}
	if err := w.client.ResetLatch(t.Context(), "accounts.create", "a retry of nginx"); err != nil {
		t.Fatal(err)
	}
	if w.control.Latched("accounts.create") {
		t.Error("still latched")
	}
}

func TestReport(t *testing.T) {
	w := newWorld(t)
	w.plant()
	w.control.Latch(control.Latch{Route: "accounts.create", Why: "not acknowledged"})
	list, err := w.client.Report(t.Context(), reports.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]reports.RouteReport{}
	var names []string
	for _, r := range list {
		by[r.Name] = r
		names = append(names, r.Name)
	}
	if got := strings.Join(names, ", "); got != "GET /orders/{id}, accounts.create, accounts.show, invoices.list" {
		t.Errorf("routes %s: every one of the table, sorted by name", got)
	}
	show := by["accounts.show"]
	if show.Stage != "shadow" || show.Served != 3 || show.Compared != 4 || show.Matched != 3 || show.Mismatched != 1 || show.Forgiven != 2 || show.Legacy.P50 < 10 || show.New.P50 < 25 {
		t.Errorf("accounts.show %+v", show)
	}
	if create := by["accounts.create"]; create.Leak != "not acknowledged" || create.Skipped["no-proof"] != 1 {
		t.Errorf("accounts.create %+v", create)
	}
	if idle := by["invoices.list"]; idle.Compared != 0 || idle.MismatchUpper != 1 || idle.Stage != "legacy" {
		t.Errorf("invoices.list %+v", idle)
	}
	if one, err := w.client.Report(t.Context(), reports.Filter{Route: "accounts.show", Since: time.Now().Add(-time.Hour)}); err != nil || len(one) != 1 || one[0].Mismatched != 1 {
		t.Errorf("of one route: %+v, %v", one, err)
	}
	var p *admin.Problem
	if _, err := w.client.Report(t.Context(), reports.Filter{Route: "accounts.shwo"}); !errors.As(err, &p) || p.Status != 404 || !strings.Contains(p.Detail, `"accounts.show"`) {
		t.Errorf("of a route that is not there: %v", err)
	}
}

// The shape that programs rely on, by its names.
func TestReportShape(t *testing.T) {
	w := newWorld(t)
	w.plant()
	var got struct {
		Routes []map[string]any `json:"routes"`
	}
	_, body := w.ask("GET", "/api/v1/report?route=accounts.show", "")
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Routes) != 1 {
		t.Fatalf("%s: %v", body, err)
	}
	for _, name := range []string{"name", "stage", "percent", "compared", "matched", "mismatched", "transient", "noise", "forgiven", "errors", "skipped", "dropped", "mismatch_upper95", "legacy", "new"} {
		if _, there := got.Routes[0][name]; !there {
			t.Errorf("no %q in %s", name, body)
		}
	}
	if _, there := got.Routes[0]["legacy"].(map[string]any)["p99_ms"]; !there {
		t.Errorf("no p99_ms in %s", body)
	}
}

func TestDifferencesAndComparisons(t *testing.T) {
	w := newWorld(t)
	w.plant()
	groups, err := w.client.Differences(t.Context(), reports.Filter{Route: "accounts.show", Kind: "value", Path: "$.price"})
	if err != nil || len(groups) != 1 {
		t.Fatalf("differences %+v, %v", groups, err)
	}
	g := groups[0]
	if g.Verdict != "mismatch" || g.Count != 1 || len(g.Samples) != 1 || g.Samples[0].ID != "planted" || g.Samples[0].Legacy != `"9.90"` || g.Samples[0].New != `"9.09"` {
		t.Errorf("group %+v", g)
	}
	c, err := w.client.Comparison(t.Context(), "planted")
	if err != nil {
		t.Fatal(err)
	}
	if c.Route != "accounts.show" || c.Verdict != reports.Mismatch || c.Request.Target != "/accounts/7?full=1" || !strings.Contains(string(c.New.Answer.Body), "9.09") || len(c.Differences) != 1 || len(c.Forgiven) != 2 {
		t.Errorf("comparison %+v", c)
	}
	var p *admin.Problem
	if _, err := w.client.Comparison(t.Context(), "not/there"); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("a comparison that is not there: %v", err)
	}
	var ids []string
	for after := ""; ; {
		list, next, err := w.client.Comparisons(t.Context(), reports.Filter{Route: "accounts.show", Limit: 2, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			ids = append(ids, c.ID)
			if c.Legacy.Answer.Body != nil {
				t.Errorf("the list has a body of %s", c.ID)
			}
		}
		if after = next; next == "" {
			break
		}
	}
	if got := strings.Join(ids, " "); got != "planted match2 match1 match0" {
		t.Errorf("comparisons %s", got)
	}
	if list, _, err := w.client.Comparisons(t.Context(), reports.Filter{Verdict: reports.Mismatch}); err != nil || len(list) != 1 {
		t.Errorf("mismatches %+v, %v", list, err)
	}
}

func TestQueriesAreReadStrictly(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ path, says string }{
		{"/report?rout=x", `no parameter "rout"`},
		{"/report?route=a&route=b", "given twice"},
		{"/report?since=yesterday", "RFC 3339"},
		{"/report?since=-1h", "RFC 3339"},
		{"/differences?limit=0", "1 to 1000"},
		{"/differences?limit=1001", "1 to 1000"},
		{"/comparisons?after=x", "cursor"},
		{"/audit?after=-1", "cursor"},
		{"/audit?route=x", "after, limit"},
		{"/report?a=%zz", "%zz"},
	} {
		res, body := w.ask("GET", "/api/v1"+c.path, "")
		if _, detail := problemOf(t, res, body); res.StatusCode != 400 || !strings.Contains(detail, c.says) {
			t.Errorf("%s: %d %s", c.path, res.StatusCode, detail)
		}
	}
	for _, path := range []string{"/report?since=24h", "/report?since=2026-01-01T00:00:00Z", "/differences?limit=1000&route=&since=1m", "/audit?limit=1"} {
		if res, body := w.ask("GET", "/api/v1"+path, ""); res.StatusCode != 200 {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}

func TestReadonly(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	pass, _ := w.gate.Enter()
	if s, err := w.client.Readonly(ctx); err != nil || s.ReadOnly || s.UnderWay != 1 {
		t.Errorf("open: %+v, %v", s, err)
	}
	var p *admin.Problem
	_, err := w.client.SetReadonly(ctx, admin.ReadonlyChange{On: true, Why: "moving accounts", For: 15 * time.Minute, Wait: 20 * time.Millisecond})
	if !errors.As(err, &p) || p.Status != 504 || !strings.Contains(p.Detail, "is closed and stays closed") || !strings.Contains(p.Detail, "1 that had begun") {
		t.Fatalf("with a write under way: %v", err)
	}
	s, err := w.client.Readonly(ctx)
	if err != nil || !s.ReadOnly || s.UnderWay != 1 || s.Why != "moving accounts" || s.By != "ann@desk" || s.Until.Sub(s.Since) != 15*time.Minute {
		t.Errorf("after it: %+v, %v", s, err)
	}

	waited := make(chan error)
	go func() {
		s, err := w.client.SetReadonly(ctx, admin.ReadonlyChange{On: true, Why: "moving accounts", Wait: time.Minute})
		if err == nil && (!s.ReadOnly || s.UnderWay != 0) {
			err = errors.New("returned while a write is under way")
		}
		waited <- err
	}()
	for w.gate.State().Epoch < 2 {
		time.Sleep(time.Millisecond)
	}
	pass.Leave()
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if s, err := w.client.SetReadonly(ctx, admin.ReadonlyChange{Why: "moved"}); err != nil || s.ReadOnly {
		t.Errorf("thawed: %+v, %v", s, err)
	}
	for _, c := range []struct {
		change admin.ReadonlyChange
		status int
		says   string
	}{
		{admin.ReadonlyChange{On: true}, 422, "why"},
		{admin.ReadonlyChange{}, 422, "why"},
		{admin.ReadonlyChange{Why: "x", Wait: time.Second}, 400, "with on only"},
		{admin.ReadonlyChange{On: true, Why: "x", For: -time.Second}, 400, "-1s"},
		{admin.ReadonlyChange{On: true, Why: "x", Wait: time.Hour}, 400, "10m"},
	} {
		if _, err := w.client.SetReadonly(ctx, c.change); !errors.As(err, &p) || p.Status != c.status || !strings.Contains(p.Detail, c.says) {
			t.Errorf("%+v: %v", c.change, err)
		}
	}
	if w.gate.State().ReadOnly {
		t.Error("what was refused closed the gate")
	}
}

func TestGateOpenedWhileACallWaits(t *testing.T) {
	w := newWorld(t)
	pass, _ := w.gate.Enter()
	defer pass.Leave()
	waited := make(chan error)
	go func() {
		_, err := w.client.SetReadonly(t.Context(), admin.ReadonlyChange{On: true, Why: "x", Wait: time.Minute})
		waited <- err
	}()
	for !w.gate.State().ReadOnly {
		time.Sleep(time.Millisecond)
	}
	if _, err := w.control.Thaw(t.Context(), "bob", "no"); err != nil {
		t.Fatal(err)
	}
	var p *admin.Problem
	if err := <-waited; !errors.As(err, &p) || p.Status != 409 {
		t.Errorf("%v", err)
	}
}

func TestAudit(t *testing.T) {
	w := newWorld(t)
	w.control.Note(t.Context(), "ann", "login", "x", "")
	entries, err := w.client.Audit(t.Context(), 50)
	if err != nil || len(entries) != 2 || entries[0].Action != "login" || entries[1].Action != "reload" {
		t.Errorf("audit %+v, %v", entries, err)
	}
	var page struct {
		Entries []control.Entry
		Next    string
	}
	_, body := w.ask("GET", "/api/v1/audit?limit=1", "")
	if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Entries) != 1 || page.Next == "" {
		t.Fatalf("%s: %v", body, err)
	}
	_, body = w.ask("GET", "/api/v1/audit?limit=1&after="+page.Next, "")
	if !strings.Contains(body, "reload") {
		t.Errorf("second page %s", body)
	}
}

func TestMethodsAndPaths(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"DELETE", "/api/v1/status", 405, "GET"},
		{"POST", "/api/v1/report", 405, "GET"},
		{"GET", "/api/v1/routes/x/stage", 405, "POST"},
		{"PUT", "/api/v1/readonly", 405, "GET, POST"},
		{"POST", "/healthz", 405, "GET"},
		{"GET", "/api/v1/nothing", 404, ""},
		{"GET", "/api/v2/status", 404, ""},
		{"BREW", "/api/v1/status", 405, "GET"},
	} {
		res, body := w.ask(c.method, c.path, "")
		if _, detail := problemOf(t, res, body); res.StatusCode != c.status || strings.Join(res.Header.Values("Allow"), ", ") != c.allow {
			t.Errorf("%s %s: %d, Allow %q: %s", c.method, c.path, res.StatusCode, res.Header.Values("Allow"), detail)
		}
	}
	if res, body := w.ask("HEAD", "/api/v1/status", ""); res.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: %d %q", res.StatusCode, body)
	}
}

func TestHealthAndReadiness(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if res, body := w.askPlain("GET", path, "", "Host", "load-balancer.example"); res.StatusCode != 200 {
			t.Errorf("%s without a token: %d %s", path, res.StatusCode, body)
		}
	}
	w.mu.Lock()
	w.ready = errors.New("stopping")
	w.mu.Unlock()
	res, body := w.askPlain("GET", "/readyz", "")
	if _, detail := problemOf(t, res, body); res.StatusCode != 503 || detail != "stopping" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, _ := w.askPlain("GET", "/healthz", ""); res.StatusCode != 200 {
		t.Errorf("stopping is not dead: %d", res.StatusCode)
	}
}

func TestNoTableYet(t *testing.T) {
	w := newWorld(t)
	empty, err := control.Open(t.Context(), control.Config{Store: storeOf(t), Gate: w.gate})
	if err != nil {
		t.Fatal(err)
	}
	h, err := admin.New(admin.Config{Control: empty, Gate: w.gate, Reports: w.reports, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	w.server = srv
	for path, status := range map[string]int{"/readyz": 503, "/healthz": 200, "/api/v1/status": 200, "/api/v1/routes": 200, "/api/v1/report": 200, "/": 200, "/metrics": 200, "/routes/x": 404} {
		if res, body := w.ask("GET", path, ""); res.StatusCode != status {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}
