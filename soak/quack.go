package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	token = "an-admin-token-for-the-soak-only"
	drain = 10 * time.Second
	// ended is within what time an old process has to be gone.
	ended = drain + 15*time.Second
)

// quack is the proxy, one process after another.
type quack struct {
	dir         string
	live, admin string
	pids        []int    // of all processes, the one that serves last
	badEnds     []string // of those that have handed over
}

func build(ctx context.Context, binary, dir string) (string, error) {
	if binary != "" {
		return filepath.Abs(binary)
	}
	binary = filepath.Join(dir, "quack")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/quack").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build quack: %w\n%s", err, out)
	}
	return binary, nil
}

func startQuack(ctx context.Context, binary, dir string) (*quack, error) {
	q := &quack{dir: dir}
	for _, addr := range []*string{&q.live, &q.admin} {
		var err error
		if *addr, err = freeAddr(); err != nil {
			return q, err
		}
	}
	log, err := os.Create(filepath.Join(dir, "quack.log"))
	if err != nil {
		return q, err
	}
	defer log.Close()
	cmd := exec.Command(binary, "serve", "--routes", filepath.Join(dir, "routes.yaml"), "--data", filepath.Join(dir, "data"),
		"--listen", q.live, "--admin", q.admin, "--pid-file", q.pidFile(), "--drain", drain.String(), "--evidence-max", "8388608")
	cmd.Env = append(os.Environ(), "QUACK_ADMIN_TOKEN="+token, "QUACK_SECRET=a-secret-for-the-soak-only")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return q, fmt.Errorf("start quack: %w", err)
	}
	q.pids = []int{cmd.Process.Pid}
	return q, q.until(ctx, func(pid int) bool { return pid == q.pid() })
}

func (q *quack) pidFile() string { return filepath.Join(q.dir, "quack.pid") }

// pid is the process that serves.
func (q *quack) pid() int { return q.pids[len(q.pids)-1] }

// until waits until the process that serves is the one that is wanted.
func (q *quack) until(ctx context.Context, wanted func(pid int) bool) error {
	for deadline := time.Now().Add(35 * time.Second); time.Now().Before(deadline); {
		if pid := readPID(q.pidFile()); pid != 0 && wanted(pid) {
			if pid != q.pid() {
				q.pids = append(q.pids, pid)
			}
			return nil
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("no process says that it serves; see quack.log")
}

// readPID is the process id in a file, 0 for none.
func readPID(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return pid
}

// upgrades upgrades Quack until the time comes when one process grows old.
func (w *world) upgrades(ctx context.Context) error {
	whole := context.WithoutCancel(ctx) // what has begun is done to its end
	end := time.Now().Add(w.length)
	for time.Now().Add(w.upgrade).Before(end.Add(-w.old)) {
		if sleep(ctx, w.upgrade) != nil {
			return nil
		}
		if err := w.sample(whole, "before an upgrade"); err != nil {
			return err
		}
		if err := w.upgradeOnce(whole); err != nil {
			return err
		}
	}
	if sleep(ctx, time.Until(end.Add(-w.old))) != nil {
		return nil
	}
	if err := w.sample(whole, "growing old"); err != nil {
		return err
	}
	if sleep(ctx, time.Until(end.Add(-time.Second))) != nil {
		return nil
	}
	return w.sample(whole, "grown old")
}

func (w *world) upgradeOnce(ctx context.Context) error {
	old := w.quack.pid()
	if err := syscall.Kill(old, syscall.SIGUSR2); err != nil {
		return fmt.Errorf("upgrade process %d: %w", old, err)
	}
	if err := w.quack.until(ctx, func(pid int) bool { return pid != old }); err != nil {
		return fmt.Errorf("upgrade of process %d: %w", old, err)
	}
	w.journal.count("upgrades")
	code, err := await(old, ended)
	if err != nil {
		return err
	}
	if code != 0 {
		w.quack.badEnds = append(w.quack.badEnds, fmt.Sprintf("process %d, which had handed over, ended with code %d", old, code))
	}
	return nil
}

// await waits for the end of a child.
func await(pid int, within time.Duration) (code int, err error) {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var status syscall.WaitStatus
		if got, _ := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); got == pid {
			return status.ExitStatus(), nil
		}
	}
	return 0, fmt.Errorf("process %d has not ended after %s", pid, within)
}

// end stops the process that serves, and with force any that is left.
func (q *quack) end() error {
	if len(q.pids) == 0 {
		return nil
	}
	if now := readPID(q.pidFile()); now != 0 && now != q.pid() {
		q.pids = append(q.pids, now) // an upgrade was under way
	}
	syscall.Kill(q.pid(), syscall.SIGTERM)
	_, err := await(q.pid(), ended)
	for _, pid := range q.pids {
		var status syscall.WaitStatus
		if got, waitErr := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); got == 0 && waitErr == nil {
			syscall.Kill(pid, syscall.SIGKILL) // it is a child of this process, and alive
		}
	}
	return err
}

// get is what the admin listener answers.
func (q *quack) get(ctx context.Context, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+q.admin+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the admin listener for %s: %w", path, err)
	}
	return res.Body, nil
}

// speaksHTTP2 reports whether this build serves HTTP/2 in the clear.
func (q *quack) speaksHTTP2(ctx context.Context) bool {
	client := newHTTP2()
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+q.live+"/item/0", nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.ProtoMajor == 2 && res.StatusCode == http.StatusOK
}

func newHTTP2() *http.Client {
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: &only}, Timeout: requestTimeout}
}
