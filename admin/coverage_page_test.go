package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
)

// asked counts a live request that a backend has answered.
func (w *world) asked(route, method, target string, status int) {
	w.reports.Served(route, "shadow", "legacy", status, time.Millisecond)
	w.reports.Asked(route, status, compare.Request{Method: method, Target: target, Header: http.Header{}}, false)
}

func TestCoveragePage(t *testing.T) {
	w := newWorld(t)
	w.plant()
	for i := range 50 {
		w.asked("accounts.show", "GET", fmt.Sprintf("/accounts/%d", i), 200)
	}
	for range 4 { // what is asked for once or twice may be nothing
		w.asked("accounts.show", "GET", "/accounts/7?full=1", 404)
		w.asked("accounts.show", "GET", "/accounts/7?page=2&sort=name", 200)
		w.asked("accounts.create", "POST", "/accounts", 201)
	}
	b := w.logIn()
	_, page := b.get("/coverage")
	wantText(t, page,
		"This speaks of the last 30 to 60 days.", "Writes never compared 1 With gaps 1 All seen was compared 0 Never hit 2",
		"accounts.create 0 % 0 % covered", "its writes were never compared",
		"accounts.show 86.2 % 86.2 % covered 2 status 404 4 the parameters page,sort 4",
		"GET /orders/{id} – – never hit", "invoices.list – – not compared at its stage",
	)
	if strings.Index(page, ">accounts.create<") > strings.Index(page, ">accounts.show<") {
		t.Error("what has most to be done does not stand first")
	}
	_, page = b.get("/coverage?route=accounts.show")
	wantText(t, page, "86.2 % covered", "2 of 7 facets of live requests were never compared.",
		"status Live Compared Verdict First seen Last seen 404 4 0 never compared", "200 54 4 compared",
		"query Live Compared Verdict First seen Last seen page,sort 4 0 never compared", "none 50 3 compared", "full 4 1 compared")
	_, page = b.get("/coverage?route=invoices.list")
	wantText(t, page, "never hit No live request has come for it.")
	for i := range 1400 { // with the 8 that no comparison has seen, 99.45 % are covered
		w.asked("accounts.show", "GET", fmt.Sprintf("/accounts/%d", i), 200)
	}
	_, page = b.get("/coverage?route=accounts.show")
	wantText(t, page, "99.45 % covered", "2 of 7 facets of live requests were never compared.")
	if res, page := b.get("/coverage?route=accounts.shwo"); res.StatusCode != 404 || !strings.Contains(page, "accounts.show") {
		t.Errorf("misspelt: %d", res.StatusCode)
	}
}

// The page of all routes says in one line of each whether it is ready, and what
// is missing most; the page of a route says all that is.
func TestOverviewSaysWhatIsReady(t *testing.T) {
	w := newWorld(t)
	w.plant()
	for range 3 {
		w.asked("accounts.show", "GET", "/accounts/1", 200)
	}
	b := w.logIn()
	_, page := b.get("/?show=differs")
	wantText(t, page, "accounts.show GET /accounts/{id} 1 of 4 differ (25 %) 1 difference is open: $.price (value) in 1 comparison; and 1 more")
	_, page = b.get("/routes/accounts.show")
	wantText(t, page, "Is it ready? 1 of 4 differ (25 %) 1 difference is open: $.price (value) in 1 comparison 4,738 more comparisons without a mismatch show that at most 0.1 % mismatch")

	w.use(strings.Replace(file, "new: accounts}", "new: accounts, ready: {mismatch: 40%}}", 1))
	for i := range 40 {
		w.record(fmt.Sprintf("well%d", i), "accounts.create", "POST", "/accounts", exchange(201, `{"id":1}`), exchange(201, `{"id":1}`))
	}
	for range 3 {
		w.asked("accounts.create", "POST", "/accounts", 201)
	}
	_, page = b.get("/?show=ready")
	wantText(t, page, "accounts.create POST /accounts ready what it writes was never compared shadow", "1 differ 1 not ready yet 1 ready 0 moved 1 not compared of 4 routes")
	if got := text(t, page); strings.Contains(got, "invoices.list") {
		t.Errorf("those that are not ready are shown too:\n%s", got)
	}
	_, page = b.get("/routes/accounts.create")
	wantText(t, page, "ready at most 7.22 % of the requests mismatch (95 % confidence, 40 comparisons)")
	if _, page = b.get("/?show=moved"); !strings.Contains(page, "No route is there.") {
		t.Error("nothing is said of a state that no route is in")
	}
}
