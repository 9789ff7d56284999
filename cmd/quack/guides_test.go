package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// pages are the documents that users read, by name.
func pages(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, path := range append(paths, "../../README.md", "../../demo/README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimPrefix(path, "../../")] = string(text)
	}
	return texts
}

func grammar(t *testing.T) *kong.Kong {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.Name("quack"), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard),
		kong.Vars{"version": "quack"}, kong.BindTo(context.Background(), (*context.Context)(nil)), kong.Bind(&streams{}))
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// TestPagesTellAll wants each verb, each flag and each variable of the
// environment named by the pages.
func TestPagesTellAll(t *testing.T) {
	var all strings.Builder
	for _, text := range pages(t) {
		all.WriteString(text)
	}
	for _, verb := range grammar(t).Model.Leaves(true) {
		if told(all.String(), "quack "+verb.Path()) == 0 {
			t.Errorf("no page has quack %s", verb.Path())
		}
		for _, flags := range verb.AllFlags(true) {
			for _, f := range flags {
				short := f.Short != 0 && told(all.String(), "-"+string(f.Short)) > 0
				if f.Name != "help" && f.Name != "version" && !short && told(all.String(), "--"+f.Name) == 0 {
					t.Errorf("no page has --%s of %s", f.Name, verb.Path())
				}
				for _, variable := range f.Envs {
					if told(all.String(), variable) == 0 {
						t.Errorf("no page has %s, the variable of --%s", variable, f.Name)
					}
				}
			}
		}
	}
}

// TestHelpTellsDefaults: kong shows a default only where there is no
// placeholder, so there the text has to.
func TestHelpTellsDefaults(t *testing.T) {
	for _, verb := range grammar(t).Model.Leaves(true) {
		for _, flags := range verb.AllFlags(true) {
			for _, f := range flags {
				if f.HasDefault && f.PlaceHolder != "" && !f.IsBool() && !strings.Contains(f.Help, "("+f.Default) {
					t.Errorf("%s --%s does not tell its default %q: %s", verb.Path(), f.Name, f.Default, f.Help)
				}
			}
		}
	}
}

// told counts how often a page has the word, not as a part of a longer one.
func told(page, word string) int {
	return len(regexp.MustCompile(regexp.QuoteMeta(word)+`([^\w-]|$)`).FindAllStringIndex(page, -1))
}

var (
	fencedText = regexp.MustCompile("(?ms)^ *```[a-z]*\n(.*?)^ *```")
	inlineCode = regexp.MustCompile("`(quack [^`\n]+)`") // "quack watchdog" is a session's name
	lineOfVerb = regexp.MustCompile(`(?:^|\$\(|&& |\| |\(|\$ )(quack [a-z].*)`)
	shellWord  = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`)
)

// TestCommandsOfPages parses what the pages say to type.
func TestCommandsOfPages(t *testing.T) {
	parsed := 0
	for page, text := range pages(t) {
		for _, block := range fencedText.FindAllStringSubmatch(text, -1) {
			for line := range strings.Lines(block[1]) {
				if m := lineOfVerb.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
					parsed += parses(t, page, m[1], false)
				}
			}
		}
		for _, m := range inlineCode.FindAllStringSubmatch(fencedText.ReplaceAllString(text, ""), -1) {
			parsed += parses(t, page, m[1], true)
		}
	}
	if parsed < 100 {
		t.Fatalf("only %d commands found", parsed)
	}
}

// parses tries one command line up to where the shell takes over. Of one that
// is only mentioned what is required may be left out.
func parses(t *testing.T, page, line string, mentioned bool) int {
	t.Helper()
	var args []string
	for _, word := range shellWord.FindAllString(line, -1)[1:] {
		if strings.ContainsAny(word[:1], "|><&;#)") {
			break
		}
		args = append(args, strings.Trim(strings.TrimRight(word, ");"), `'"`))
		if strings.HasSuffix(word, ";") {
			break
		}
	}
	if line == "quack watchdog" || strings.Contains(line, "…") || slices.ContainsFunc(args, func(a string) bool { return strings.ContainsAny(a[:min(1, len(a))], "[") || strings.Contains(a, "|") }) {
		return 0 // a form and not a command
	}
	_, err := grammar(t).Parse(args)
	if err != nil && !(mentioned && (strings.HasPrefix(err.Error(), "missing flags") || strings.HasPrefix(err.Error(), "expected "))) {
		t.Errorf("%s: %q: %v", page, line, err)
	}
	return 1
}

var quackVariable = regexp.MustCompile(`\bQUACK_[A-Z][A-Z_]+\b`)

// TestVariablesOfPages: a variable that a page names is read somewhere.
func TestVariablesOfPages(t *testing.T) {
	var sources strings.Builder
	for _, pattern := range []string{"*.go", "*/*.go", "*/*/*.go", "*/*/*/*.go", "Makefile", "adapters/*/*.[jr]*", "adapters/*/*/*.*"} {
		paths, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "guides_test.go") {
				continue
			}
			if text, err := os.ReadFile(path); err == nil {
				sources.Write(text)
			}
		}
	}
	for page, text := range pages(t) {
		for _, name := range quackVariable.FindAllString(text, -1) {
			named := strings.HasPrefix(name, "QUACK_DB_") || strings.HasPrefix(name, "QUACK_LANES_")
			if !named && told(sources.String(), name) == 0 {
				t.Errorf("%s: nothing reads %s", page, name)
			}
		}
	}
}
