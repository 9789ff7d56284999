package conformance

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// settings are what the environment of a process says.
type settings struct {
	dsn     string
	wallCap time.Duration
	env     []string // "NAME=value", besides
}

// relaxed is a cap that no case meets by the slowness of the machine.
const relaxed = 20 * time.Second

// process is the app, running.
type process struct {
	url    string
	cmd    *exec.Cmd
	said   *output
	ended  sync.Once
	killed bool // by us
	exited chan struct{}
}

// start starts the app, until owner's end, and waits until it answers GET /up.
func (a *App) start(t, owner *testing.T, set settings, secrets, effectURL string) *process {
	t.Helper()
	port := freePort(t)
	p := &process{url: "http://127.0.0.1:" + port, said: &output{}, exited: make(chan struct{})}
	p.cmd = kept(a.Command)
	p.cmd.Env = append(os.Environ(), a.Env...)
	p.cmd.Env = append(p.cmd.Env, "PORT="+port, "DATABASE_URL="+set.dsn, "QUACK_SHADOW_SECRET="+secrets,
		"WALL_CAP_MS="+strconv.FormatInt(set.wallCap.Milliseconds(), 10), "EFFECT_URL="+effectURL)
	p.cmd.Env = append(p.cmd.Env, set.env...)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.WaitDelay = 5 * time.Second
	// Held open as long as the app may run.
	if _, err := p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start the app of %s: %v", a.Name, err)
	}
	go p.wait()
	owner.Cleanup(func() {
		p.kill()
		if owner.Failed() {
			owner.Logf("the app of %s said:\n%s", a.Name, p.said)
		}
	})
	p.ready(t, a)
	return p
}

func (p *process) wait() {
	defer close(p.exited)
	p.cmd.Wait()
}

// kill ends the app and what it has started at once, as a power cut would.
func (p *process) kill() {
	p.ended.Do(func() {
		p.killed = true
		killGroup(p.cmd)
	})
	<-p.exited
}

func (p *process) ready(t *testing.T, a *App) {
	t.Helper()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		select {
		case <-p.exited:
			t.Fatalf("the app of %s ended before it was ready", a.Name)
		default:
		}
		if p.up() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the app of %s did not answer GET /up within %v", a.Name, startTimeout)
		}
	}
}

func (p *process) up() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/up", nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// startTimeout is how long an app may take until GET /up.
const startTimeout = time.Minute

// freePort is a port that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// output keeps the end of what the app says.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const keptOutput = 8 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	if more := o.buf.Len() - keptOutput; more > 0 {
		o.buf.Next(more)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(o.buf.String())
}
