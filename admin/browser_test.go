package admin_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// chromium is the browser's program. Without one the test fails: `make setup`
// installs it.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("QUACK_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium; run make setup, or set QUACK_CHROMIUM")
	return ""
}

// tab is a tab of a real browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// openBrowser starts a browser with a profile of its own; its first tab keeps
// it open until the test ends.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium has only for other users
	}
	ctx, closeBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(closeBrowser)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil { // not with a deadline: it would be the browser's
		t.Fatal(err)
	}
	return ctx
}

func openTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser)
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
	t.Run("pages in both schemes", func(t *testing.T) { pagesInBothSchemes(t, browser) })
}

// pagesFit: on a telephone no page is wider than the screen, wide tables scroll
// by themselves, and names are not broken into single letters.
func pagesFit(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.plant()
	b := openTab(t, browser)
	link, err := w.client.LoginLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.do("log in", chromedp.Navigate(link), chromedp.Click(css("main form button")), chromedp.WaitVisible(css("table.routes")))
	b.do("on a telephone", chromedp.EmulateViewport(400, 800))
	for _, path := range allPages {
		b.do("open "+path, chromedp.Navigate(w.server.URL+path))
		if width := b.js(`String(document.documentElement.scrollWidth)`); width != "400" {
			t.Errorf("%s is %s wide on a screen of 400", path, width)
		}
		narrow := b.js(`[...document.querySelectorAll(".groups tbody th")].filter(th => th.offsetWidth > 0 && th.offsetWidth < 150).map(th => th.innerText).join()`)
		if narrow != "" {
			t.Errorf("%s: too narrow to be read: %s", path, narrow)
		}
	}
}

// wayOfAnEngineer: log in, see which route differs, find the place, look at both
// answers, move the route on, close the gate and open it.
func wayOfAnEngineer(t *testing.T, browser context.Context) {
	w := newWorld(t)
	w.plant()
	b := openTab(t, browser)
	link, err := w.client.LoginLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.do("open the link", chromedp.Navigate(link))
	b.see("This link logs one browser in, once")
	b.do("log in", chromedp.Click(css("main form button")))
	b.see("accounts.show", "1 of 4 differ")
	if cookies := b.js("document.cookie"); cookies != "" {
		t.Errorf("scripts can read the cookie %q", cookies)
	}
	if display := b.js("getComputedStyle(document.querySelector('.figures')).display"); display != "flex" {
		t.Errorf("the style is not in force: display %q", display)
	}

	b.do("open the route", chromedp.Click(css(`a[href="/routes/accounts.show"]`)))
	b.see("Differences", "$.price", `"9.09"`)
	b.do("open the difference", chromedp.Click(css(`.groups a`)))
	b.see("Another value", "1 of 1 samples", "A rule for it")
	if here := b.js(`document.getElementById("here").innerText`); !strings.Contains(here, `"price": "9.90"`) || !strings.Contains(here, `"price": "9.09"`) {
		t.Errorf("marked is %s", here)
	}
	b.do("try the rule", chromedp.Click(css(".panel form button")))
	b.see("it would make 1 a match, and forgive 1 difference")
	b.do("open the comparison", chromedp.Click(css(`section[aria-labelledby=sample] .sub a`)))
	b.see("GET /accounts/7?full=1", "curl --include")
	marked := b.js("[...document.querySelectorAll('tr.differs td.line')].map(e => e.innerText).join(' | ')")
	if !strings.Contains(marked, `"price": "9.90"`) || !strings.Contains(marked, `"price": "9.09"`) {
		t.Errorf("marked is %s", marked)
	}
	b.do("click into the command", chromedp.Click(css("pre.copy")))
	if got := b.js("getSelection().toString()"); !strings.HasPrefix(got, "# legacy: monolith\ncurl --include") || !strings.Contains(got, "127.0.0.1:3000") {
		t.Errorf("a click selects %q", got)
	}

	b.do("back to the route", chromedp.Click(css(`.crumbs a[href="/routes/accounts.show"]`)))
	b.see("Set stage")
	b.do("set the stage", chromedp.SetValue(css("select[name=stage]"), "verify"), chromedp.SendKeys(css(".panel input[name=why]"), "quiet for a week"), chromedp.Click(css(".panel button")))
	b.see("Set live by ann@desk (browser)", "quiet for a week")
	if r := w.control.Table().Route("accounts.show"); r.Stage != "verify" {
		t.Errorf("stage %s", r.Stage)
	}

	b.do("to the gate", chromedp.Click(css(`nav a[href="/readonly"]`)))
	b.see("Writes are let through")
	b.do("close it", chromedp.SendKeys(css("input[name=why]"), "moving accounts"), chromedp.Click(css("button.danger")))
	b.see("Read-only mode is on.", "No write is under way.")
	if s := w.gate.State(); !s.ReadOnly || s.Why != "moving accounts" {
		t.Errorf("gate %+v", s)
	}
	b.do("open it", chromedp.SendKeys(css(".panel input[name=why]"), "moved"), chromedp.Click(css(".panel button")))
	b.see("Writes are let through")
	if w.gate.State().ReadOnly {
		t.Error("the gate is closed")
	}
	b.do("to the audit", chromedp.Click(css(`nav a[href="/audit"]`)))
	b.see("accounts.show: shadow -> verify", "readonly on", "readonly off", "moved")
	b.do("log out", chromedp.Click(css(".out button")))
	b.see("quack login")
	b.do("and back", chromedp.Navigate(w.server.URL+"/"))
	b.see("Not logged in")
}

// pagesFollow: a page that is looked at follows what happens, and leaves alone
// what is being typed.
func pagesFollow(t *testing.T, browser context.Context) {
	w := newWorld(t)
	b := openTab(t, browser)
	link, err := w.client.LoginLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.do("log in", chromedp.Navigate(link), chromedp.Click(css("main form button")), chromedp.WaitVisible(css("table.routes")))
	b.see("waits for traffic")
	w.plant()
	b.see("1 of 4 differ")
	if _, err := w.control.Freeze(t.Context(), "bob", "moving accounts", 0); err != nil {
		t.Fatal(err)
	}
	b.see("Read-only mode is on.", "moving accounts")

	b.do("type", chromedp.Navigate(w.server.URL+"/readonly"), chromedp.SendKeys(css(".panel input[name=why]"), "half a sen"))
	// The page has been told, and has had the time to do something about it.
	b.js(`const told = new EventSource("/api/v1/events"); told.addEventListener("hello", () => document.documentElement.dataset.told = "listens");
		told.addEventListener("change", () => setTimeout(() => { told.close(); document.documentElement.dataset.told = "yes" }, 1500)); ""`)
	b.until(`document.documentElement.dataset.told === "listens"`)
	if _, err := w.control.Thaw(t.Context(), "bob", "moved"); err != nil {
		t.Fatal(err)
	}
	b.until(`document.documentElement.dataset.told === "yes"`)
	if typed := b.js(`document.querySelector(".panel input[name=why]").value`); typed != "half a sen" {
		t.Errorf("what was being typed is now %q", typed)
	}
	b.js(`document.activeElement.value = ""; document.activeElement.blur(); ""`)
	b.see("Writes are let through")
}
