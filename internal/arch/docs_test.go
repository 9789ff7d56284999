package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// guides are the documents of the module, by their paths from its root.
func guides(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "demo/*.md", "bench/*.md", "adapters/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[strings.TrimPrefix(filepath.ToSlash(path), "../../")] = string(text)
		}
	}
	if len(texts) < 40 {
		t.Fatalf("only %d documents found", len(texts))
	}
	return texts
}

var (
	mdLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdHeading = regexp.MustCompile("(?m)^#+ +(.*)$")
	mdFence   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
)

// TestLinks follows each link of the documents that stays in the module: to a
// file, and to a heading in it.
func TestLinks(t *testing.T) {
	texts := guides(t)
	followed := 0
	for path, text := range texts {
		for _, m := range mdLink.FindAllStringSubmatch(mdFence.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			followed++
			file, anchor, _ := strings.Cut(m[1], "#")
			to := path
			if file != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(path), file))
			}
			if _, err := os.Stat(filepath.Join("../..", to)); err != nil {
				t.Errorf("%s: the link %s leads to no file", path, m[1])
				continue
			}
			if anchor != "" && !anchors(texts[to])[anchor] {
				t.Errorf("%s: the link %s leads to no heading of %s", path, m[1], to)
			}
		}
	}
	if followed < 100 {
		t.Fatalf("only %d links found", followed)
	}
}

// anchors are the fragments by which GitHub knows the headings of a document.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range mdHeading.FindAllStringSubmatch(mdFence.ReplaceAllString(text, ""), -1) {
		found[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(m[1]))] = true
	}
	return found
}

// TestIndexes holds the lists of pages and of decisions to what there is, and
// the table of packages to the packages.
func TestIndexes(t *testing.T) {
	texts := guides(t)
	for path := range texts {
		index, name := "README.md", path
		switch filepath.ToSlash(filepath.Dir(path)) {
		case "docs":
		case "docs/decisions":
			index, name = "docs/decisions/README.md", filepath.Base(path)
		default:
			continue
		}
		if path != index && !strings.Contains(texts[index], "]("+name+")") {
			t.Errorf("%s does not list %s", index, path)
		}
	}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if !tells(texts["ARCHITECTURE.md"], name) {
			t.Errorf("ARCHITECTURE.md does not say what %s is for", name)
		}
	}
}

// tells says whether a row of the table of packages names the package: by its
// path, by its last name beside a sibling, or by the row of all below it.
func tells(page, name string) bool {
	for line := range strings.Lines(page) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1)
		parent := filepath.Dir(names[0][1])
		for _, n := range names {
			below, all := strings.CutSuffix(n[1], "/…")
			if n[1] == name || filepath.Join(parent, n[1]) == name || all && strings.HasPrefix(name, below+"/") {
				return true
			}
		}
	}
	return false
}

// TestChangelog: no entry stands twice, whole or begun alike.
func TestChangelog(t *testing.T) {
	text, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, entry := range strings.Split(string(text), "\n- ")[1:] {
		words := strings.Fields(entry)
		if begin := strings.Join(words[:min(8, len(words))], " "); seen[begin] {
			t.Errorf("CHANGELOG.md says twice: %s …", begin)
		} else {
			seen[begin] = true
		}
	}
}

var (
	goTest      = regexp.MustCompile("go test [^`#|\n]*")
	testPattern = regexp.MustCompile(`-(?:run|bench) '?([^\s']+)'?`)
	testFolder  = regexp.MustCompile(`\./([\w/]+)`)
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w+)\(`)
)

// TestFiguresCanBeMadeAgain: where a document says how a figure was made, there
// is such a test. Patterns that are to match nothing are known by "^$" and "xxx".
func TestFiguresCanBeMadeAgain(t *testing.T) {
	looked := 0
	for path, text := range guides(t) {
		for _, command := range goTest.FindAllString(text, -1) {
			folder := testFolder.FindStringSubmatch(command)
			if folder == nil || folder[1] == "adapters/sinatra" { // which is for the reader to write
				continue
			}
			sources, err := filepath.Glob(filepath.Join("../..", folder[1], "*_test.go"))
			if err != nil || len(sources) == 0 {
				t.Errorf("%s: %s: there are no tests in %s", path, command, folder[1])
				continue
			}
			var names []string
			for _, source := range sources {
				text, err := os.ReadFile(source)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
					names = append(names, m[1])
				}
			}
			for _, m := range testPattern.FindAllStringSubmatch(command, -1) {
				if m[1] == "^$" || strings.EqualFold(m[1], "xxx") {
					continue
				}
				looked++
				first, _, _ := strings.Cut(m[1], "/")
				if !slices.ContainsFunc(names, regexp.MustCompile(first).MatchString) {
					t.Errorf("%s: %s: no test is called so", path, command)
				}
			}
		}
	}
	if looked < 10 {
		t.Fatalf("only %d patterns found", looked)
	}
}
