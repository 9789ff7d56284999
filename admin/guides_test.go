package admin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guides is the text of all pages in docs.
func guides(t *testing.T) string {
	t.Helper()
	paths, err := filepath.Glob("../docs/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	var all strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

var (
	metricDeclared = regexp.MustCompile(`"(quack_[a-z0-9_]+)",`)
	metricTold     = regexp.MustCompile(`quack_[a-z0-9_]+(?:…|\.go)?`)
	metricEnding   = regexp.MustCompile(`_(total|seconds)$`)
)

// TestMetricsOfGuides: the pages name each metric, or all that begin alike, and
// none that is not there. Prometheus' endings are not in the code.
func TestMetricsOfGuides(t *testing.T) {
	declared, told := map[string]bool{}, map[string]bool{}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range sources {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range metricDeclared.FindAllStringSubmatch(string(text), -1) {
			declared[metricEnding.ReplaceAllString(m[1], "")] = true
		}
	}
	if len(declared) < 60 {
		t.Fatalf("only %d metrics found", len(declared))
	}
	var begun []string
	for _, name := range metricTold.FindAllString(guides(t), -1) {
		if start, more := strings.CutSuffix(name, "…"); more {
			begun = append(begun, start)
			continue
		}
		if strings.HasSuffix(name, ".go") || name == "quack_shadow" {
			continue // a file; the name of the Python package
		}
		told[metricEnding.ReplaceAllString(name, "")] = true
	}
	for name := range declared {
		all := false
		for _, start := range begun {
			all = all || strings.HasPrefix(name, start)
		}
		if !told[name] && !all {
			t.Errorf("no page has the metric %s", name)
		}
	}
	for name := range told {
		if !declared[name] {
			t.Errorf("there is no metric %s, which a page names", name)
		}
	}
}

var endpointTold = regexp.MustCompile("(GET|POST|PUT|DELETE) (/api/v1/[a-z/{}.]+)")

// TestEndpointsOfGuides: what the pages say to ask is described.
func TestEndpointsOfGuides(t *testing.T) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	param := regexp.MustCompile(`\{[a-z]+\}`)
	described := map[string]bool{}
	path := ""
	for line := range strings.Lines(string(text)) {
		if m := regexp.MustCompile(`^  (/\S+):$`).FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			path = param.ReplaceAllString(m[1], "{}")
		} else if m := regexp.MustCompile(`^    (get|post|put|delete):$`).FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			described[strings.ToUpper(m[1])+" "+path] = true
		}
	}
	asked := endpointTold.FindAllStringSubmatch(guides(t), -1)
	if len(asked) < 10 || len(described) < 20 {
		t.Fatalf("only %d endpoints found, and %d described", len(asked), len(described))
	}
	for _, m := range asked {
		if !described[m[1]+" "+param.ReplaceAllString(strings.TrimRight(m[2], "."), "{}")] {
			t.Errorf("%s is not described", m[0])
		}
	}
}
