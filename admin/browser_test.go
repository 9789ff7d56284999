package admin_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/internal/chromium"
)

// tab is a tab of a real browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// openBrowser starts a browser that fetches nothing by itself.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	return chromium.Open(t, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
}

func openTab(t *testing.T, of context.Context) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(of)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return &tab{t: t, ctx: ctx}
}

// patience is how long something may take on a machine that is busy.
const patience = time.Minute

// do does what a person does.
func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// see waits until the page's text has all of these.
func (b *tab) see(wants ...string) {
	b.t.Helper()
	for _, want := range wants {
		b.until("document.readyState === 'complete' && document.body.innerText.includes(" + strconv.Quote(want) + ")")
	}
}

// until waits for a condition, also across a change of the page, which ends
// what is being evaluated.
func (b *tab) until(condition string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		met, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](condition))
		if err == nil && met {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("never met: %s (%v); the page is\n%s", condition, err, b.js("location.href + '\\n' + document.body.innerText"))
		}
	}
}

func (b *tab) js(expression string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func css(selector string) chromedp.CSS { return chromedp.CSS(selector) }

func TestInABrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser := openBrowser(t)
	t.Run("the way of an engineer", func(t *testing.T) { wayOfAnEngineer(t, browser) })
	t.Run("pages follow what happens", func(t *testing.T) { pagesFollow(t, browser) })
	t.Run("pages fit a telephone", func(t *testing.T) { pagesFit(t, browser) })
	t.Run("the schemes are two", func(t *testing.T) { schemesDiffer(t, browser) })
	t.Run("axe finds faults", func(t *testing.T) { axeFinds(t, browser) })
	t.Run("find the planted difference", func(t *testing.T) { findThePlanted(t, browser) })
	t.Run("try a rule", func(t *testing.T) { tryARule(t, browser) })
	t.Run("switch a stage", func(t *testing.T) { switchAStage(t, browser) })
	t.Run("flip read-only", func(t *testing.T) { flipReadonly(t, browser) })
	t.Run("know a difference", func(t *testing.T) { knowADifference(t, browser) })
	t.Run("mark a deploy", func(t *testing.T) { markADeploy(t, browser) })
	t.Run("copy a request", func(t *testing.T) { copyARequest(t, browser) })
	t.Run("keys", func(t *testing.T) { keysAreEnough(t, browser) })
	t.Run("without scripts", func(t *testing.T) { withoutScripts(t, browser) })
	t.Run("pages in both schemes", func(t *testing.T) { pagesInBothSchemes(t, browser) })
}

// pagesFit: on a telephone no page is wider than the screen, also with all that is
// folded open, wide tables scroll by themselves, and names and ids are not broken
// into single letters.
func pagesFit(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.plant()
	w.record("01M8CDEN5PBZTDDC7MAV9VHS74", "accounts.show", "GET", "/accounts/9?fields=id,name,price&page=2", exchange(200, `{"id":9,"price":"9.90"}`), exchange(200, `{"id":9,"price":"9.09"}`))
	w.mu.Lock()
	w.proofs = []admin.Proof{{Backend: "accounts", URL: "http://accounts-blue.internal.example:4000", At: time.Now(), Proved: true}}
	w.mu.Unlock()
	if _, err := w.client.Mark(t.Context(), "v1.4", "deploy of Friday"); err != nil { // for the tables of /marks
		t.Fatal(err)
	}
	b := openTab(t, browser)
	link, err := w.client.LoginLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.do("log in", chromedp.Navigate(link), chromedp.Click(css("main form button")), chromedp.WaitVisible(css("table.routes")))
	b.do("on a telephone", chromedp.EmulateViewport(400, 800))
	for _, path := range allPages {
		b.do("open "+path, chromedp.Navigate(w.server.URL+path))
		b.js(`document.querySelectorAll("details").forEach(d => d.open = true); ""`)
		if tall := b.js(`[...document.querySelectorAll("tbody tr")].filter(tr => tr.offsetHeight > 200).map(tr => tr.innerText).join()`); tall != "" {
			t.Errorf("%s: broken into many lines: %s", path, tall)
		}
		if width := b.js(`String(document.documentElement.scrollWidth)`); width != "400" {
			t.Errorf("%s is %s wide on a screen of 400", path, width)
		}
		narrow := b.js(`[...document.querySelectorAll(".groups tbody th")].filter(th => th.offsetWidth > 0 && th.offsetWidth < 150).map(th => th.innerText).join()`)
		if narrow != "" {
			t.Errorf("%s: too narrow to be read: %s", path, narrow)
		}
	}
}
