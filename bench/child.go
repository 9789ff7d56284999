package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startWithin = 20 * time.Second
	stopWithin  = 10 * time.Second
)

// child is a process that runs until stop.
type child struct {
	cmd   *exec.Cmd
	log   string        // file with its standard error, and output
	ended chan struct{} // closed when it has ended
	err   error         // why, once it has
}

// start starts a program; what it says goes to the file dir/name.log. Only the
// main goroutine may call it: children die with the thread that started them.
func start(dir, name string, env []string, program string, args ...string) (*child, error) {
	c, _, err := startChild(dir, name, env, false, program, args)
	return c, err
}

// startSelf starts this program in a role, and waits for the address that it
// prints.
func startSelf(dir, name string, args ...string) (*child, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	c, out, err := startChild(dir, name, nil, true, self, args)
	if err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.stop()
		return nil, "", fmt.Errorf("%s did not say where it listens: %w\n%s", name, err, c.lastWords())
	}
	return c, strings.TrimSpace(line), nil
}

func startChild(dir, name string, env []string, readOut bool, program string, args []string) (*child, io.Reader, error) {
	c := &child{log: filepath.Join(dir, name+".log"), ended: make(chan struct{})}
	log, err := os.Create(c.log)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	c.cmd = exec.Command(program, args...)
	c.cmd.Dir, c.cmd.Env = dir, append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	var out *os.File
	if readOut {
		var to *os.File
		if out, to, err = os.Pipe(); err != nil {
			return nil, nil, err
		}
		defer to.Close()
		c.cmd.Stdout = to
	}
	dieWithUs(c.cmd)
	if err := c.cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		c.err = c.cmd.Wait()
		if out != nil {
			out.Close()
		}
		close(c.ended)
	}()
	return c, out, nil
}

// stop ends the process, and returns when it has ended.
func (c *child) stop() {
	if c == nil {
		return
	}
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(stopWithin):
		c.kill()
		<-c.ended
	}
}

// kill ends the process and those that it has started.
func (c *child) kill() { syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }

// lastWords is the end of what the process said.
func (c *child) lastWords() string {
	if c == nil {
		return ""
	}
	b, _ := os.ReadFile(c.log)
	return string(b[max(len(b)-2000, 0):])
}

// freePort is an address of loopback on which nothing listens.
func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// ready waits until a GET of the path at addr is answered as the backend does.
func (c *child) ready(ctx context.Context, addr, path string, length int) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	var last error
	for {
		if last = ask(ctx, client, "http://"+addr+path, length); last == nil {
			return nil
		}
		select {
		case <-c.ended:
			return fmt.Errorf("it ended at its start (%v):\n%s", c.err, c.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("it does not serve: %w\n%s", errors.Join(last, ctx.Err()), c.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, client *http.Client, url string, length int) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != 200 || len(b) != length || !strings.HasPrefix(string(b), `{"trace":"legacy `)) {
		err = fmt.Errorf("%s answered %d with %d bytes", url, resp.StatusCode, len(b))
	}
	return err
}
