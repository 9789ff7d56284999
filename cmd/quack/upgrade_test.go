package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
)

// load sends requests, each over a connection of its own, until stop is called,
// which fails the test if one has failed.
func (l *lineage) load() (stop func()) {
	var wg sync.WaitGroup
	var failed atomic.Value
	var sent atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	for range 4 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			for ctx.Err() == nil {
				res, err := client.Get(l.url + "/a")
				if err != nil {
					failed.Store(err.Error())
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != 200 {
					failed.Store(fmt.Sprintf("%d %v %s", res.StatusCode, err, body))
					return
				}
				sent.Add(1)
				time.Sleep(time.Millisecond) // leaves the processor to who is tested
			}
		})
	}
	return func() {
		l.t.Helper()
		cancel()
		wg.Wait()
		if why := failed.Load(); why != nil {
			l.t.Errorf("after %d requests one failed: %v\n%s", sent.Load(), why, l.logged())
		}
		if sent.Load() == 0 {
			l.t.Error("no request was sent")
		}
	}
}

const oneRoute = "  - {name: show, match: GET /a}\n"

func TestUpgradeFailsNoRequest(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{}` })
	l := startLineage(t, table(legacy, legacy, "", oneRoute), "--health", "127.0.0.1:0")
	stop := l.load()
	pid := l.pid()
	for range 3 {
		next := l.upgrade(pid)
		if code := l.await(pid); code != 0 {
			t.Errorf("process %d, which has handed over, ended with code %d", pid, code)
		}
		if l.inPIDFile() != fmt.Sprint(next) {
			t.Errorf("the pid file names %q, want %d", l.inPIDFile(), next)
		}
		pid = next
	}
	l.eventually("the end of the process before", func() bool { return l.status().Handover.Predecessor == 0 })
	stop()
	l.end(pid)
	if left := l.inPIDFile(); left != "" {
		t.Errorf("the pid file names %q after the end", left)
	}
	if strings.Contains(l.logged(), "level=ERROR") {
		t.Errorf("errors:\n%s", l.logged())
	}
}

// What the new process has at hand is what the old one had at the hand-over, and
// both count together.
func TestUpgradeKeepsTheState(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"legacy"}` })
	newer := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"new"}` })
	l := startLineage(t, table(legacy, newer, "", "  - {name: show, match: \"GET /a/{id}\"}\n"))
	for range 10 {
		l.ask("GET", "/a/1", "")
	}
	for _, args := range [][]string{{"stage", "show", "new", "--why", "x"}, {"readonly", "on", "--why", "moving"}} {
		if out, code := l.run(args...); code != 0 {
			t.Fatalf("quack %q: %d\n%s", args, code, out)
		}
	}
	next := l.upgrade(l.pid())
	l.await(l.pid())
	l.answeredBy("new")
	l.blocked("moving", "moving")
	l.until("show", "what both have counted", func(r reports.RouteReport) bool { return r.Served >= 11 })
	if out, code := l.run("readonly", "off", "--why", "moved"); code != 0 {
		t.Errorf("code %d\n%s", code, out)
	}
	if l.status().Handover.PID != next {
		t.Error("another process answers")
	}
}

func TestUpgradeThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"legacy"}` })
	good := table(legacy, legacy, "", oneRoute)
	l := startLineage(t, good, "--upgrade-wait", "15s")
	stop := l.load()
	defer stop()
	for _, c := range []struct {
		reason, script, routes string
		says                   string
	}{
		{"a binary that does not start", "exit 3", good, "the new process has ended: exit status 3"},
		{"one that hangs", "exec sleep 60", good, "it was not ready within 15s"},
		{"one that crashes on the way", "exec kill -SEGV $$", good, "the new process has ended: signal: segmentation fault"},
		{"a file with errors", "", strings.Replace(good, "GET /a", "GET /{", 1), "the new process: "},
	} {
		l.replace(c.script)
		l.write(c.routes)
		l.signal(l.pid(), syscall.SIGUSR2)
		l.eventually(c.reason+": "+c.says, func() bool { return strings.Contains(l.status().Handover.Failed, c.says) })
		s := l.status()
		if s.Handover.PID != l.pid() || s.Handover.FailedAt.IsZero() {
			t.Errorf("%s: %+v", c.reason, s.Handover)
		}
		if !strings.Contains(l.logged(), "the upgrade has failed; this process goes on as before") {
			t.Errorf("%s: the log does not say so\n%s", c.reason, l.logged())
		}
		l.write(good)
		if out, code := l.run("stage", "show", "new", "--why", c.reason); code != 0 {
			t.Errorf("%s: a change is not let through: %s", c.reason, out)
		}
	}
	l.replace("")
	l.loadError("")
	next := l.upgrade(l.pid())
	if code := l.await(l.pid()); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if s := l.status(); s.Handover.Failed != "" || s.Handover.PID != next {
		t.Errorf("after the one that went well: %+v", s.Handover)
	}
}

// A write that is under way in the old process is waited for by the new one's
// gate, and is not cut off.
func TestGateWaitsForTheProcessBefore(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	legacy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-release
		}
	}))
	t.Cleanup(legacy.Close)
	l := startLineage(t, table(legacy.URL, legacy.URL, "", oneRoute))
	slow := make(chan int, 1)
	go func() {
		status, _ := l.ask("POST", "/slow", "x")
		slow <- status
	}()
	<-arrived
	next := l.upgrade(l.pid())
	l.eventually("the process before in the status, which that one may still answer", func() bool { return l.status().Handover.Predecessor == l.pid() })
	if out, code := l.run("readonly", "status"); code != 0 || !strings.Contains(out, "1 writes under way") {
		t.Errorf("code %d\n%s", code, out)
	}
	closed := make(chan string, 1)
	go func() {
		out, code := l.run("readonly", "on", "--wait", "20s", "--why", "moving")
		closed <- fmt.Sprint(code, " ", out)
	}()
	l.eventually("the closed gate of the new process", func() bool { return l.status().Readonly.ReadOnly })
	if status, _ := l.ask("POST", "/other", "x"); status != 503 {
		t.Errorf("a write to the new process got %d", status)
	}
	if out, code := l.run("readonly", "status", "--wait", "300ms"); code != 1 {
		t.Errorf("a write is under way; code %d\n%s", code, out)
	}
	select {
	case out := <-closed:
		t.Fatalf("the gate was said to be closed while a write was under way: %s", out)
	default:
	}
	// It is asked again as soon as the old process has ended.
	l.signal(next, syscall.SIGUSR2)
	close(release)
	if status := <-slow; status != 200 {
		t.Errorf("the write under way got %d", status)
	}
	http.DefaultClient.CloseIdleConnections()
	if out := <-closed; !strings.HasPrefix(out, "0 read-only") || !strings.Contains(out, "\n0 writes under way") {
		t.Errorf("readonly on: %s", out)
	}
	if code := l.await(l.pid()); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.logged())
	}
	l.heirOf(next)
	if !l.status().Readonly.ReadOnly {
		t.Error("the third process has the gate open")
	}
}

// Streams that a client has with the old process are not cut off by a
// hand-over before the drain is over, nor is an upload.
func TestUpgradeCutsNoStream(t *testing.T) {
	t.Parallel()
	more, uploading := make(chan struct{}), make(chan struct{})
	legacy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" {
			io.ReadFull(r.Body, make([]byte, 4))
			close(uploading)
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n+4, err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			http.NewResponseController(w).Flush()
			if i == 0 {
				<-more
			}
		}
	}))
	t.Cleanup(legacy.Close)
	l := startLineage(t, table(legacy.URL, legacy.URL, "", oneRoute))
	res, err := http.Get(l.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	events := bufio.NewReader(res.Body)
	if line, err := events.ReadString('\n'); line != "data: 0\n" {
		t.Fatalf("%q %v", line, err)
	}
	body, upload := io.Pipe()
	uploaded := make(chan string, 1)
	go func() {
		req, _ := http.NewRequest("PUT", l.url+"/file", body)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			uploaded <- err.Error()
			return
		}
		defer res.Body.Close()
		answer, _ := io.ReadAll(res.Body)
		uploaded <- string(answer)
	}()
	io.WriteString(upload, "half")
	<-uploading
	l.upgrade(l.pid())
	io.WriteString(upload, "half")
	upload.Close()
	if got := <-uploaded; got != "8 <nil>" {
		t.Errorf("the upload: %s", got)
	}
	close(more)
	rest, err := io.ReadAll(events)
	if err != nil || !strings.HasSuffix(string(rest), "data: 2\n\n") {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
	if code := l.await(l.pid()); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.logged())
	}
}

func TestSignalsDuringAHandOver(t *testing.T) {
	t.Parallel()
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{}` })
	slowStart := `sleep 1; exec QUACK "$@"`
	t.Run("SIGTERM to the old one before the new one is ready", func(t *testing.T) {
		l := startLineage(t, table(legacy, legacy, "", oneRoute))
		l.replace("exec sleep 60")
		l.signal(l.pid(), syscall.SIGUSR2)
		child := l.child()
		l.signal(l.pid(), syscall.SIGTERM)
		if code := l.await(l.pid()); code != 0 {
			t.Errorf("exit code %d\n%s", code, l.logged())
		}
		if code := l.await(child); code >= 0 {
			t.Errorf("the new process ended with code %d, want it killed", code)
		}
		if c, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://")); err == nil {
			c.Close()
			t.Error("someone still listens")
		}
	})
	t.Run("SIGTERM to the new one before it is ready", func(t *testing.T) {
		l := startLineage(t, table(legacy, legacy, "", oneRoute))
		l.replace(slowStart)
		l.signal(l.pid(), syscall.SIGUSR2)
		l.signal(l.child(), syscall.SIGTERM)
		l.eventually("the failure", func() bool { return strings.Contains(l.status().Handover.Failed, "has ended: signal: terminated") })
		if status, _ := l.ask("GET", "/a", ""); status != 200 {
			t.Errorf("a request got %d", status)
		}
	})
	t.Run("SIGUSR2 twice, and once more to the old one while it drains", func(t *testing.T) {
		held, release := make(chan struct{}), make(chan struct{})
		backend := serveJSON(t, func(r *http.Request) (int, string) {
			if r.URL.Path == "/slow" {
				close(held)
				<-release
			}
			return 200, `{}`
		})
		l := startLineage(t, table(backend, backend, "", oneRoute))
		done := make(chan struct{})
		go func() { defer close(done); l.ask("GET", "/slow", "") }()
		<-held
		l.replace(slowStart)
		l.signal(l.pid(), syscall.SIGUSR2)
		l.signal(l.pid(), syscall.SIGUSR2)
		next := l.heirOf(l.pid())
		l.signal(l.pid(), syscall.SIGUSR2)
		l.eventually("that it is ignored", func() bool { return strings.Contains(l.logged(), "SIGUSR2 is ignored: this process is stopping") })
		close(release)
		<-done
		if code := l.await(l.pid()); code != 0 {
			t.Errorf("exit code %d\n%s", code, l.logged())
		}
		if got := l.status().Handover.PID; got != next {
			t.Errorf("process %d serves, want %d", got, next)
		}
	})
	t.Run("SIGTERM to the new one while the old one drains", func(t *testing.T) {
		held, release := make(chan struct{}), make(chan struct{})
		backend := serveJSON(t, func(*http.Request) (int, string) { close(held); <-release; return 200, `{}` })
		l := startLineage(t, table(backend, backend, "", oneRoute))
		done := make(chan int)
		go func() { status, _ := l.ask("GET", "/a", ""); done <- status }()
		<-held
		next := l.upgrade(l.pid())
		l.signal(next, syscall.SIGTERM)
		if code := l.await(next); code != -2 { // its code is the old one's to see
			t.Errorf("the new one ended with code %d\n%s", code, l.logged())
		}
		close(release)
		if status := <-done; status != 200 {
			t.Errorf("the request under way got %d", status)
		}
		if code := l.await(l.pid()); code != 0 {
			t.Errorf("the old one ended with code %d\n%s", code, l.logged())
		}
	})
	t.Run("kill -9 to the old one before the new one is ready", func(t *testing.T) {
		l := startLineage(t, table(legacy, legacy, "", oneRoute))
		l.replace(slowStart)
		l.signal(l.pid(), syscall.SIGUSR2)
		l.child()
		l.signal(l.pid(), syscall.SIGKILL)
		next := l.heirOf(l.pid())
		l.eventually("its pid in the file", func() bool { return l.inPIDFile() == fmt.Sprint(next) })
		if status, _ := l.ask("GET", "/a", ""); status != 200 {
			t.Errorf("a request got %d", status)
		}
	})
}
