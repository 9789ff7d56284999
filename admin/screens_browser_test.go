package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestScreensInABrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser := openBrowser(t)
	t.Run("fold and search", func(t *testing.T) { foldAndSearch(t, browser) })
	t.Run("keys", func(t *testing.T) { keysMove(t, browser) })
	t.Run("live", func(t *testing.T) { liveLeavesAlone(t, browser) })
	t.Run("from what is not ready to why", func(t *testing.T) { findWhy(t, browser) })
}

// manyRoutes is the file of newWorld with 80 more routes in two branches.
func manyRoutes() string {
	var b strings.Builder
	b.WriteString(file)
	for i := range 80 {
		fmt.Fprintf(&b, "  - {name: more.%d, match: GET /v%d/more/%d}\n", i, 1+i%2, i)
	}
	return b.String()
}

// logIn opens the pages as a person does.
func (b *tab) logIn(w *world) {
	b.t.Helper()
	link, err := w.client.LoginLink(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	b.do("log in", chromedp.Navigate(link), chromedp.Click(css("main form button")), chromedp.WaitVisible(css("table.routes")))
}

// press is a key that goes down, with its letter, and up again: what is done about
// its going down may keep the letter from being typed, as under a finger.
func press(key string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key})
		if err == nil {
			_, err = cdp.Call(ctx, tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key})
		}
		return chromedp.Void{}, err
	}
}

// count is how many elements there are.
func (b *tab) count(selector string) string {
	return b.js(fmt.Sprintf("String(document.querySelectorAll(%q).length)", selector))
}

// foldAndSearch: branches open and fold in place, the address says what is open,
// and the search answers while one types, in the same field.
func foldAndSearch(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.use(manyRoutes())
	w.plant()
	b := openTab(t, browser)
	b.logIn(w)
	if n := b.count("tr.branch"); n != "2" || b.count("tbody tr") != "6" {
		t.Fatalf("%s branches, %s lines", n, b.count("tbody tr"))
	}
	b.js(`window.samePage = true; ""`)
	b.do("open one", chromedp.Click(css(`tr.branch a.fold`)))
	b.until(`document.querySelectorAll("tbody tr").length === 46 && document.querySelector("tr.branch a.fold").ariaExpanded === "true"`)
	if at := b.js("location.search"); at != "?open=%2Fv1%2Fmore" {
		t.Errorf("the address says %q", at)
	}
	b.do("again", chromedp.Reload())
	b.until(`document.querySelectorAll("tbody tr").length === 46`)
	b.js(`window.samePage = true; ""`)
	b.do("fold it", chromedp.Click(css(`tr.branch a.fold`)))
	b.until(`document.querySelectorAll("tbody tr").length === 6`)

	b.do("search", chromedp.SendKeys(css("input[type=search]"), "more/7"))
	b.until(`document.querySelectorAll("#main tbody tr[id^=r]").length === 11 && location.search.includes("q=more%2F7")`)
	b.do("go on typing", press("7"))
	b.until(`document.querySelectorAll("#main tbody tr[id^=r]").length === 1`)
	if typed := b.js(`document.activeElement.value`); typed != "more/77" {
		t.Errorf("the field that has the focus says %q", typed)
	}
	if same := b.js("String(window.samePage)"); same != "true" {
		t.Error("the page was loaded anew")
	}
	if display := b.js(`getComputedStyle(document.querySelector(".chip.s-bad"), "::before").display`); display == "inline" {
		t.Error("the dot of a state has no size: it is inline")
	}
	b.do("those that differ", chromedp.Navigate(w.server.URL+"/"), chromedp.Click(css(".chip.s-bad")))
	b.until(`location.search === "?show=differs" && document.querySelectorAll("tbody tr").length === 1`)
	b.see("accounts.show")
}

// keysMove: each key does what the help says, none while somebody types.
func keysMove(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.plant()
	b := openTab(t, browser)
	b.logIn(w)
	focus := func(want string) {
		t.Helper()
		b.until(`document.activeElement.innerText === ` + fmt.Sprintf("%q", want))
	}
	b.do("down", press("j"))
	focus("accounts.show")
	b.do("down", press("j"))
	focus("accounts.create")
	b.do("up and up", press("k"), press("k"))
	focus("accounts.show")
	if outline := b.js("getComputedStyle(document.activeElement).outlineStyle"); outline != "solid" {
		t.Errorf("the focus is not to be seen: outline %s", outline)
	}
	b.do("open", chromedp.KeyEvent(kb.Enter))
	b.until(`location.pathname === "/routes/accounts.show" && document.readyState === "complete"`)
	b.do("up", press("u"))
	b.until(`location.pathname === "/" && document.readyState === "complete"`)
	b.do("search", press("/"))
	b.until(`document.activeElement.type === "search"`)
	b.do("a letter is a letter there", press("j"), press("?"))
	if typed := b.js(`document.querySelector("input[type=search]").value`); typed != "j?" {
		t.Errorf("typed %q", typed)
	}
	b.do("out of it", chromedp.KeyEvent(kb.Escape), press("?"))
	b.until(`document.querySelector("dialog").open`)
	b.do("close the help", chromedp.KeyEvent(kb.Escape))
	b.until(`!document.querySelector("dialog").open`)
	for _, c := range []struct{ key, path string }{{"v", "/coverage"}, {"c", "/comparisons"}, {"m", "/marks"}, {"o", "/readonly"}, {"a", "/audit"}, {"r", "/"}} {
		b.do("go", press("g"), press(c.key))
		b.until(fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", c.path))
	}
}

// liveLeavesAlone: what happens comes into the page that is looked at, and
// nothing else of it changes: the focus, what is unfolded, the element itself.
func liveLeavesAlone(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.plant()
	b := openTab(t, browser)
	b.logIn(w)
	if high := b.js(`[...document.querySelectorAll("td .spark")].map(s => s.getBoundingClientRect().height).filter(h => h > 20).join()`); high != "" {
		t.Errorf("a spark is %s pixels high", high)
	}
	b.do("open the route", chromedp.Navigate(w.server.URL+"/routes/accounts.show"), chromedp.Click(css("details.behind summary")), chromedp.Focus(css(".groups a")))
	b.js(`document.querySelector(".groups a").mine = true; window.refused = [];
		new ReportingObserver((list) => refused.push(...list.map((r) => r.body.effectiveDirective)), { types: ["csp-violation"], buffered: true }).observe(); ""`)
	if got := b.count("#chart-compared rect.c-bad"); got != "1" {
		t.Errorf("%s steps of mismatches are drawn", got)
	}
	w.record("again", "accounts.show", "GET", "/accounts/8", exchange(200, `{"id":8,"price":"9.90"}`), exchange(200, `{"id":8,"price":"9.09"}`))
	b.see("2 of 5 differ")
	if kept := b.js(`[document.activeElement.mine, document.querySelector("details.behind").open].join()`); kept != "true,true" {
		t.Errorf("the focus, and what was unfolded: %s", kept)
	}
	b.do("fold", chromedp.Click(css("details.behind summary")))
	w.record("and again", "accounts.show", "GET", "/accounts/9", exchange(200, `{"id":9,"price":"9.90"}`), exchange(200, `{"id":9,"price":"9.09"}`))
	b.see("3 of 6 differ")
	if open := b.js(`String(document.querySelector("details.behind").open)`); open != "false" {
		t.Error("what was folded is open again")
	}
	if refused := b.js(`refused.join() + document.querySelectorAll("style").length`); refused != "0" {
		t.Errorf("what scripts do is not within the policy of the pages: %s", refused)
	}
}

// findWhy: from the page of all routes to the request that shows why one is not
// ready, by what is to be seen.
func findWhy(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.plant()
	b := openTab(t, browser)
	b.logIn(w)
	b.do("what differs", chromedp.Click(css(".chip.s-bad")))
	b.until(`document.querySelectorAll("tbody tr").length === 1`)
	b.do("the route", chromedp.Click(css("table.routes tbody a")))
	b.see("1 of 4 differ (25", "Statuses", "Ran first: legacy 4", "$.price")
	if img := b.js(`document.querySelector("#chart-latency").getBoundingClientRect().height > 100 ? "drawn" : "not drawn"`); img != "drawn" {
		t.Error("the latencies are", img)
	}
	b.do("its coverage", chromedp.Click(css(`a[href="/coverage?route=accounts.show"]`)))
	b.see("accounts.show", "The route")
	b.do("back", chromedp.Click(css(`main a[href="/routes/accounts.show"]`)))
	b.do("the difference", chromedp.Click(css(".groups a")))
	b.see("Another value", "planted")
}
