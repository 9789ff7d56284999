// Package chromium starts a Chromium for the tests of pages.
package chromium

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// Open starts a browser with a profile of its own, which ends with the test. Its
// first tab keeps it open. Without a Chromium the test fails: `make setup` installs
// it.
func Open(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program(t)), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-gpu", true))
	options = append(options, flags...)
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

func program(t *testing.T) string {
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
