package main

import (
	"encoding/xml"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
)

// shows is a quack whose route show has one comparison for each answer; new has
// other prices than legacy where its answer is not "same".
func shows(t *testing.T, answers ...string) (*running, []reports.Group) {
	t.Helper()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"price":"9.90","token":"hunter2hunter2"}` })
	newer := serveJSON(t, func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/same") {
			return 200, `{"price":"9.90","token":"hunter2hunter2"}`
		}
		return 200, `{"price":"9.09","token":"hunter2hunter2"}`
	})
	q := start(t, table(legacy, newer, "", "  - {name: show, match: \"GET /products/{id}\", stage: shadow, shadow: {timeout: 30s}}\n  - {name: idle, match: \"GET /idle\"}\n"))
	for _, answer := range answers {
		q.ask("GET", "/products/"+answer+"?page=1", "")
	}
	q.until("show", "all compared", func(r reports.RouteReport) bool { return r.Compared == int64(len(answers)) })
	return q, q.differences()
}

// TestExportVerb: what is exported is what was asked, in each of the formats,
// without what is secret.
func TestExportVerb(t *testing.T) {
	t.Parallel()
	q, groups := shows(t, "7")
	id := groups[0].Samples[0].ID
	file := filepath.Join(t.TempDir(), "ask")
	for as, want := range map[string]string{
		"curl": "'http://127.0.0.1", "http": "GET http://127.0.0.1", "hurl": "HTTP 200", "har": `"version": "1.2"`, "go": "func main() {",
	} {
		out, code := q.run("export", id, "--as", as)
		if code != 0 || !strings.Contains(out, want) || strings.Count(out, "/products/7?page=1") != 2 || strings.Contains(out, "hunter2") {
			t.Errorf("export --as %s: code %d\n%s", as, code, out)
		}
		if printed, code := q.run("export", id, "--as", as, "-o", file, "--side", "new"); code != 0 || printed != "" {
			t.Errorf("export -o: code %d\n%s", code, printed)
		}
		written, err := os.ReadFile(file)
		if err != nil || strings.Count(string(written), "/products/7?page=1") != 1 {
			t.Errorf("export --side new: %v\n%s", err, written)
		}
	}
	for _, bad := range [][]string{{"export", "nothing-of-this-name"}, {"export", id, "-o", filepath.Join(file, "below-a-file")}} {
		if out, code := q.run(bad...); code != 1 || !strings.HasPrefix(out, "quack: ") {
			t.Errorf("%v: code %d\n%s", bad, code, out)
		}
	}
}

// TestReportAsPage: the file has what was counted, drawn, and is whole.
func TestReportAsPage(t *testing.T) {
	t.Parallel()
	q, _ := shows(t, "1", "same", "same")
	file := filepath.Join(t.TempDir(), "report.html")
	if out, code := q.run("report", "--format", "html", "-o", file); code != 0 || out != "" {
		t.Fatalf("code %d\n%s", code, out)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 3 requests compared differ, on 1 route.", `id="compared-0"`, " in steps of 1m: 1 mismatched, 0 errors, 0 transient or noise, 2 matched.", `id="latency-0"`,
		"<title>200 → 200 OK: 3</title>", "$.price", "</html>"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not have %q:\n%s", want, page)
		}
	}
	if strings.Contains(string(page), "hunter2") {
		t.Error("the page has a secret")
	}
	if out, code := q.run("report", "--format", "markdown"); code != 0 || !strings.Contains(out, "❌") || !strings.Contains(out, "</details>") {
		t.Errorf("markdown: code %d\n%s", code, out)
	}
}

// TestReportAsGate: a CI job fails where a route is above the limit, where
// nothing was compared, and nowhere else; JUnit says which route.
func TestReportAsGate(t *testing.T) {
	t.Parallel()
	q, _ := shows(t, "1", "same", "same", "same")
	file := filepath.Join(t.TempDir(), "quack.xml")
	for _, c := range []struct {
		limit          string
		code, failures int
	}{{"0%", 1, 1}, {"24.9%", 1, 1}, {"25%", 0, 0}} {
		out, code := q.run("report", "--format", "junit", "--fail-above", c.limit, "-o", file)
		if code != c.code || code == 1 && !strings.Contains(out, "show: 1 mismatched and 0 noise of 4 compared (25 %)") {
			t.Errorf("--fail-above %s: code %d\n%s", c.limit, code, out)
		}
		var suites struct {
			Suites []struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
			} `xml:"testsuite"`
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = xml.Unmarshal(text, &suites)
		}
		if err != nil || len(suites.Suites) != 1 || suites.Suites[0].Tests != 2 || suites.Suites[0].Failures != c.failures {
			t.Errorf("--fail-above %s: %v\n%s", c.limit, err, text)
		}
	}
	if out, code := q.run("report", "--route", "idle", "--fail-above", "100%"); code != 1 || !strings.Contains(out, "nothing was compared") {
		t.Errorf("a gate that knows nothing: code %d\n%s", code, out)
	}
	if out, code := q.run("report", "--format", "csv"); code != 0 || !strings.Contains(out, ",4,4,3,1,0,0,0,0,") {
		t.Errorf("csv: code %d\n%s", code, out)
	}
	if out, code := q.run("report", "--rows", "differences"); code != 2 || !strings.Contains(out, "--format csv") {
		t.Errorf("--rows without csv: code %d\n%s", code, out)
	}
	if out, code := q.run("report", "--format", "csv", "--rows", "differences"); code != 0 || !strings.Contains(out, ",show,$.price,value,mismatch,,1,0.25,") {
		t.Errorf("csv of differences: code %d\n%s", code, out)
	}
}
