package admin_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// schemes are the two that the style knows.
var schemes = []string{"light", "dark"}

// scheme makes the tab one of a person who prefers light or dark pages.
func (b *tab) scheme(name string) {
	b.t.Helper()
	b.do("prefer "+name, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
		})
		return err
	}))
	b.until(`matchMedia("(prefers-color-scheme: ` + name + `)").matches`)
}

// screenshots is the folder that pictures of the pages are kept in:
// QUACK_SCREENSHOTS, or bin/screenshots at the top of the repository.
func screenshots(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("QUACK_SCREENSHOTS")
	if folder == "" {
		folder = "../bin/screenshots"
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// keepPicture keeps a picture of the whole page as NAME.png.
func (b *tab) keepPicture(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatalf("picture of %s: %v", name, err)
	}
	if err := os.WriteFile(filepath.Join(screenshots(b.t), name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// skipWithoutNode is the variable by which what comes from npm is left out on
// purpose; scripts/setup knows it too.
const skipWithoutNode = "QUACK_SKIP_NODE"

// axeSource is axe-core, the checker of accessibility by Deque. It is one file
// of JavaScript of 650 kB under another licence than ours (MPL-2.0), so it is
// not kept here: npm gets the version of package-lock.json, held by its hash.
var axeSource = sync.OnceValues(func() (string, error) {
	const folder, file = "testdata/axe", "node_modules/axe-core/axe.min.js"
	source, err := os.ReadFile(filepath.Join(folder, file))
	if os.IsNotExist(err) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
		install.Dir = folder
		if out, err := install.CombinedOutput(); err != nil {
			return string(out), err
		}
		source, err = os.ReadFile(filepath.Join(folder, file))
	}
	return string(source), err
})

// finding is a rule of axe that a page breaks.
type finding struct {
	ID     string
	Impact string
	Help   string
	Nodes  []struct {
		HTML           string
		FailureSummary string
	}
}

// checkAccess fails on what is serious of the page that is open.
func (b *tab) checkAccess(page string) {
	b.t.Helper()
	for _, v := range b.serious() {
		for _, n := range v.Nodes {
			b.t.Errorf("%s: %s (%s): %s\n%s\n%s", page, v.ID, v.Impact, v.Help, n.HTML, n.FailureSummary)
		}
	}
}

// serious is what axe calls serious or critical of the page that is open.
func (b *tab) serious() []finding {
	b.t.Helper()
	source, err := axeSource()
	if err != nil {
		b.t.Fatalf("get axe-core: %v\n%s\nrun make setup, or leave it out with %s=1", err, source, skipWithoutNode)
	}
	found := b.answer(source + `; axe.run(document).then(r => JSON.stringify(r.violations))`)
	var all []finding
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		b.t.Fatalf("what axe found: %v", err)
	}
	return slices.DeleteFunc(all, func(f finding) bool { return f.Impact != "serious" && f.Impact != "critical" })
}

// answer is what a promise gives.
func (b *tab) answer(promise string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[string](promise, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// pagesInBothSchemes: axe finds nothing serious on any page, light or dark, and a
// picture of each is kept.
func pagesInBothSchemes(t *testing.T, browser context.Context) {
	if os.Getenv(skipWithoutNode) != "" {
		t.Skip(skipWithoutNode + " is set")
	}
	w := newWorld(t)
	w.plantShop()
	b := openTab(t, browser)
	b.do("a desk's screen", chromedp.EmulateViewport(1280, 900))
	for _, scheme := range schemes {
		b.scheme(scheme)
		b.do("see the login page", chromedp.Navigate(w.server.URL+"/login"))
		b.see("quack login")
		b.looksRight("login", scheme)
		b.logIn(w)
		for _, p := range shopPages(t, w) {
			b.do("open "+p.path, chromedp.Navigate(w.server.URL+p.path))
			b.see(p.has)
			b.looksRight(p.name, scheme)
		}
		b.do("ask for the keys", chromedp.Navigate(w.server.URL+"/audit"), press("?"))
		b.until(`document.querySelector("dialog").open`)
		b.looksRight("keys", scheme)
	}
}

func (b *tab) looksRight(name, scheme string) {
	b.t.Helper()
	b.keepPicture(name + "-" + scheme)
	b.checkAccess(name + ", " + scheme)
}

// schemesDiffer holds that a tab can be made dark: else the dark pages would never
// have been looked at.
func schemesDiffer(t *testing.T, browser context.Context) {
	w := newWorld(t)
	b := openTab(t, browser)
	grounds := map[string]bool{}
	for _, scheme := range schemes {
		b.scheme(scheme)
		b.do("open", chromedp.Navigate(w.server.URL+"/login"))
		b.see("quack login")
		grounds[b.js(`getComputedStyle(document.body).backgroundColor`)] = true
	}
	if len(grounds) != len(schemes) {
		t.Errorf("both schemes have the same ground: %v", grounds)
	}
}

// axeFinds holds that faults are found: each of these makes a good page a bad one.
func axeFinds(t *testing.T, browser context.Context) {
	if os.Getenv(skipWithoutNode) != "" {
		t.Skip(skipWithoutNode + " is set")
	}
	w := newWorld(t)
	b := openTab(t, browser)
	for rule, fault := range map[string]string{
		"image-alt":      `document.querySelector("header img").removeAttribute("alt")`,
		"html-has-lang":  `document.documentElement.removeAttribute("lang")`,
		"color-contrast": `document.querySelector("main p").style.color = "#888"`,
	} {
		b.scheme("light")
		b.do("open", chromedp.Navigate(w.server.URL+"/login"))
		b.see("quack login")
		b.js(fault + `; ""`)
		if found := b.serious(); len(found) != 1 || found[0].ID != rule {
			t.Errorf("with a fault of %s axe finds %+v", rule, found)
		}
	}
}
