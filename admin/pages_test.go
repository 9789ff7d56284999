package admin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
)

// groupPath is the page of the price that plant makes differ: ids are made of
// route, path, kind, verdict and reason.
const groupPath = "/differences/hon2lutzlhnr5k4y"

// allPages are all pages of a planted world.
var allPages = []string{
	"/", "/?q=accounts&since=24h", "/routes/accounts.show", "/routes/GET%20%2Forders%2F%7Bid%7D", groupPath,
	"/comparisons", "/comparisons?route=accounts.show", "/comparisons/planted", "/comparisons/planted?full=1", "/comparisons/planted?at=%24.price&as=har", "/marks", "/readonly", "/audit", "/login", "/login?code=x", "/nothing",
	"/coverage", "/coverage?route=accounts.show",
}

// scripts are those of our pages.
var scripts = []string{"/static/htmx.min.js", "/static/idiomorph-ext.min.js", "/static/quack.js", "/static/keys.js", "/static/evidence.js"}

// text is the page as it is read: without tags, blanks folded.
func text(t *testing.T, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "script" {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func wantText(t *testing.T, page string, wants ...string) {
	t.Helper()
	got := text(t, page)
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestOverviewPage(t *testing.T) {
	w := newWorld(t)
	w.plant()
	w.proofs = []admin.Proof{{Backend: "accounts", URL: "http://127.0.0.1:4000", Detail: "404 from the hello path"}}
	b := w.logIn()
	_, page := b.get("/")
	wantText(t, page,
		"accounts.show GET /accounts/{id} 1 of 4 differ (25 %)", "shadow In the last hour 4 compared, 1 mismatched 3 4 1 75.2 %",
		"accounts.create POST /accounts nothing compared: 1 skipped, most for no-proof shadow",
		"GET /orders/{id} waits for traffic ramp 25 %",
		"invoices.list GET /invoices not compared at this stage legacy",
		"1 differ 2 not ready yet 0 ready 0 moved 1 not compared of 4 routes",
		"not proved 404 from the hello path", "3 exchanges wait", "quack test",
	)
	if strings.Index(page, "accounts.show") > strings.Index(page, "invoices.list") {
		t.Error("what differs does not stand first")
	}
	if strings.Contains(page, `class="banner `) {
		t.Error("a banner for nothing")
	}
	_, page = b.get("/?q=ORDERS")
	if got := text(t, page); strings.Contains(got, "accounts.show") || !strings.Contains(got, "GET /orders/{id}") {
		t.Errorf("search gives\n%s", got)
	}
	_, page = b.get("/?q=nothing-like-it")
	wantText(t, page, "No route matches nothing-like-it")
	if res, _ := b.get("/?since=x"); res.StatusCode != 400 {
		t.Errorf("since=x: %d", res.StatusCode)
	}

	w.control.Latch(control.Latch{Route: "accounts.create", Backend: "accounts", RequestID: "r1", Why: "not acknowledged"})
	if _, err := w.control.Freeze(t.Context(), "ann", "moving accounts", 0); err != nil {
		t.Fatal(err)
	}
	w.control.LoadFailed(fmt.Errorf("routes.yaml:3:1: unknown key %q", "stagee"))
	for _, path := range []string{"/", "/audit", "/comparisons/planted"} {
		_, page = b.get(path)
		wantText(t, page, "Leak suspected on accounts.create. not acknowledged.", "Read-only mode is on. moving accounts (ann, since", `routes.yaml does not load.`, `unknown key "stagee"`)
	}
}

func TestRoutePage(t *testing.T) {
	w := newWorld(t)
	w.plant()
	b := w.logIn()
	_, page := b.get("/routes/accounts.show")
	wantText(t, page, "GET /accounts/{id} · legacy monolith · new accounts · safe", "1 of 4 differ (25 %)",
		`$.price value mismatch 1 25 % 1.0 In the last 24 hours 1 "9.90" "9.09"`, "2 forgiven", "the new side takes 2.", "Nothing was skipped", "$.debug ignore not in v2 (payments, until 2027-01-31)")
	_, page = b.get("/routes/accounts.create")
	wantText(t, page, "unsafe", "None that counts.", "no-proof the backend has not proved that it rolls back 1")
	if res, page := b.get("/routes/accounts.shwo"); res.StatusCode != 404 || !strings.Contains(page, "accounts.show") {
		t.Errorf("misspelt: %d\n%s", res.StatusCode, page)
	}

	res, _ := b.post("/routes/accounts.show/stage", url.Values{"stage": {"ramp"}, "percent": {" 12.5 "}, "why": {"first clients"}})
	if res.StatusCode != 303 || res.Header.Get("Location") != "/routes/accounts.show" {
		t.Fatalf("stage: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	_, page = b.get("/routes/accounts.show")
	wantText(t, page, "accounts.show ramp 12.5 %", "Set live by ann@desk (browser)", "first clients. The file says shadow")
	res, _ = b.post("/routes/GET%20%2Forders%2F%7Bid%7D/stage", url.Values{"stage": {"new"}, "percent": {"25"}, "why": {"done"}})
	if res.StatusCode != 303 || res.Header.Get("Location") != "/routes/GET%20%2Forders%2F%7Bid%7D" {
		t.Errorf("stage: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	if e := w.audited(); e.What != "GET /orders/{id}: ramp 25% -> new" || e.By != "ann@desk (browser)" {
		t.Errorf("audit %+v", e)
	}
	for _, c := range []struct {
		fields url.Values
		says   string
		status int
	}{
		{url.Values{"stage": {"new"}, "why": {" "}}, "A reason is missing", 422},
		{url.Values{"stage": {"ramp"}, "percent": {"many"}, "why": {"kept <what> was typed"}}, "a number from 0 to 100", 400},
		{url.Values{"stage": {"ramp"}, "percent": {"101"}, "why": {"x"}}, "101", 422},
	} {
		res, page := b.post("/routes/accounts.show/stage", c.fields)
		if res.StatusCode != c.status || !strings.Contains(text(t, page), c.says) {
			t.Errorf("%v: %d\n%s", c.fields, res.StatusCode, text(t, page))
		}
		if why := html.EscapeString(c.fields.Get("why")); !strings.Contains(page, `value="`+why+`"`) {
			t.Errorf("%v: what was typed is lost", c.fields)
		}
	}

	w.control.Latch(control.Latch{Route: "accounts.create", Backend: "accounts", RequestID: "r1", Why: "not acknowledged"})
	_, page = b.get("/routes/accounts.create")
	wantText(t, page, "Leak suspected not acknowledged Request r1 to accounts")
	if res, _ := b.post("/routes/accounts.create/reset", url.Values{"why": {""}}); res.StatusCode != 422 || !w.control.Latched("accounts.create") {
		t.Errorf("reset without a why: %d", res.StatusCode)
	}
	if res, _ := b.post("/routes/accounts.create/reset", url.Values{"why": {"nginx"}}); res.StatusCode != 303 || w.control.Latched("accounts.create") {
		t.Errorf("reset: %d", res.StatusCode)
	}
}

// Evidence of a route that has left the file is still to be looked at.
func TestPageOfARouteThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.plant()
	w.use(strings.ReplaceAll(file, "accounts.show", "accounts.get"))
	b := w.logIn()
	_, page := b.get("/routes/accounts.show")
	wantText(t, page, "Not in the table any more", "$.price")
	if strings.Contains(page, `name="stage"`) {
		t.Error("its stage can be set")
	}
	_, page = b.get("/")
	wantText(t, page, "accounts.show not compared at this stage; before, 1 of 4 differed not in the table")
	w.reports.Served("(default)", "legacy", "legacy", 200, time.Millisecond)
	_, page = b.get("/routes/" + url.PathEscape("(default)"))
	wantText(t, page, "(default) legacy Counted", "What matches no route")
}

func TestEvidencePages(t *testing.T) {
	w := newWorld(t)
	w.plant()
	b := w.logIn()
	_, page := b.get(groupPath)
	wantText(t, page, "$.price mismatch", "Another value", "Seen once", "1 of 1 samples", `$.price "9.90" "9.09" planted`, "new took 2.6 times as long")
	if strings.Count(page, `<tr class="differs here" id="here">`) != 1 {
		t.Errorf("the place is not marked:\n%s", page)
	}
	if res, _ := b.get("/differences/aaaaaaaaaaaaaaaa"); res.StatusCode != 404 {
		t.Errorf("no such group: %d", res.StatusCode)
	}
	if res, _ := b.get("/differences?route=accounts.show&path=$.nothing"); res.StatusCode != 404 {
		t.Errorf("no group of such parts: %d", res.StatusCode)
	}
	if res, _ := b.get("/differences?route=accounts.show&path=%24.price&kind=value&verdict=mismatch&reason="); res.StatusCode != 302 || res.Header.Get("Location") != groupPath {
		t.Errorf("by its parts: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	_, page = b.get("/comparisons?route=accounts.show")
	wantText(t, page, "planted mismatch GET /accounts/7?full=1 200 12.0 / 31.0 legacy 1", "match0 match GET /accounts/0 200 12.0 / 31.0 legacy 0")
	_, page = b.get("/comparisons?route=none")
	wantText(t, page, "Nothing is stored of this route")

	_, page = b.get("/comparisons/planted")
	wantText(t, page, "GET /accounts/7?full=1", "stage shadow · legacy answered the client, legacy ran first",
		`$.price value mismatch "9.90" "9.09"`, "2 forgiven", "rule", "timestamp", "status 200 OK 200 OK", "legacy monolith · 12.0 ms", "new accounts · 31.0 ms",
		`curl`, `'http://127.0.0.1:3000/accounts/7?full=1'`, `'http://127.0.0.1:4000/accounts/7?full=1'`, `'X-User-Id: 7'`)
	marked := regexp.MustCompile(`(?s)<tr class="differs"><td class="no">\d+</td><td class="line">  &#34;price&#34;: &#34;9.<mark>90</mark>&#34;,</td>.*?9\.<mark>09</mark>`)
	if !marked.MatchString(page) || strings.Count(page, `<tr class="differs">`) != 1 || strings.Count(page, `<tr class="forgiven">`) != 2 {
		t.Errorf("the changed places are not marked:\n%s", page)
	}
	if strings.Contains(page, "This request changes something") {
		t.Error("a GET is said to change something")
	}
	if res, page := b.get("/comparisons/none"); res.StatusCode != 404 || !strings.Contains(page, "Not kept") {
		t.Errorf("no such comparison: %d", res.StatusCode)
	}
}

func TestComparisonPageOfAWrite(t *testing.T) {
	w := newWorld(t)
	legacy, new := exchange(201, `{"id":1}`), exchange(422, `oops`)
	legacy.Footprint = compare.Footprint{{Table: "accounts", Inserted: 1}, {Table: "audit", Inserted: 2, Deleted: 1}}
	new.Footprint = compare.Footprint{{Table: "accounts", Inserted: 1}}
	legacy.Effects = compare.Effects{{Name: "job:ChargeJob", Count: 2}, {Name: "mail:order.placed", Count: 1}}
	new.Effects = compare.Effects{{Name: "job:ChargeJob", Count: 2}}
	legacy.Trailer = http.Header{"X-Sum": {"1"}}
	w.record("write", "accounts.create", "POST", "/accounts", legacy, new)
	b := w.logIn()
	_, page := b.get("/comparisons/write")
	wantText(t, page, "status 201 Created 422 Unprocessable Entity", "trailer X-Sum 1 absent", "accounts 1 inserted 1 inserted", "audit 2 inserted, 1 deleted nothing", "job:ChargeJob 2 2", "mail:order.placed 1 nothing", "This request changes something")
	broken := exchange(200, `{"id":1`)
	broken.Incomplete = "connection reset"
	w.record("broken", "accounts.create", "POST", "/accounts", exchange(200, `{}`), broken)
	_, page = b.get("/comparisons/broken")
	wantText(t, page, "not compared", "broke off absent connection reset")
}

func TestReadonlyPage(t *testing.T) {
	w := newWorld(t)
	b := w.logIn()
	pass, _ := w.gate.Enter()
	_, page := b.get("/readonly")
	wantText(t, page, "Read-only mode off", "Writes are let through. 1 under way now.")
	if res, page := b.post("/readonly", url.Values{"on": {"true"}, "why": {""}, "for": {"15m"}}); res.StatusCode != 422 || !strings.Contains(page, `value="15m" selected`) {
		t.Errorf("without a why: %d", res.StatusCode)
	}
	if res, _ := b.post("/readonly", url.Values{"on": {"true"}, "why": {"moving"}, "for": {"15m"}}); res.StatusCode != 303 {
		t.Fatalf("on: %d", res.StatusCode)
	}
	if s := w.gate.State(); !s.ReadOnly || s.Until.Sub(s.Since) != 15*time.Minute {
		t.Errorf("gate %+v", s)
	}
	_, page = b.get("/readonly")
	wantText(t, page, "Read-only mode on", "by ann@desk (browser) : moving", "still under way: 1 .", "Announced until")
	pass.Leave()
	_, page = b.get("/readonly")
	wantText(t, page, "Read-only mode on", "No write is under way.")
	if res, _ := b.post("/readonly", url.Values{"on": {"false"}, "why": {"moved"}}); res.StatusCode != 303 || w.gate.State().ReadOnly {
		t.Errorf("off: %d", res.StatusCode)
	}
}

func TestAuditPage(t *testing.T) {
	w := newWorld(t)
	for i := range 120 {
		w.control.Note(t.Context(), "ann", "login", fmt.Sprintf("entry %d.", i), "")
	}
	b := w.logIn()
	_, page := b.get("/audit")
	wantText(t, page, "entry 119.", "Older")
	older := regexp.MustCompile(`/audit\?after=\d+`).FindString(page)
	_, page = b.get(older)
	wantText(t, page, "entry 0.", "reload")
	if strings.Contains(text(t, page), "Older") {
		t.Error("there is nothing older")
	}
}

// Whatever backends, clients and operators send stands in a page as text.
func TestEverythingIsEscaped(t *testing.T) {
	w := newWorld(t)
	evil := `"><script>alert(1)</script><img src=x onerror=alert(1)>'` + "\x00\u202e{{.}}"
	quoted := strings.NewReplacer(`"`, `\"`, "\x00", `\u0000`).Replace(evil)
	l := exchange(200, fmt.Sprintf(`{"%s":"%s","price":1}`, quoted, quoted))
	n := exchange(200, fmt.Sprintf(`{"%s":"%s!","price":1}`, quoted, quoted))
	for _, x := range []*compare.Exchange{&l, &n} {
		x.Header["X-"+evil] = []string{evil}
		x.Footprint = compare.Footprint{{Table: evil, Inserted: 1}}
	}
	n.Header.Set("X-Evil", evil)
	c := w.record(evil, "accounts.show", "GET", "/accounts/"+evil, l, n)
	if c.Verdict != reports.Mismatch {
		t.Fatalf("verdict %s", c.Verdict)
	}
	c.ID, c.Err, c.Stage, c.First, c.Request.Method, c.Request.Host = "evil2", evil, evil, evil, evil, evil
	c.Legacy.Backend, c.Legacy.URL, c.New.Answer.Incomplete, c.Verdict = evil, evil, evil, reports.Error
	c.Request.Header = http.Header{evil: {evil}}
	c.Request.Body = []byte(evil)
	w.reports.Record(c)
	c.ID, c.Route, c.Verdict = "evil3", evil, reports.Mismatch
	w.reports.Record(c)
	w.reports.Skip("accounts.show", evil)
	w.reports.Skip(evil, evil)
	w.proofs = []admin.Proof{{Backend: evil, URL: evil, Detail: evil}}
	w.control.Latch(control.Latch{Route: "accounts.show", Backend: evil, RequestID: evil, Why: evil})
	w.control.Latch(control.Latch{Route: evil, Backend: evil, RequestID: evil, Why: evil})
	w.control.LoadFailed(fmt.Errorf("%s", evil))
	w.client.By = evil
	if err := w.client.SetStage(t.Context(), "accounts.show", "ramp", 5, evil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.SetReadonly(t.Context(), admin.ReadonlyChange{On: true, Why: evil}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.Mark(t.Context(), "v1.4", evil); err != nil {
		t.Fatal(err)
	}
	b := w.logIn()
	pages := []string{"/marks", "/marks?mark=" + url.QueryEscape(evil), "/audit?q=" + url.QueryEscape(evil),
		"/", "/?q=" + url.QueryEscape(evil), "/routes/accounts.show", "/routes/" + url.PathEscape(evil), "/comparisons", "/comparisons?route=" + url.QueryEscape(evil),
		"/comparisons/" + url.PathEscape(evil), "/comparisons/evil2", "/comparisons/evil3", "/readonly", "/audit", "/login?code=" + url.QueryEscape(evil), "/" + url.PathEscape(evil),
	}
	groups, err := w.reports.Differences(t.Context(), reports.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range groups {
		if err := w.reports.Know(t.Context(), g.ID, evil, evil); i == 0 && err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{"http", "hurl", "har", "go"} {
			pages = append(pages, "/differences/"+g.ID+"?as="+form)
		}
		pages = append(pages, "/differences/"+g.ID)
	}
	if len(groups) < 3 {
		t.Errorf("only %d groups", len(groups))
	}
	for _, path := range pages {
		res, page := b.get(path)
		if res.StatusCode >= 500 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		checkInert(t, path, page)
	}
}

// checkInert fails when a page has a script that is not ours, or an element or
// attribute that runs something.
func checkInert(t *testing.T, path, page string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" && (n.FirstChild != nil || len(n.Attr) == 0 || !slices.Contains(scripts, n.Attr[0].Val)) || n.Data == "style" {
			t.Errorf("%s has a <%s> of its own", path, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
				t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
			}
			if n.Data == "img" && a.Key == "src" && a.Val != "/static/duck.svg" {
				t.Errorf("%s: <img src=%q>", path, a.Val)
			}
		}
	}
	if strings.ContainsAny(text(t, page), "\x00\u202e\ufffd") {
		t.Errorf("%s has characters that are not seen", path)
	}
}

// Every page is whole: one h1, labelled fields, named table columns, ids that
// stand once, links that lead somewhere.
func TestPagesAreAccessible(t *testing.T) {
	w := newWorld(t)
	w.plant()
	w.control.Latch(control.Latch{Route: "accounts.show", Why: "x"})
	b := w.logIn()
	for _, path := range allPages {
		_, page := b.get(path)
		root, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		ids, headings := map[string]bool{}, 0
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if id := attr(n, "id"); id != "" {
				if ids[id] {
					t.Errorf("%s: the id %q stands twice", path, id)
				}
				ids[id] = true
			}
			switch n.Data {
			case "h1":
				headings++
			case "input", "select":
				if attr(n, "type") != "hidden" && !within(n, "label") {
					t.Errorf("%s: the field %q has no label", path, attr(n, "name"))
				}
			case "th":
				if attr(n, "scope") == "" {
					t.Errorf("%s: a th without scope: %s", path, n.FirstChild.Data)
				}
			case "img":
				if !has(n, "alt") {
					t.Errorf("%s: an img without alt", path)
				}
			case "form":
				if attr(n, "method") == "post" && !strings.HasPrefix(path, "/login") && !strings.Contains(render(t, n), `name="csrf"`) {
					t.Errorf("%s: a form without the word", path)
				}
			case "a":
				if href := attr(n, "href"); strings.HasPrefix(href, "/") {
					if res, _ := b.get(href); res.StatusCode != 200 && res.StatusCode != 302 {
						t.Errorf("%s: the link %s leads to %d", path, href, res.StatusCode)
					}
				}
			}
		}
		if headings != 1 || attr(root.LastChild, "lang") != "en" || !strings.Contains(page, `<a class="skip" href="#main">`) {
			t.Errorf("%s: %d h1", path, headings)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

func within(n *html.Node, element string) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == element {
			return true
		}
	}
	return false
}

func render(t *testing.T, n *html.Node) string {
	t.Helper()
	var b strings.Builder
	if err := html.Render(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What leaves beside the database is said on the page of each route whose
// writes are shadowed, and of no other.
func TestRoutePageSaysWhatIsNotUndone(t *testing.T) {
	w := newWorld(t)
	w.use(strings.Replace(file, "4000], rollback: header", "4000], rollback: prefer", 1))
	b := w.logIn()
	_, page := b.get("/routes/accounts.create")
	wantText(t, page, "What its shadows write is rolled back in the database and nowhere else: mail, jobs and calls to others leave, and nothing records them (accounts has rollback: prefer); answers are compared, rows written are not (that takes run: both).")
	if _, page := b.get("/routes/accounts.show"); strings.Contains(page, "rolled back in the database") {
		t.Error("it is said of a route that writes nothing")
	}
}

// A database or an instance that keeps writes from being shadowed opens the
// part of the overview that says so.
func TestOverviewOpensWhatKeepsShadowsOff(t *testing.T) {
	var shown []admin.Database
	w := newWorld(t, func(c *admin.Config) { c.Live = func() admin.Live { return admin.Live{Databases: shown} } })
	b := w.logIn()
	fine := admin.Database{Database: "shop", Watching: true, Sees: true, Max: 4, UnderWay: 1, Full: 2, Refused: 3, Blocking: 5, Overdue: 6}
	for _, c := range []struct {
		reason string
		change func(*admin.Database)
		want   string
		opens  bool
	}{
		{"as it should be", func(*admin.Database) {}, "1 of 4 under way, 2 left out at that bound and 3 while it was busy or not watched; 5 ended for a live session that waited, 6 for their age.", false},
		{"busy", func(d *admin.Database) { d.Busy = "connections: 90%, limit 80%" }, "Busy connections: 90%, limit 80%: no write is shadowed.", true},
		{"away", func(d *admin.Database) { d.Watching, d.Why = false, "connection refused" }, "Not watched connection refused", true},
		{"blind", func(d *admin.Database) { d.Sees = false }, "Sees no waiting session its role needs pg_monitor", true},
		{"an orphan", func(d *admin.Database) { d.Orphans = 1 }, "1 prepared transactions left behind roll them back by hand", true},
	} {
		d := fine
		c.change(&d)
		shown = []admin.Database{d}
		_, page := b.get("/")
		wantText(t, page, c.want)
		if opens := strings.Contains(page, `<details class="aside" open>`); opens != c.opens {
			t.Errorf("%s: opens %v", c.reason, opens)
		}
	}
	shown = nil
	w.mu.Lock()
	w.proofs = []admin.Proof{{Backend: "accounts", URL: "http://127.0.0.1:4000", Detail: "connection refused"}}
	w.mu.Unlock()
	if _, page := b.get("/"); !strings.Contains(page, `<details class="aside" open>`) {
		t.Error("an instance without proof does not open it")
	}
}
