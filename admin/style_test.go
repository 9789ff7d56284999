package admin_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The style promises a contrast of 4.5 (WCAG 2.2, 1.4.3) for each text colour
// on each ground that it is used on, in both schemes.
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("static/quack.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, found := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("no dark scheme")
	}
	dark, _, _ = strings.Cut(dark, "\n}\n")
	grounds := []string{"ground", "panel", "raised"}
	used := map[string][]string{
		"text": grounds, "muted": grounds, "link": grounds, "good": append(grounds, "good-bg"), "bad": append(grounds, "bad-bg"),
		"warn": append(grounds, "warn-bg"), "calm": append(grounds, "calm-bg"), "top-text": {"top"}, "top-muted": {"top"},
		"panel": {"link", "bad"}, // buttons
	}
	for name, source := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(source, -1) {
			colours[m[1]] = m[2]
		}
		for text, grounds := range used {
			for _, ground := range grounds {
				if got := contrast(t, colours[text], colours[ground]); got < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.2f", name, text, ground, got)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) != 7 {
		t.Fatalf("no colour: %q", colour)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// Nothing is fetched from elsewhere.
func TestAssetsAreOurOwn(t *testing.T) {
	w := newWorld(t)
	w.plant()
	b := w.logIn()
	for _, path := range slices.Concat([]string{"/static/quack.css"}, scripts, allPages) {
		_, body := b.get(path)
		for _, m := range regexp.MustCompile(`(?:src|href|action)="(//|https?:)[^"]*"|url\(|@import|https?://[a-z.]*(?:googleapis|jsdelivr|unpkg)`).FindAllString(body, -1) {
			t.Errorf("%s fetches %s", path, m)
		}
	}
}

// What others have written stands here as they published it.
func TestVendoredScripts(t *testing.T) {
	list, err := os.ReadFile("vendored.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` .*`([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(list), -1)
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		script, err := os.ReadFile("static/" + row[1])
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(script)); got != row[2] {
			t.Errorf("%s has the digest %s", row[1], got)
		}
	}
}
