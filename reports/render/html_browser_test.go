package render_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/quackproxy/quack/internal/chromium"
	"github.com/quackproxy/quack/reports/render"
)

// TestHTMLInABrowser opens the file as who gets it in a mail does: from a disk,
// with no network, light and dark, wide and narrow.
func TestHTMLInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	file := filepath.Join(t.TempDir(), "report.html")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := render.HTML(out, example()); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := chromium.Open(t, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.Flag("proxy-server", "127.0.0.1:1")) // nothing is to be had from anywhere
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(stop)
	for _, scheme := range []string{"light", "dark"} {
		prefer := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			return err
		})
		if err := chromedp.Do(ctx, prefer, chromedp.Navigate("file://"+file)); err != nil {
			t.Fatal(err)
		}
		for what, condition := range map[string]string{
			"nothing is loaded besides":       `performance.getEntriesByType('resource').length === 0`,
			"the ground is of the scheme":     `getComputedStyle(document.body).backgroundColor === (matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(20, 23, 26)' : 'rgb(255, 255, 255)')`,
			"the emulation is on":             `matchMedia('(prefers-color-scheme: ` + scheme + `)').matches`,
			"the worst route stands first":    `document.querySelector('tbody th').innerText.trim() === 'accounts.show'`,
			"its details are open":            `document.querySelector('#route-0').open`,
			"both charts are drawn":           `[...document.querySelectorAll('#route-0 svg.chart')].length === 2 && [...document.querySelectorAll('#route-0 svg.chart')].every(c => c.getBoundingClientRect().width > 200)`,
			"bars are as high as counts":      `[...document.querySelectorAll('#route-0 .c-step rect.c-bad')].length === 3 && document.querySelector('#route-0 .c-step rect.c-good').getBoundingClientRect().height > 50`,
			"the matrix has its cells":        `document.querySelectorAll('#route-0 .matrix .same').length === 2 && document.querySelectorAll('#route-0 .matrix .differ').length === 2`,
			"a cell says its count":           `document.querySelector('#route-0 .matrix .differ text').textContent === '10'`,
			"each image has a name":           `[...document.querySelectorAll('svg[role=img]')].every(s => s.querySelector('title').textContent.length > 10)`,
			"the planted markup is text":      `document.querySelector('script') === null && document.body.innerText.includes('<script>alert(1)</script>')`,
			"the page is no wider than it is": `document.documentElement.scrollWidth <= innerWidth`,
			"no text is as good as not there": `[...document.querySelectorAll('td, th, p, li')].every(e => getComputedStyle(e).color !== getComputedStyle(document.body).backgroundColor)`,
			"ids of a page are of one thing":  `new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size === document.querySelectorAll('[id]').length`,
		} {
			met, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
			if err != nil || !met {
				t.Errorf("%s: it is not so that %s (%v)", scheme, what, err)
			}
		}
		screenshot(t, ctx, "report-"+scheme)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(390, 800)); err != nil {
		t.Fatal(err)
	}
	if fits, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth <= 390`)); err != nil || !fits {
		t.Errorf("on a phone the page is wider than the screen (%v)", err)
	}
	screenshot(t, ctx, "report-phone")
}

// screenshot keeps what is to be seen in the folder $QUACK_SCREENSHOTS.
func screenshot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("QUACK_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		t.Errorf("keep a screenshot: %v", err)
	}
}
