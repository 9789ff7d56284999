package main

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/quackproxy/quack/internal/redact"
	"github.com/quackproxy/quack/reports"
)

// planted is what none of the places may have: what all secrets begin with, and
// the card's and the own pattern's; each behind the text that it begins with.
var planted = map[string]*regexp.Regexp{
	"hunter2":        regexp.MustCompile(`^hunter2`),
	"ahvudgvymi":     regexp.MustCompile(`^ahvudgvymi`),     // in base64
	"68756e74657232": regexp.MustCompile(`^68756e74657232`), // in hex
	"acme":           regexp.MustCompile(`^acme.{0,4}\d{6}`),
	"5555":           regexp.MustCompile(`^5555.?5555.?5555`),
	"4111":           regexp.MustCompile(`^4111.?1111.?1111`),
}

// findPlanted is where a secret stands in a text, whatever its case; below 0 for
// nowhere. Regular expressions look at a few places only: on megabytes, and with
// the race detector, they take minutes.
func findPlanted(text string) int {
	text = strings.ToLower(text)
	for begins, secret := range planted {
		for from := 0; ; {
			i := strings.Index(text[from:], begins)
			if i < 0 {
				break
			}
			from += i
			if secret.MatchString(text[from:min(len(text), from+40)]) && !inFraction(begins, text[:from]) {
				return from
			}
			from++
		}
	}
	return -1
}

// inFraction reports whether digits stand behind a decimal point: 1 of 18 is
// 0.0555…, and that is no card's number.
func inFraction(digits, before string) bool {
	const number = "0123456789"
	whole, behind := strings.CutSuffix(strings.TrimRight(before[max(0, len(before)-30):], number), ".")
	return behind && strings.Trim(digits, number) == "" && strings.TrimRight(whole, number) != whole
}

// look looks for the secrets in what is shown, as it is and without escapes.
func (l *leaky) look(shown map[string]string) {
	l.t.Helper()
	if len(shown) < 60 {
		l.t.Errorf("looked into %d places only", len(shown))
	}
	for where, text := range shown {
		plain, err := url.QueryUnescape(strings.ReplaceAll(text, "+", " "))
		if err != nil {
			plain = text
		}
		for _, form := range []string{text, html.UnescapeString(text), plain, strings.ReplaceAll(text, `\`, "")} {
			if at := findPlanted(form); at >= 0 {
				l.t.Errorf("%s has a secret: …%q…", where, form[max(0, at-120):min(len(form), at+100)])
				break
			}
		}
	}
}

// fingerprints holds that the secrets were in the evidence, which has them as
// fingerprints.
func (l *leaky) fingerprints(evidence string) {
	l.t.Helper()
	key, err := fingerprintKey(testSecret)
	if err != nil {
		l.t.Fatal(err)
	}
	r := redact.New(key)
	evidence = strings.NewReplacer("%3A", ":", "%3a", ":").Replace(evidence) // those in a target
	for _, secret := range []string{
		"hunter2-authorization", "hunter2-cookie", "hunter2-theme", "hunter2-apikey", "hunter2-tenant", "hunter2-from@example.org", "ACME-400001", "hunter2-referer",
		"hunter2-query", "hunter2-querynick", "hunter2-to@example.org", "hunter2-within", "ACME-500001", "hunter2-json", "hunter2-path", "ACME-500002", "hunter2-basic",
		"hunter2-setcookie-legacy", "hunter2-attribute-new", "hunter2-location-new", "hunter2-header-legacy", "hunter2-nick-new", "hunter2-mail-new@example.org",
		"hunter2-body-legacy", "hunter2-list-new", "hunter2-pair-legacy", "hunter2-nested-new", "hunter2-member-legacy", "hunter2-title-legacy", "hunter2-input-new",
		"hunter2-cell-legacy", "hunter2-nickcell-new", "hunter2-dsn-legacy", "hunter2-error-new", "hunter2-bearer-legacy-1",
		"hunter2-sent", "hunter2-sentnick", "hunter2-sentmail@example.org", "hunter2-sentpair", "hunter2-form", "hunter2-formnick", "ACME-600001", "hunter2-part", "hunter2-sentcell",
		"hunter2-row-hash-legacy", "hunter2-row-nick-new", "ACME-100001", "hunter2-row-legacy@example.org", "hunter2-row-doc-new", "hunter2-row-pair-legacy", "4111111111111111",
		"hunter2-row-nick-alone", "hunter2-row-alone", "hunter2-created",
	} {
		if !strings.Contains(evidence, r.Fingerprint(secret)[len("["):len("[redacted:ab12cd34")]) {
			l.t.Errorf("the evidence has no fingerprint of %q: did it get there?", secret)
		}
	}
}

// verbs are all that read, in all their formats.
func (l *leaky) verbs(shown map[string]string) {
	l.t.Helper()
	list, _, err := l.client.Comparisons(context.Background(), reports.Filter{Limit: -1})
	if err != nil || len(list) < 10 {
		l.t.Fatalf("%d comparisons, %v", len(list), err)
	}
	verbs := [][]string{
		{"report"}, {"routes"}, {"status"}, {"audit"}, {"rules", "list"}, {"rules", "suggest"}, {"readonly", "status"}, {"coverage"}, {"marks"},
		{"rules", "try", `{path: "$.side", ignore: true, owner: a, why: b}`, "--route", "show"},
	}
	for _, format := range []string{"json", "markdown", "html", "csv", "junit"} {
		verbs = append(verbs, []string{"report", "--format", format})
	}
	of := map[string]int{}
	for _, c := range list { // the API is asked for all of them
		if of[c.Route]++; of[c.Route] <= 3 {
			verbs = append(verbs, []string{"diff", c.ID})
		}
	}
	for _, format := range []string{"curl", "http", "hurl", "har", "go"} {
		verbs = append(verbs, []string{"export", list[0].ID, "--as", format}, []string{"export", list[len(list)-1].ID, "--as", format, "--side", "new"})
	}
	for _, v := range verbs {
		out, _ := l.run(v...)
		shown["quack "+strings.Join(v, " ")] = out
	}
}

var links = regexp.MustCompile(`(?:href|src|hx-get|action)="(/[^"]*)"`)

// pages are all that can be reached by a link, and what they load.
func (l *leaky) pages(shown map[string]string) {
	l.t.Helper()
	browser := l.browser()
	defer browser.CloseIdleConnections()
	waiting, seen := []string{"/"}, map[string]bool{}
	for len(waiting) > 0 && len(seen) < 120 {
		path := waiting[0]
		waiting = waiting[1:]
		if seen[path] || strings.HasPrefix(path, "/api/v1/events") || strings.HasPrefix(path, "/logout") {
			continue
		}
		seen[path] = true
		res, err := browser.Get(l.client.Base + path)
		if err != nil {
			l.t.Fatal(err)
		}
		var body bytes.Buffer
		io.Copy(&body, io.LimitReader(res.Body, 8<<20))
		res.Body.Close()
		shown["page "+path] = path + " " + fmt.Sprint(res.Header) + body.String()
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			for _, found := range links.FindAllStringSubmatch(body.String(), -1) {
				to, _, _ := strings.Cut(html.UnescapeString(found[1]), "#")
				waiting = append(waiting, to)
			}
		}
	}
	if len(seen) < 20 {
		l.t.Errorf("%d pages only", len(seen))
	}
}

func (l *leaky) api(shown map[string]string) {
	l.t.Helper()
	paths := []string{"/metrics", "/healthz", "/readyz"}
	for _, p := range []string{
		"status", "routes", "report", "differences?limit=1000", "comparisons?limit=1000", "rules", "rules/suggestions", "calibrations/show", "readonly", "audit",
		"routes/show/series", "marks", "runs", "coverage", "openapi.json",
	} {
		paths = append(paths, "/api/v1/"+p)
	}
	list, _, err := l.client.Comparisons(context.Background(), reports.Filter{Limit: -1})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, c := range list {
		paths = append(paths, "/api/v1/comparisons/"+c.ID)
	}
	for _, path := range paths {
		req, err := http.NewRequest("GET", l.client.Base+path, nil)
		if err != nil {
			l.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+testToken)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			l.t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			l.t.Fatal(err)
		}
		shown["GET "+path] = string(body)
	}
}

// folder is each file of the data folder, the log of the store's writes included.
func (l *leaky) folder(where string, shown map[string]string) {
	l.t.Helper()
	size := 0
	err := filepath.WalkDir(l.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		size += len(text)
		shown[where+filepath.Base(path)] = string(text)
		return err
	})
	names := []string{}
	for w := range shown {
		names = append(names, w)
	}
	if err != nil || size < 50_000 || !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, where) }) {
		l.t.Errorf("%s%d bytes in %q, %v", where, size, names, err)
	}
}

// browser is one that has logged in.
func (l *leaky) browser() *http.Client {
	l.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	link, err := l.client.LoginLink(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	at, err := url.Parse(link)
	if err != nil {
		l.t.Fatal(err)
	}
	if res, err := browser.PostForm(l.client.Base+"/login", at.Query()); err != nil || res.StatusCode != http.StatusOK {
		l.t.Fatalf("login: %v", err)
	} else {
		res.Body.Close()
	}
	return browser
}
