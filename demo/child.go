package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// keeper runs a program, with its output in the log, and ends it when its own
// input ends: because stop closed it, or because the process that held it is
// gone. It then removes the folder. When the program ends by itself it says so
// and waits, so that its log can be read. It says so in a subshell: when nobody
// is there to listen, only that dies of it.
const keeper = `
dir=$1
shift
exec 3<&0 </dev/null
"$@" >>"$dir/log" 2>&1 3<&- &
child=$!
{
	cat <&3
	kill -TERM "$child"
	tries=0
	while [ "$tries" -lt 15 ] && kill -0 "$child"; do
		tries=$((tries + 1))
		sleep 1
	done
	kill -KILL "$child"
} >/dev/null 2>&1 &
watch=$!
wait "$child"
status=$?
kill "$watch" 2>/dev/null
(echo "$status")
cat <&3 >/dev/null
rm -rf "$dir"
exit "$status"
`

// child is a program that does not outlive this process, and its folder.
type child struct {
	dir    string
	cmd    *exec.Cmd
	hold   *os.File      // write end of the keeper's input
	ended  chan struct{} // closed when the program has ended
	status string        // its exit status; set before ended is closed
}

// startChild runs a program with env and a folder, which becomes the child's.
// The program is in a session of its own: what the terminal sends to this
// process does not reach it.
func startChild(dir string, env []string, program string, args ...string) (*child, error) {
	input, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer input.Close()
	said, output, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, hold.Close())
	}
	defer output.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", keeper, "quack-demo", dir, program}, args...)...)
	cmd.Env, cmd.Dir = env, dir
	cmd.Stdin, cmd.Stdout = input, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, hold.Close(), said.Close())
	}
	c := &child{dir: dir, cmd: cmd, hold: hold, ended: make(chan struct{})}
	go c.await(said)
	return c, nil
}

// await closes ended when the keeper says how the program ended, or is gone.
func (c *child) await(said *os.File) {
	defer said.Close()
	line, err := bufio.NewReader(said).ReadString('\n')
	c.status = strings.TrimSpace(line)
	if err != nil {
		c.status = "unknown: " + err.Error()
	}
	close(c.ended)
}

// stop ends the program if it runs and returns when the folder is gone.
func (c *child) stop() error {
	if err := c.hold.Close(); err != nil {
		return err
	}
	<-c.ended
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("quack serve: %w", err)
	}
	return nil
}

// failed is the error of a program that has ended by itself.
func (c *child) failed() error {
	return fmt.Errorf("quack serve ended (%s):\n%s", c.status, c.logTail())
}

const tailBytes = 2000

// logTail is the end of the program's log.
func (c *child) logTail() string {
	f, err := os.Open(filepath.Join(c.dir, "log"))
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b))
}

// output runs a program to its end and returns what it printed.
func output(ctx context.Context, env []string, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = env
	cmd.WaitDelay = 5 * time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("quack %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
