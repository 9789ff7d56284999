package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// longRunning is a backend with one of each kind that a stop has to wait for:
// an upload, a stream of events without end, and a switched protocol that
// returns what it gets. uploading receives when the first bytes of an upload
// have come.
func longRunning(t *testing.T) (url string, uploading <-chan struct{}) {
	t.Helper()
	ended, begun := make(chan struct{}), make(chan struct{}, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := http.NewResponseController(w)
		switch r.URL.Path {
		case "/upload":
			io.ReadFull(r.Body, make([]byte, 4))
			begun <- struct{}{}
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n+4, err)
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: first\n\n")
			out.Flush()
			select {
			case <-r.Context().Done():
			case <-ended:
			}
		case "/echo":
			conn, rw, err := out.Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			io.Copy(conn, rw)
		}
	}))
	t.Cleanup(func() { close(ended); s.Close() })
	return s.URL, begun
}

// echo opens a connection that has switched protocols.
func (q *running) echo() (net.Conn, *bufio.Reader) {
	q.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(q.url, "http://"))
	if err != nil {
		q.t.Fatal(err)
	}
	q.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(40 * time.Second))
	io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: quack\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != 101 {
		q.t.Fatalf("%v %v", res, err)
	}
	return conn, in
}

// says checks that what is sent comes back.
func says(conn net.Conn, in *bufio.Reader, line string) error {
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		return err
	}
	got, err := in.ReadString('\n')
	if err == nil && got != line+"\n" {
		err = fmt.Errorf("got %q", got)
	}
	return err
}

// upload begins an upload; finish sends the rest and returns the answer.
func (q *running) upload() (finish func() string) {
	body, w := io.Pipe()
	answered := make(chan string, 1)
	go func() {
		req, _ := http.NewRequest("PUT", q.url+"/upload", body)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		answered <- fmt.Sprint(res.StatusCode, " ", string(text), " ", err)
	}()
	io.WriteString(w, "half")
	return func() string {
		io.WriteString(w, "half")
		w.Close()
		return <-answered
	}
}

func (q *running) stopping() {
	q.t.Helper()
	if err := q.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		q.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(q.url, "http://"))
		if err != nil {
			return
		}
		conn.Close()
		if time.Now().After(deadline) {
			q.t.Fatalf("it goes on accepting\n%s", q.logged())
		}
	}
}

func TestStopFinishesUploads(t *testing.T) {
	t.Parallel()
	backend, uploading := longRunning(t)
	q := start(t, table(backend, backend, "", oneRoute))
	conn, in := q.echo()
	finish := q.upload()
	<-uploading
	q.stopping()
	if err := says(conn, in, "still here"); err != nil {
		t.Errorf("the switched connection, while a request is under way: %v", err)
	}
	if got := finish(); got != "200 8 <nil> <nil>" {
		t.Errorf("the upload: %s", got)
	}
	<-q.exited
	if code := q.state.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, q.logged())
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("the switched connection is still open")
	}
}

func TestStopCutsWhatHasNoEnd(t *testing.T) {
	t.Parallel()
	backend, _ := longRunning(t)
	q := start(t, table(backend, backend, "", oneRoute), "--drain", "1s")
	res, err := http.Get(q.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	q.stopping()
	<-q.exited
	if code := q.state.ExitCode(); code != 1 || !strings.Contains(q.logged(), "requests still under way after 1s were cut off") {
		t.Errorf("exit code %d\n%s", code, q.logged())
	}
	body, err := io.ReadAll(res.Body)
	if string(body) != "data: first\n\n" || err == nil {
		t.Errorf("the stream ended with %q and no error", body)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	backend, uploading := longRunning(t)
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		q := start(t, table(backend, backend, "", oneRoute))
		finish := q.upload()
		<-uploading
		q.stopping()
		time.Sleep(sameStop)
		if err := q.cmd.Process.Signal(second); err != nil {
			t.Fatal(err)
		}
		<-q.exited // the upload has not ended
		if code := q.state.ExitCode(); code != 1 || !strings.Contains(q.logged(), "told to stop a second time") {
			t.Errorf("%v: exit code %d\n%s", second, code, q.logged())
		}
		if got := finish(); strings.HasPrefix(got, "200") {
			t.Errorf("the upload: %s", got)
		}
	}
}

// Who signals the process and its group, as timeout(1) does, means one stop.
func TestSignalThatComesTwiceIsOne(t *testing.T) {
	t.Parallel()
	backend, uploading := longRunning(t)
	q := start(t, table(backend, backend, "", oneRoute))
	finish := q.upload()
	<-uploading
	for _, again := range []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGINT} {
		if err := q.cmd.Process.Signal(again); err != nil {
			t.Fatal(err)
		}
	}
	q.stopping()
	if got := finish(); !strings.HasPrefix(got, "200") {
		t.Errorf("the upload: %s", got)
	}
	<-q.exited
	if code := q.state.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, q.logged())
	}
}

// Connections that a client has with the old process are good for one more
// request, whether one came over them before or not.
func TestUpgradeAnswersOnConnectionsFromBefore(t *testing.T) {
	t.Parallel()
	backend := serveJSON(t, func(*http.Request) (int, string) { return 200, `{}` })
	for _, front := range []string{"auto", "std"} {
		l := startLineage(t, table(backend, backend, "", oneRoute), "--front", front)
		addr := strings.TrimPrefix(l.url, "http://")
		conns := map[string]*wire{"a new one": connect(t, addr), "a kept-alive one": connect(t, addr)}
		if res, err := conns["a kept-alive one"].get(); err != nil || res.Close {
			t.Fatalf("%v %v", res, err)
		}
		l.upgrade(l.pid())
		for name, c := range conns {
			if res, err := c.get(); err != nil || res.StatusCode != 200 || !res.Close {
				t.Errorf("--front %s, %s: %+v %v\n%s", front, name, res, err, l.logged())
			}
		}
		if code := l.await(l.pid()); code != 0 {
			t.Errorf("exit code %d\n%s", code, l.logged())
		}
	}
}

// wire is one connection.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func connect(t *testing.T, addr string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &wire{conn, bufio.NewReader(conn)}
}

func (c *wire) get() (*http.Response, error) {
	io.WriteString(c, "GET /a HTTP/1.1\r\nHost: quack\r\n\r\n")
	res, err := http.ReadResponse(c.in, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
	}
	return res, err
}

// A connection that has switched protocols goes on with the old process until
// its client ends it, or the drain is over.
func TestUpgradeKeepsSwitchedConnections(t *testing.T) {
	t.Parallel()
	backend, _ := longRunning(t)
	l := startLineage(t, table(backend, backend, "", oneRoute))
	conn, in := l.echo()
	l.upgrade(l.pid())
	if err := says(conn, in, "still here"); err != nil {
		t.Errorf("after the hand-over: %v", err)
	}
	select {
	case <-l.exited:
		t.Errorf("the old process has ended\n%s", l.logged())
	default:
	}
	conn.Close()
	if code := l.await(l.pid()); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.logged())
	}
}
