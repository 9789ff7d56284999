package export_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/reports/export"
	"github.com/quackproxy/quack/reports/internal/sample"
)

// hurlEntry is what an entry of a Hurl file says.
type hurlEntry struct {
	method, url, body string
	fields            [][2]string
	status            int
}

var (
	hurlRequest = regexp.MustCompile(`^([A-Z]+) (https?://[0-9A-Za-z:/.\-?=&_%*,@~+!$'();\[\]]+)$`)
	hurlField   = regexp.MustCompile(`^((?:[\pL\pN_.\-\]@$]|\\u\{[0-9a-f]+\})(?:[\pL\pN_.\-\[\]@$]|\\u\{[0-9a-f]+\})*): ((?: *(?:[^#\\\t ]|\\[#\\]|\\u\{[0-9a-f]+\}))*)$`)
	hurlStatus  = regexp.MustCompile(`^HTTP ([0-9]{3})$`)
	hurlBase64  = regexp.MustCompile(`^base64,([A-Za-z0-9+/=]*);$`)
	hurlEscape  = regexp.MustCompile(`\\u\{([0-9a-f]+)\}|\\([#\\])`)
)

// parseHurl reads as much of Hurl's grammar as is written, and nothing else.
func parseHurl(t testing.TB, file string) (entries []hurlEntry) {
	t.Helper()
	lines := strings.SplitAfter(file, "\n")
	next := func() string {
		if len(lines) == 0 {
			return ""
		}
		line := lines[0]
		lines = lines[1:]
		return line
	}
	for len(lines) > 0 {
		line := strings.TrimSuffix(next(), "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case hurlRequest.MatchString(line):
			m := hurlRequest.FindStringSubmatch(line)
			entries = append(entries, hurlEntry{method: m[1], url: m[2]})
		case len(entries) == 0:
			t.Fatalf("%q before any request in\n%s", line, file)
		case line == "[Options]":
			if option := next(); option != "path-as-is: true\n" {
				t.Fatalf("the option %q in\n%s", option, file)
			}
		case line == "```":
			rest := strings.Join(lines, "")
			text, after, closed := strings.Cut(rest, "```")
			if !closed || strings.Contains(text, "{{") || !strings.HasPrefix(after, "\n") {
				t.Fatalf("a body that is not closed, or has variables, in\n%s", file)
			}
			entries[len(entries)-1].body = text
			lines = strings.SplitAfter(after[1:], "\n")
		case hurlBase64.MatchString(line):
			body, err := base64.StdEncoding.DecodeString(hurlBase64.FindStringSubmatch(line)[1])
			if err != nil {
				t.Fatal(err)
			}
			entries[len(entries)-1].body = string(body)
		case hurlStatus.MatchString(line):
			entries[len(entries)-1].status, _ = strconv.Atoi(hurlStatus.FindStringSubmatch(line)[1])
		case hurlField.MatchString(line) && !strings.Contains(line, "{{"):
			m := hurlField.FindStringSubmatch(line)
			e := &entries[len(entries)-1]
			e.fields = append(e.fields, [2]string{hurlPlain(m[1]), hurlPlain(m[2])})
		default:
			t.Fatalf("%q is not of the grammar, in\n%s", line, file)
		}
	}
	return entries
}

func hurlPlain(s string) string {
	return hurlEscape.ReplaceAllStringFunc(s, func(escape string) string {
		m := hurlEscape.FindStringSubmatch(escape)
		if m[2] != "" {
			return m[2]
		}
		code, _ := strconv.ParseInt(m[1], 16, 32)
		return string(rune(code))
	})
}

// TestExportedHurl: whatever was asked, the file is of Hurl's grammar and says
// the same.
func TestExportedHurl(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := http.CanonicalHeaderKey(rapid.StringMatching(`[A-Za-z!#$%&'*+.^_|~-][A-Za-z0-9!#$%&'*+.^_|~-]{0,9}`).Draw(rt, "name"))
		value := "v" + rapid.StringMatching(`[ -~\t]{0,12}`).Draw(rt, "value") + "v"
		body := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 12), rapid.Map(rapid.StringMatching("[ -~\n`{}]{0,20}"), func(s string) []byte { return []byte(s) })).Draw(rt, "body")
		target := "/" + rapid.StringMatching(`[!$-~]{0,12}`).Draw(rt, "target")
		c := sample.Request("PATCH", target, http.Header{"X-Any": {value}, "Q" + name: {" x "}}, body)
		c.Legacy.Answer.Status, c.Request.Host = 204, ""
		entries := parseHurl(t, exported(t, c, export.AsHurl, "legacy"))
		if len(entries) != 1 {
			rt.Fatalf("%d entries", len(entries))
		}
		e := entries[0]
		if e.method != "PATCH" || e.body != string(body) || e.status != 204 {
			rt.Errorf("%+v", e)
		}
		if decoded := percent(e.url); decoded != percent(c.Legacy.URL) {
			rt.Errorf("the URL %s for %s", e.url, c.Legacy.URL)
		}
		want := map[string]string{"X-Any": value, "Q" + name: " x "}
		got := map[string]string{}
		for _, f := range e.fields {
			got[f[0]] = f[1]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Error(diff)
		}
	})
}

var percentEncoded = regexp.MustCompile(`%[0-9A-F]{2}`)

// percent is s with its percent-encodings undone.
func percent(s string) string {
	return percentEncoded.ReplaceAllStringFunc(s, func(code string) string {
		n, _ := strconv.ParseUint(code[1:], 16, 8)
		return string([]byte{byte(n)})
	})
}

// TestHurlTakesIt runs the file with Hurl itself, where it is installed.
func TestHurlTakesIt(t *testing.T) {
	hurl, err := exec.LookPath("hurl")
	if err != nil {
		t.Skip("hurl is not installed; TestExportedHurl holds the text to its grammar")
	}
	url, seen := witness(t)
	for i := range inTurn {
		c := turn(url, i)
		c.Legacy.Answer.Status, c.New.Answer.Status = 303, 303
		file := filepath.Join(t.TempDir(), "ask.hurl")
		if err := os.WriteFile(file, []byte(exported(t, c, export.AsHurl, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(hurl, "--test", file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for range 2 {
			(<-seen).is(t, "hurl", c)
		}
	}
}
