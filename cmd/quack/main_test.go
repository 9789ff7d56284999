package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/reports"
)

// The test binary is also the quack binary, so that tests run the program as
// its users do, in a process of its own.
func TestMain(m *testing.M) {
	endAtOnce()
	testscript.Main(m, map[string]func(){"quack": main, "plain-app": plainMain})
}

// endAtOnce takes from the processes that the tests start the second for which
// the race detector sleeps before an exit. It waits there for races of what
// still runs, and quack has stopped everything by then; the processes are some
// hundreds.
func endAtOnce() {
	if set := os.Getenv("GORACE"); !strings.Contains(set, "atexit_sleep_ms") {
		os.Setenv("GORACE", strings.TrimSpace(set+" atexit_sleep_ms=0"))
	}
}

const (
	testToken  = "an-admin-token-for-tests-only"
	testSecret = "a-secret-of-quack-for-tests-only"
)

// running is a quack process.
type running struct {
	t      testing.TB
	cmd    *exec.Cmd
	url    string // of the live listener
	client *admin.Client
	routes string // the file
	data   string

	prepare func(*exec.Cmd) // before the start; nil for nothing

	exited chan struct{}
	state  *os.ProcessState // readable when exited is closed

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs quack serve with the table until the test ends.
func start(t testing.TB, table string, flags ...string) *running {
	t.Helper()
	return startPrepared(t, table, nil, flags...)
}

func startPrepared(t testing.TB, table string, prepare func(*exec.Cmd), flags ...string) *running {
	t.Helper()
	dir := t.TempDir()
	q := &running{t: t, prepare: prepare, routes: filepath.Join(dir, "routes.yaml"), data: filepath.Join(dir, "data")}
	q.write(table)
	q.launch(flags...)
	t.Cleanup(q.stop)
	return q
}

// write replaces the file of routes.
func (q *running) write(table string) {
	q.t.Helper()
	if err := os.WriteFile(q.routes, []byte(table), 0o600); err != nil {
		q.t.Fatal(err)
	}
}

var serving = regexp.MustCompile(`msg=serving listen=(\S+) admin=(\S+)`)

func (q *running) launch(flags ...string) {
	q.t.Helper()
	args := append([]string{"serve", "--routes", q.routes, "--data", q.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, flags...)
	q.cmd = exec.Command("quack", args...)
	q.cmd.Env = append(os.Environ(), "QUACK_ADMIN_TOKEN="+testToken, "QUACK_SECRET="+testSecret)
	// A pipe of our own: a process that takes over writes to it as well, after
	// the end of the first.
	stderr, theirs, err := os.Pipe()
	if err != nil {
		q.t.Fatal(err)
	}
	q.cmd.Stderr = theirs
	if q.prepare != nil {
		q.prepare(q.cmd)
	}
	err = q.cmd.Start()
	theirs.Close()
	if err != nil {
		q.t.Fatal(err)
	}
	up := make(chan []string, 1)
	q.exited = make(chan struct{})
	go q.follow(stderr, up)
	select {
	case found := <-up:
		q.url = "http://" + found[1]
		q.client = &admin.Client{Base: "http://" + found[2], Token: testToken, By: "test"}
	case <-q.exited:
		q.t.Fatalf("quack serve ended at once:\n%s", q.logged())
	case <-time.After(time.Minute):
		q.t.Fatalf("quack serve does not come up:\n%s", q.logged())
	}
}

// follow keeps the log and finds the addresses in it.
func (q *running) follow(stderr io.ReadCloser, up chan<- []string) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer stderr.Close()
		q.readLog(stderr, up)
	}()
	q.cmd.Wait()
	q.state = q.cmd.ProcessState
	select {
	case <-read:
	case <-time.After(time.Second): // another process has the log open
	}
	close(q.exited)
}

func (q *running) readLog(stderr io.Reader, up chan<- []string) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		q.mu.Lock()
		q.log.WriteString(lines.Text() + "\n")
		q.mu.Unlock()
		if found := serving.FindStringSubmatch(lines.Text()); found != nil {
			select {
			case up <- found:
			default:
			}
		}
	}
}

func (q *running) logged() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.log.String()
}

// stop ends the process with SIGTERM; it must end well.
func (q *running) stop() {
	select {
	case <-q.exited:
		return
	default:
	}
	q.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-q.exited:
		if code := q.state.ExitCode(); code != 0 {
			q.t.Errorf("quack serve ended with code %d:\n%s", code, q.logged())
		}
	case <-time.After(45 * time.Second):
		q.cmd.Process.Kill()
		q.t.Errorf("quack serve does not stop:\n%s", q.logged())
	}
}

// kill ends the process with SIGKILL and waits for its end.
func (q *running) kill() {
	q.t.Helper()
	if err := q.cmd.Process.Kill(); err != nil {
		q.t.Fatal(err)
	}
	<-q.exited
}

// run runs another verb against the process and returns what it printed.
func (q *running) run(args ...string) (out string, code int) {
	q.t.Helper()
	cmd := exec.Command("quack", append(args, "--admin", strings.TrimPrefix(q.client.Base, "http://"))...)
	cmd.Env = append(os.Environ(), "QUACK_ADMIN_TOKEN="+testToken)
	combined, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		q.t.Fatal(err)
	}
	return string(combined), cmd.ProcessState.ExitCode()
}

// ask sends one request through the proxy.
func (q *running) ask(method, target, body string) (status int, answer string) {
	q.t.Helper()
	req, err := http.NewRequest(method, q.url+target, strings.NewReader(body))
	if err != nil {
		q.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		q.t.Fatalf("%s %s: %v\n%s", method, target, err, q.logged())
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		q.t.Fatal(err)
	}
	return res.StatusCode, string(read)
}

// until asks for the report of a route until it satisfies ok.
func (q *running) until(route, what string, ok func(reports.RouteReport) bool) reports.RouteReport {
	q.t.Helper()
	var last []reports.RouteReport
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		list, err := q.client.Report(context.Background(), reports.Filter{Route: route})
		if err != nil {
			q.t.Fatal(err)
		}
		last = list
		for _, r := range list {
			if r.Name == route && ok(r) {
				return r
			}
		}
	}
	q.t.Fatalf("%s: not seen: %s; report: %+v\n%s", route, what, last, q.logged())
	panic("unreachable")
}

func (q *running) differences() []reports.Group {
	q.t.Helper()
	groups, err := q.client.Differences(context.Background(), reports.Filter{})
	if err != nil {
		q.t.Fatal(err)
	}
	return groups
}

// serveJSON is a backend that answers everything with what answer returns.
func serveJSON(t testing.TB, answer func(*http.Request) (int, string)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := answer(r)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// table is a routes.yaml with two backends; settings are appended to theirs.
func table(legacy, new, newSettings, routes string) string {
	return fmt.Sprintf("version: 1\nbackends:\n  monolith: {urls: [%s]}\n  accounts: {urls: [%s]%s}\n"+
		"defaults: {legacy: monolith, new: accounts}\nroutes:\n%s", legacy, new, newSettings, routes)
}

// adminGet is what the admin listener answers to a GET with the token.
func (q *running) adminGet(path string) string {
	q.t.Helper()
	req, err := http.NewRequest("GET", q.client.Base+path, nil)
	if err != nil {
		q.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		q.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		q.t.Fatal(err)
	}
	return string(body)
}
