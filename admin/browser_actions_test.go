package admin_test

import (
	"context"
	"strings"
	"testing"

	permit "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// atTheShop is a tab of somebody who has logged in to the shop's pages.
func atTheShop(t *testing.T, browser context.Context) (*world, *tab) {
	t.Helper()
	w := newWorld(t)
	w.plantShop()
	b := openTab(t, browser)
	b.do("a desk's screen", chromedp.EmulateViewport(1280, 900))
	b.logIn(w)
	return w, b
}

// fill puts a text into a field in place of what is there.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	if got := b.js(`(() => { const field = document.querySelector(` + quote(selector) + `); field.value = ` + quote(text) + `; return field.value })()`); got != text {
		b.t.Fatalf("%s has %q, not %q", selector, got, text)
	}
}

// findThePlanted goes from the overview to the place that differs, by clicks
// alone, from one sample to the next, and to the whole comparison.
func findThePlanted(t *testing.T, browser context.Context) {
	_, b := atTheShop(t, browser)
	b.see("accounts.show")
	b.do("open the route", chromedp.Click(css(`a[href="/routes/accounts.show"]`)))
	b.see("Differences", "$.price")
	b.js(`[...document.querySelectorAll(".groups a")].find(a => a.innerText === "$.price").click(); ""`)
	b.see("Side by side", "Another value", "1 of 10 samples", "$.price")
	here := func(legacy, new string) {
		t.Helper()
		row := b.js(`document.getElementById("here").innerText`)
		words := b.js(`[...document.querySelectorAll("#here mark")].map(m => m.innerText).join()`)
		if !strings.Contains(row, legacy) || !strings.Contains(row, new) || words != "90,09" {
			t.Errorf("the place is marked as %q, the words %q", row, words)
		}
	}
	here(`"price": "9.90"`, `"price": "9.09"`)
	if edge := b.js(`getComputedStyle(document.querySelector("#here td")).boxShadow`); edge == "none" {
		t.Error("the place does not stand out")
	}
	newest := b.js(`document.querySelector("section[aria-labelledby=sample] .sub a").innerText`)
	b.do("the sample before", chromedp.Click(css(`.pager a[rel=next]`)))
	b.see("2 of 10 samples")
	here(`"price": "9.90"`, `"price": "9.09"`)
	if second := b.js(`document.querySelector("section[aria-labelledby=sample] .sub a").innerText`); second == newest {
		t.Errorf("the sample before %s is %s", newest, second)
	}
	b.do("the whole of it", chromedp.Click(css(`section[aria-labelledby=sample] .sub a`)))
	b.see("Request", "Ask again", "GET /accounts/")
	here(`"price": "9.90"`, `"price": "9.09"`)
	b.keepPicture("found")
	b.do("show what is equal, too", chromedp.Click(css(`a[href*="full=1"]`)))
	b.see("DUCK-011")
	b.js(`[...document.querySelectorAll(".groups a")].find(a => a.innerText === "all").click(); ""`)
	b.see("Side by side", "Another value")
}

// tryARule: one that is refused, one that forgives, with its effect where it is.
func tryARule(t *testing.T, browser context.Context) {
	w, b := atTheShop(t, browser)
	b.do("open the difference", chromedp.Navigate(w.server.URL+groupPath))
	b.see("A rule for it")
	if proposed := b.js(`document.querySelector("input[name=try]").value`); !strings.Contains(proposed, "path: $.price") {
		t.Errorf("proposed is %q", proposed)
	}
	try := func(rule string) {
		b.fill("input[name=try]", rule)
		b.do("try "+rule, chromedp.SendKeys(css("input[name=try]"), kb.Enter))
	}
	try("{path: status, ignore: true}")
	b.see("Refused, as it would be in the file", "forgives a whole answer")
	if became := b.js(`document.querySelector("#here").className`); became != "differs here" {
		t.Errorf("without a rule the place is %q", became)
	}
	try("{path: $.price, tolerance: 1}")
	b.see("it would make", "$.price value: 10 forgiven, none left")
	if line := b.js(`document.getElementById("line").innerText`); line != "- {path: $.price, tolerance: 1}" {
		t.Errorf("for the file it gives %q", line)
	}
	if became := b.js(`document.querySelector("#here").className`); became != "forgiven here" {
		t.Errorf("under the rule the place is %q", became)
	}
	b.keepPicture("tried")
	if got := w.control.Table().Route("accounts.show").Rules(); len(got) != 1 {
		t.Errorf("trying has changed the rules: %v", got)
	}
}

// switchAStage: refused without a share of clients, then to ramp and back.
func switchAStage(t *testing.T, browser context.Context) {
	w, b := atTheShop(t, browser)
	b.do("open the route", chromedp.Navigate(w.server.URL+"/routes/accounts.show"))
	b.see("Set stage")
	set := func(stage, percent, why string) {
		b.fill("select[name=stage]", stage)
		b.fill("input[name=percent]", percent)
		b.fill("form[action$='/stage'] input[name=why]", why)
		b.do("set "+stage, chromedp.Click(css("form[action$='/stage'] button")))
	}
	set("ramp", "", "first clients")
	b.see("a number from 0 to 100")
	if why := b.js(`document.querySelector("form[action$='/stage'] input[name=why]").value`); why != "first clients" {
		t.Errorf("what was typed is %q now", why)
	}
	set("ramp", "12.5", "first clients")
	b.see("Set live by ann@desk (browser)", "first clients")
	if r := w.control.Table().Route("accounts.show"); r.Stage != "ramp" || r.Percent != 12.5 {
		t.Errorf("stage %s %v", r.Stage, r.Percent)
	}
	b.keepPicture("stage")
	set("shadow", "", "too many differ")
	b.until(`document.readyState === "complete" && document.querySelector(".head .stage").innerText === "shadow"`)
	if r := w.control.Table().Route("accounts.show"); r.Stage != "shadow" {
		t.Errorf("stage %s", r.Stage)
	}
	if e := w.audited(); e.By != "ann@desk (browser)" || e.Why != "too many differ" {
		t.Errorf("audited %+v", e)
	}
}

// flipReadonly closes the gate while a write is under way, sees it end, and opens
// the gate.
func flipReadonly(t *testing.T, browser context.Context) {
	w, b := atTheShop(t, browser)
	pass, _ := w.gate.Enter()
	b.do("to the gate", chromedp.Click(css(`nav a[href="/readonly"]`)))
	b.see("Writes are let through. 1 under way now.", "answered with 503", "accounts.create")
	b.do("close it", chromedp.SendKeys(css("input[name=why]"), "moving accounts"), chromedp.SetValue(css("select[name=for]"), "15m"), chromedp.Click(css("button.danger")))
	b.see("Read-only mode is on.", "still under way: 1", "Announced until", "Last changes", "moving accounts")
	if s := w.gate.State(); !s.ReadOnly || s.Why != "moving accounts" {
		t.Errorf("gate %+v", s)
	}
	pass.Leave()
	b.do("look again", chromedp.Navigate(w.server.URL+"/readonly"))
	b.see("No write is under way.")
	b.keepPicture("readonly-on")
	b.do("open it", chromedp.SendKeys(css("section.panel input[name=why]"), "moved"), chromedp.Click(css("section.panel button")))
	b.see("Writes are let through", "readonly off")
	if w.gate.State().ReadOnly {
		t.Error("the gate is closed")
	}
}

// knowADifference says why a difference is all right, and takes that back.
func knowADifference(t *testing.T, browser context.Context) {
	w, b := atTheShop(t, browser)
	b.do("open the difference", chromedp.Navigate(w.server.URL+groupPath))
	b.see("I know this", "keeps the route from being ready no more")
	b.do("know it", chromedp.SendKeys(css(".panel input[name=why]"), "prices are rounded as agreed"), chromedp.Click(css("form[action$='/known'] button")))
	b.see("ann@desk (browser) knows of it since", "prices are rounded as agreed", "Take that back")
	if g, err := w.reports.Difference(t.Context(), strings.TrimPrefix(groupPath, "/differences/")); err != nil || g.Known == nil || g.Known.Why != "prices are rounded as agreed" {
		t.Errorf("known is %+v, %v", g.Known, err)
	}
	b.keepPicture("known")
	b.do("take it back", chromedp.Click(css("form[action$='/known'] button")))
	b.see("Why it is all right")
	if e := w.audited(); e.Action != "forget" || !strings.Contains(e.What, "$.price") || e.By != "ann@desk (browser)" {
		t.Errorf("audited %+v", e)
	}
}

// markADeploy: a name that is taken, one that is free, and what has changed since.
func markADeploy(t *testing.T, browser context.Context) {
	w, b := atTheShop(t, browser)
	b.do("to the marks", chromedp.Click(css(`nav a[href="/marks"]`)))
	b.see("Mark this moment", "Regressions", "$.name")
	mark := func(name string) {
		b.fill("input[name=name]", name)
		b.fill("input[name=why]", "deploy of Monday")
		b.do("mark "+name, chromedp.Click(css("form[method=post][action='/marks'] button")))
	}
	mark("v1.4")
	b.see("it is set already")
	mark("v1.5")
	b.see("deploy of Monday")
	if e := w.audited(); e.Action != "mark" || e.What != "v1.5" || e.Why != "deploy of Monday" {
		t.Errorf("audited %+v", e)
	}
	w.shopped("after-15", "accounts.show", "GET", "/accounts/901", exchange(200, `{"id":901,"city":"Berlin"}`), exchange(200, `{"id":901}`), 0)
	b.do("look again", chromedp.Navigate(w.server.URL+"/marks"))
	b.see("Regressions", "$.city", "not seen before")
	b.fill("select[name=from]", "")
	b.fill("select[name=mark]", "v1.3")
	b.do("compare another", chromedp.Click(css("form[method=get] button")))
	b.see("Still open", "$.price")
	b.keepPicture("marked")
}

// copyARequest: a click copies what it says that it does.
func copyARequest(t *testing.T, browser context.Context) {
	w, b := atTheShop(t, browser)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(b.ctx, permit.SetPermission, permit.SetPermissionParams{
			Permission: &permit.PermissionDescriptor{Name: name}, Setting: permit.PermissionSettingGranted, Origin: w.server.URL,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b.do("open the comparison", chromedp.Navigate(w.server.URL+"/comparisons/price-00"))
	for form, has := range map[string]string{"curl": "curl --include", "Hurl": "HTTP 200", "HAR": `"version": "1.2"`, "Go": "package main", ".http": "GET http://127.0.0.1:4000/accounts/700?full=1"} {
		b.see("Ask again")
		b.js(`[...document.querySelectorAll(".forms a")].find(a => a.innerText === ` + quote(form) + `).click(); ""`)
		b.until(`document.readyState === "complete" && document.querySelector(".forms a[aria-current]").innerText === ` + quote(form))
		b.do("copy it", chromedp.Click(css(`button[data-copies="text-new"]`)))
		b.until(`document.querySelector('button[data-copies="text-new"]').innerText === "Copied"`)
		if got := b.answer(`navigator.clipboard.readText()`); got != b.js(`document.getElementById("text-new").textContent`) || !strings.Contains(got, has) {
			t.Errorf("as %s a click copies\n%s", form, got)
		}
	}
}

// keysAreEnough: what a page does can be reached, seen and done without a mouse.
func keysAreEnough(t *testing.T, browser context.Context) {
	w, b := atTheShop(t, browser)
	press := func(what, keys string) { b.t.Helper(); b.do(what, chromedp.KeyEvent(keys)) }
	b.do("open the difference", chromedp.Navigate(w.server.URL+groupPath))
	b.see("Side by side")
	press("the first tab", kb.Tab)
	b.until(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().left >= 0`)
	press("skip", kb.Enter)
	b.until(`document.activeElement.id === "main"`)
	// From there on each step is seen, until the rule is reached.
	for range 60 {
		press("tab", kb.Tab)
		if unseen := b.js(`(() => { const e = document.activeElement, s = getComputedStyle(e); return s.outlineStyle === "none" ? e.outerHTML : "" })()`); unseen != "" {
			t.Fatalf("what has the focus is not to be seen: %s", unseen)
		}
		if b.js(`document.activeElement.name ?? ""`) == "try" {
			break
		}
	}
	press("try it", kb.Enter)
	b.see("it would make")

	b.do("open a comparison", chromedp.Navigate(w.server.URL+"/comparisons/three-00"))
	b.see("next and the previous changed place")
	for _, step := range []struct{ key, to string }{{"n", "9.09"}, {"n", "size O"}, {"n", "size VI"}, {"p", "size O"}, {"p", "9.09"}, {"p", "size VI"}, {"n", "9.09"}} {
		press("go on by "+step.key, step.key)
		if at := b.js(`document.activeElement.closest("tr.differs")?.innerText ?? ""`); !strings.Contains(at, step.to) {
			t.Errorf("%s goes to %q, not to %s", step.key, at, step.to)
		}
		if off := b.js(`(() => { const at = document.activeElement.getBoundingClientRect(); return String(at.top < 0 || at.bottom > innerHeight) })()`); off != "false" {
			t.Errorf("%s is out of sight", step.to)
		}
	}
	b.do("in a field it is a letter", chromedp.Navigate(w.server.URL+"/audit"), chromedp.SendKeys(css("input[name=q]"), "np"))
	if got := b.js(`document.querySelector("input[name=q]").value`); got != "np" {
		t.Errorf("typed is %q", got)
	}
}

// withoutScripts all is there to be read and done, and nothing that would do
// nothing.
func withoutScripts(t *testing.T, browser context.Context) {
	w, b := atTheShop(t, browser)
	b.do("switch scripts off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.do("open the comparison", chromedp.Navigate(w.server.URL+"/comparisons/phone-00"))
	b.see("curl --include", `"price": "9.90"`)
	if seen := b.js(`[...document.querySelectorAll(".scripted")].filter(e => e.getClientRects().length > 0).map(e => e.innerText).join()`); seen != "" {
		t.Errorf("there is something that does nothing: %s", seen)
	}
	b.do("open the difference", chromedp.Navigate(w.server.URL+groupPath), chromedp.Click(css("#rule ~ form button")))
	b.see("it would make")
	b.do("mark", chromedp.Navigate(w.server.URL+"/marks"), chromedp.SendKeys(css("input[name=name]"), "v1.5"), chromedp.Click(css("form[method=post][action='/marks'] button")))
	b.see("v1.5")
	if e := w.audited(); e.What != "v1.5" {
		t.Errorf("audited %+v", e)
	}
}
