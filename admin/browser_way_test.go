package admin_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

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

// quote is a text as it stands in JavaScript.
func quote(text string) string { return strconv.Quote(text) }
