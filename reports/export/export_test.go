package export_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/internal/golden"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/export"
	"github.com/quackproxy/quack/reports/internal/sample"
)

func exported(t testing.TB, c *reports.Comparison, as export.Format, side string) string {
	t.Helper()
	var b bytes.Buffer
	if err := export.Write(&b, c, as, side); err != nil {
		t.Fatalf("%s: %v", as, err)
	}
	return b.String()
}

func TestExport(t *testing.T) {
	for _, as := range []export.Format{export.AsCurl, export.AsHTTP, export.AsHurl, export.AsGo} {
		golden.Check(t, "export."+string(as), []byte(exported(t, sample.Full(), as, "")))
		only := exported(t, sample.Full(), as, "new")
		if strings.Contains(only, ":3000") || !strings.Contains(only, ":4000") {
			t.Errorf("%s of new alone:\n%s", as, only)
		}
	}
	for _, c := range []struct {
		reason string
		c      *reports.Comparison
		as     export.Format
		side   string
		says   string
		other  export.Format // takes it
	}{
		{"no such format", sample.Full(), "postman", "", "curl, http, hurl, har or go", ""},
		{"no such side", sample.Full(), export.AsCurl, "old", "legacy or new", ""},
		{"a side that was not asked", sample.Request("GET", "/", nil, nil), export.AsCurl, "new", "not known\n  quack diff c00001", ""},
		{"bytes", sample.Request("POST", "/", nil, []byte("\x00\xff")), export.AsHTTP, "", "not plain text\n  export it --as curl", export.AsHurl},
		{"a line that ends a request", sample.Request("POST", "/", nil, []byte("a\n### b")), export.AsHTTP, "", "begins with #", export.AsHurl},
		{"a file's name", sample.Request("POST", "/", nil, []byte("< /etc/passwd")), export.AsHTTP, "", "begins with <", export.AsGo},
		{"an expression that httpyac runs", sample.Request("POST", "/", nil, []byte("a\n ?? js process.exit()")), export.AsHTTP, "", "begins with ??", export.AsHurl},
		{"another file's name", sample.Request("POST", "/", nil, []byte("<> answer.json")), export.AsHTTP, "", "begins with <>", export.AsHurl},
		{"a variable", sample.Request("POST", "/", nil, []byte("{{secret}}")), export.AsHTTP, "", "variable", export.AsHurl},
		{"a line break at the end", sample.Request("POST", "/", nil, []byte("a\n")), export.AsHTTP, "", "white space", export.AsHurl},
		{"a method of nobody", sample.Request("brew-it", "/", nil, nil), export.AsHurl, "", "no method brew-it", export.AsHTTP},
	} {
		if c.reason == "a side that was not asked" {
			c.c.New.URL = ""
		}
		err := export.Write(io.Discard, c.c, c.as, c.side)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.reason, err)
		}
		if c.other != "" {
			exported(t, c.c, c.other, "")
		}
	}
}

// witnessed is what a server saw.
type witnessed struct {
	method, target, host, body string
	header                     http.Header
}

// witness is a server that notes what it is asked.
func witness(t *testing.T) (url string, seen chan witnessed) {
	seen = make(chan witnessed, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := r.Header.Clone()
		for _, name := range []string{"Content-Length", "Connection"} {
			h.Del(name)
		}
		seen <- witnessed{r.Method, r.RequestURI, r.Host, string(body), h}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(303)
		io.WriteString(w, "seen by "+r.Host)
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

// inTurn are requests with what is easily lost on the way.
var inTurn = []struct{ method, target, body string }{
	{"GET", "/a//b/../%2F?x=[1]&y='&z", ""},
	{"PUT", "//double//slash?", `{"quote":"it's \"$HOME\" %s"}`},
	{"POST", "/?only=query", "a=1&b=%7B"},
	{"DELETE", "/thing/1", ""},
}

func turn(base string, i int) *reports.Comparison {
	x := inTurn[i]
	c := sample.Request(x.method, x.target, http.Header{"X-Quote": {`it's "$HOME" \n`}, "X-Twice": {"a", "b"}, "Accept": {"*/*"}, "User-Agent": {"duck"}}, []byte(x.body))
	c.Request.Host = "shop.example"
	c.Legacy.URL, c.New.URL = base+x.target, base+x.target
	return c
}

func (a witnessed) is(t *testing.T, what string, c *reports.Comparison) {
	t.Helper()
	if target := c.Request.Target; a.method != c.Request.Method || a.target != target || a.host != "shop.example" || a.body != string(c.Request.Body) {
		t.Errorf("%s: %s %s to %s with %q, want %s %s with %q", what, a.method, a.target, a.host, a.body, c.Request.Method, target, c.Request.Body)
	}
	if diff := cmp.Diff(c.Request.Header, a.header); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

// TestExportedGoRuns runs the programs and looks at what a server is asked.
func TestExportedGoRuns(t *testing.T) {
	url, seen := witness(t)
	for i := range inTurn {
		c := turn(url, i)
		main := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(main, []byte(exported(t, c, export.AsGo, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("go", "run", main).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for range 2 {
			if len(seen) == 0 {
				t.Fatalf("one side was not asked:\n%s", out)
			}
			(<-seen).is(t, "go", c)
		}
		if n := strings.Count(string(out), "303 See Other"); n != 2 || strings.Count(string(out), "seen by shop.example") != 2 {
			t.Errorf("the program prints\n%s", out)
		}
	}
}

// TestExportedHTTPIsHTTP: between the lines of the format stand messages that
// any server takes.
func TestExportedHTTPIsHTTP(t *testing.T) {
	url, seen := witness(t)
	for i := range inTurn {
		c := turn(url, i)
		_, file, _ := strings.Cut("\n"+exported(t, c, export.AsHTTP, ""), "\n### ")
		for message := range strings.SplitSeq(file, "\n### ") {
			send(t, url, message)
			(<-seen).is(t, "http", c)
		}
	}
}

// send sends what stands in an .http file below the title of a request, as its
// clients do: the URL says where to.
func send(t *testing.T, url, message string) {
	t.Helper()
	_, message, _ = strings.Cut(message, "\n")
	for strings.HasPrefix(message, "#") {
		_, message, _ = strings.Cut(message, "\n")
	}
	head, body, _ := strings.Cut(strings.Replace(message, " "+url, " ", 1), "\n\n")
	body = strings.TrimSuffix(body, "\n")
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n")+"\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\nConnection: close\r\n\r\n"+body)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 303 {
		t.Fatalf("status %d to\n%s", res.StatusCode, head)
	}
}

// TestExportedHAR holds an archive to what HAR 1.2 requires, and to what the
// comparison has.
func TestExportedHAR(t *testing.T) {
	c := sample.Full()
	c.Request.Header["Cookie"] = []string{"session=[redacted:aa]; theme=dark"}
	c.New.Answer.Header["Set-Cookie"] = []string{"a=b; Path=/", "c=d"}
	c.Legacy.Answer.Body = []byte("\x89PNG")
	text := exported(t, c, export.AsHAR, "")
	var archive any
	if err := json.Unmarshal([]byte(text), &archive); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"log.version": "1.2", "log.creator.name": "quack", "log.entries.0.request.method": "POST",
		"log.entries.0.request.url": c.Legacy.URL, "log.entries.1.request.url": c.New.URL,
		"log.entries.0.request.queryString.0.name": "token", "log.entries.0.request.postData.mimeType": "application/json",
		"log.entries.0.request.postData.text": string(c.Request.Body), "log.entries.0.request.cookies.1.value": "dark",
		"log.entries.0.response.status": 200.0, "log.entries.1.response.status": 201.0, "log.entries.1.response.statusText": "Created",
		"log.entries.1.response.redirectURL": "/ducks/7", "log.entries.1.response.content.size": 2e6, "log.entries.1.response.bodySize": -1.0, "log.entries.1.response.headersSize": -1.0,
		"log.entries.1.response.cookies.1.name": "c", "log.entries.0.response.content.encoding": "base64", "log.entries.0.response.content.text": "iVBORw==",
		"log.entries.0.time": 12.0, "log.entries.0.timings.wait": 12.0, "log.entries.0.startedDateTime": "2026-11-01T12:00:07.000Z",
	} {
		if got := at(archive, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	bare := sample.Request("GET", "/", nil, nil)
	bare.Legacy.Answer.Header = nil
	for _, text := range []string{text, exported(t, bare, export.AsHAR, "")} {
		holdToHAR(t, text)
	}
}

// at is the value at a path of names and numbers.
func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// harRequired are the members that HAR 1.2 does not call optional, with their
// types: s text, n number, a array, o object.
var harRequired = map[string]string{
	"log": "o", "log.version": "s", "log.creator.name": "s", "log.creator.version": "s", "log.entries": "a",
	"startedDateTime": "s", "time": "n", "cache": "o", "timings.send": "n", "timings.wait": "n", "timings.receive": "n",
	"request.method": "s", "request.url": "s", "request.httpVersion": "s", "request.cookies": "a", "request.headers": "a", "request.queryString": "a",
	"request.headersSize": "n", "request.bodySize": "n",
	"response.status": "n", "response.statusText": "s", "response.httpVersion": "s", "response.cookies": "a", "response.headers": "a",
	"response.content": "o", "response.content.size": "n", "response.content.mimeType": "s", "response.redirectURL": "s", "response.headersSize": "n", "response.bodySize": "n",
}

func holdToHAR(t *testing.T, text string) {
	t.Helper()
	var archive map[string]any
	if err := json.Unmarshal([]byte(text), &archive); err != nil {
		t.Fatal(err)
	}
	entries, _ := at(archive, "log.entries").([]any)
	if len(entries) == 0 {
		t.Fatalf("no entries in\n%s", text)
	}
	for path, kind := range harRequired {
		in := entries
		if strings.HasPrefix(path, "log") {
			in = []any{archive}
		}
		for _, v := range in {
			got := map[bool]string{true: kind}
			switch at(v, path).(type) {
			case string:
				got[false] = "s"
			case float64:
				got[false] = "n"
			case []any:
				got[false] = "a"
			case map[string]any:
				got[false] = "o"
			}
			if got[true] != got[false] {
				t.Errorf("%s is %v, which HAR 1.2 does not allow", path, at(v, path))
			}
		}
	}
	for _, e := range entries {
		if began, err := time.Parse(time.RFC3339, at(e, "startedDateTime").(string)); err != nil || began.IsZero() {
			t.Errorf("began at %v (%v)", at(e, "startedDateTime"), err)
		}
		if post := at(e, "request.postData"); post != nil && at(post, "mimeType") == nil {
			t.Error("postData without a mimeType")
		}
	}
}
