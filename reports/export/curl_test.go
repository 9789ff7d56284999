package export_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/export"
	"github.com/quackproxy/quack/reports/internal/sample"
)

// ran is what a command that Curl made gives to the program curl.
type ran struct {
	args  []string
	stdin string
}

// run gives commands to a real shell, with a curl that notes its arguments.
func run(t *testing.T, commands ...string) []ran {
	t.Helper()
	dir := t.TempDir()
	curl := "#!/bin/sh\nfor arg; do printf '%s\\000' \"$arg\"; done > \"$0.$N.args\"\ncat > \"$0.$N.stdin\"\n"
	if err := os.WriteFile(filepath.Join(dir, "curl"), []byte(curl), 0o700); err != nil {
		t.Fatal(err)
	}
	script := "set -e\nexport N\n"
	for i, command := range commands {
		script += fmt.Sprintf("N=%d\n%s\n", i, command)
	}
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", filepath.Join(dir, "script"))
	shell.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if out, err := shell.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("sh: %v: %.2000s", err, out)
	}
	got := make([]ran, len(commands))
	for i := range got {
		args, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("curl.%d.args", i)))
		if err != nil {
			t.Fatal(err)
		}
		stdin, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("curl.%d.stdin", i)))
		if err != nil {
			t.Fatal(err)
		}
		got[i] = ran{strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00"), string(stdin)}
	}
	return got
}

func TestCurl(t *testing.T) {
	bare := []string{"--include", "--globoff", "--path-as-is"}
	none := []string{"--header", "User-Agent:", "--header", "Accept:"}
	full := http.Header{"Accept": {"*/*"}, "User-Agent": {"duck"}}
	for _, c := range []struct {
		reason string
		c      *reports.Comparison
		want   []string
		stdin  string
	}{
		{"nothing but a path", sample.Request("GET", "/a//b/../c?x=[1]&y={a}", nil, nil), append(append(bare, none...), "http://127.0.0.1:3000/a//b/../c?x=[1]&y={a}"), ""},
		{"quotes and what shells expand", sample.Request("GET", "/it's?$HOME`id`$(id)\\\"*", full, nil), append(bare, "--header", "Accept: */*", "--header", "User-Agent: duck", "http://127.0.0.1:3000/it's?$HOME`id`$(id)\\\"*"), ""},
		{"HEAD", sample.Request("HEAD", "/", full, nil), append(bare, "--head", "--header", "Accept: */*", "--header", "User-Agent: duck", "http://127.0.0.1:3000/"), ""},
		{"a text body", sample.Request("POST", "/", full, []byte("a='b'\n\n")), append(bare, "--header", "Accept: */*", "--header", "User-Agent: duck", "--header", "Content-Type:", "--data-binary", "a='b'\n\n", "http://127.0.0.1:3000/"), ""},
		{"a body that looks like a file's name", sample.Request("PUT", "/", full, []byte("@/etc/passwd")), append(bare, "--request", "PUT", "--header", "Accept: */*", "--header", "User-Agent: duck", "--header", "Content-Type:", "--data-binary", "@-", "http://127.0.0.1:3000/"), "@/etc/passwd"},
		{"binary", sample.Request("POST", "/", full, []byte("-\x00\x001%s\\n'\xff\r\n")), append(bare, "--header", "Accept: */*", "--header", "User-Agent: duck", "--header", "Content-Type:", "--data-binary", "@-", "http://127.0.0.1:3000/"), "-\x00\x001%s\\n'\xff\r\n"},
		{"long", sample.Request("POST", "/", full, bytes.Repeat([]byte("x"), 300_000)), append(bare, "--header", "Accept: */*", "--header", "User-Agent: duck", "--header", "Content-Type:", "--data-binary", "@-", "http://127.0.0.1:3000/"), strings.Repeat("x", 300_000)},
		{"POST without a body", sample.Request("POST", "/", full, nil), append(bare, "--request", "POST", "--header", "Accept: */*", "--header", "User-Agent: duck", "http://127.0.0.1:3000/"), ""},
		{"an empty field, a field twice, fields that curl makes", sample.Request("GET", "/", http.Header{"Accept": {"a", "b"}, "User-Agent": {""}, "Content-Length": {"3"}, "Connection": {"close"}, "Quack-Request-Id": {"1"}, "Accept-Encoding": {"gzip"}}, nil),
			append(bare, "--header", "Accept: a", "--header", "Accept: b", "--header", "Accept-Encoding: gzip", "--header", "User-Agent;", "--compressed", "http://127.0.0.1:3000/"), ""},
	} {
		got := run(t, export.Curl(c.c, &c.c.Legacy))[0]
		if diff := cmp.Diff(c.want, got.args); diff != "" {
			t.Errorf("%s: %s", c.reason, diff)
		}
		if got.stdin != c.stdin {
			t.Errorf("%s: stdin %.100q", c.reason, got.stdin)
		}
	}
}

func TestCurlNotes(t *testing.T) {
	c := sample.Request("POST", "/x?token=%5Bredacted%3Aab12cd34%5D", http.Header{"Authorization": {"Bearer [redacted:12345678]"}, "Content-Encoding": {"gzip"}}, []byte("pin=[redacted:12345678]"))
	c.Request.BodyNote = "decompressed from gzip"
	c.Request.Host = "shop.example"
	command := export.Curl(c, &c.New)
	want := `# fill in what is [redacted:…] in header Authorization, the URL, the body
# the body of 23 bytes: decompressed from gzip
# this POST is not rolled back: it writes
curl `
	if !strings.HasPrefix(command, want) {
		t.Errorf("got\n%s\nwant\n%s", command, want)
	}
	args := strings.Join(run(t, command)[0].args, "\n")
	if !strings.Contains(args, "Host: shop.example") || strings.Contains(args, "Content-Encoding") || !strings.HasSuffix(args, "http://127.0.0.1:4000/x?token=%5Bredacted%3Aab12cd34%5D") {
		t.Errorf("arguments: %s", args)
	}
	if got := export.Curl(c, &reports.Side{}); got != "" {
		t.Errorf("a side that was not asked: %s", got)
	}
	c.Request.Method, c.Request.BodyNote = "GET\nrm -rf /", "not\nkept"
	got := run(t, export.Curl(c, &c.New))[0] // a line that breaks out of a note or of its quotes is no command
	if args := strings.Join(got.args, " "); !strings.Contains(args, "--request GET\nrm -rf / --header") {
		t.Errorf("arguments: %s", args)
	}
}

func TestCurlQuotesAnything(t *testing.T) {
	type sent struct {
		value, target string
		body          []byte
	}
	anything := rapid.StringMatching(`[ -~\t]{0,20}`)
	one := rapid.Custom(func(t *rapid.T) sent {
		return sent{anything.Draw(t, "value"), "/" + anything.Draw(t, "target"), rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "body")}
	})
	var all []sent
	var commands []string
	for seed := range 100 {
		s := one.Example(seed)
		all = append(all, s)
		c := sample.Request("POST", s.target, http.Header{"X-Any": {"v" + s.value}}, s.body)
		commands = append(commands, export.Curl(c, &c.New))
	}
	for i, got := range run(t, commands...) {
		s, last := all[i], len(got.args)-1
		if got.args[last] != "http://127.0.0.1:4000"+s.target {
			t.Errorf("URL %q, want %q", got.args[last], s.target)
		}
		if body := got.args[last-1]; body != string(s.body) && (body != "@-" || got.stdin != string(s.body)) {
			t.Errorf("body %q, stdin %q, want %q", body, got.stdin, s.body)
		}
		if !slices.Contains(got.args, "X-Any: v"+s.value) {
			t.Errorf("arguments %q lack %q", got.args, s.value)
		}
	}
}

// TestRealCurl asks a real server with the real program.
func TestRealCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	type asked struct {
		*http.Request
		body string
	}
	seen := make(chan asked, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- asked{r, string(body)}
	}))
	defer server.Close()
	for _, sent := range []string{"", "a=1\n", "@x", "\x00\xff%"} {
		c := sample.Request("PUT", "/a//b/../%2F?x=[1]&y='", http.Header{"X-Empty": {""}, "X-Quote": {`it's "$HOME"`}}, []byte(sent))
		c.Request.Host = "shop.example"
		c.Legacy.URL = server.URL + c.Request.Target
		if out, err := exec.Command("sh", "-c", export.Curl(c, &c.Legacy)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got := <-seen
		if got.Method != "PUT" || got.RequestURI != c.Request.Target || got.Host != "shop.example" || got.body != sent {
			t.Errorf("%s %s to %s with %q", got.Method, got.RequestURI, got.Host, got.body)
		}
		want := http.Header{"X-Empty": {""}, "X-Quote": {`it's "$HOME"`}}
		got.Header.Del("Content-Length")
		if diff := cmp.Diff(want, got.Header); diff != "" {
			t.Error(diff)
		}
	}
}
