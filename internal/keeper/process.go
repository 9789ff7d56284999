//go:build unix

package keeper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is how a server is made and run, in its [Home].
type Server struct {
	Prepare []string       // the command that makes its data, which may read the file "password"
	Run     []string       // the server itself
	Stop    syscall.Signal // stops it whoever is connected
	Kill    syscall.Signal // stops it when that has taken 5 s

	// Answers says whether the server answers: nil when it does.
	Answers func(context.Context) error
}

// Process is a running server.
type Process struct {
	Home
	run  Server
	cmd  *exec.Cmd // the keeper
	hold *os.File  // write end of the keeper's input; closing it stops the server
	said *os.File  // read end of the keeper's output; ends with the keeper

	killed int // the server that Kill has ended
}

// script is the keeper. It makes the data, runs the server and waits. When its
// input ends, because Stop closed it or because the process that held it is
// gone, it stops the server; when the server is gone, for whatever reason, it
// removes the folder and ends. The server is the keeper's own child, so that
// its process id can not come to mean another process before it is waited for.
//
// The signal is repeated: the shell starts the server with interrupts ignored,
// and one that comes before the server has set its own handler is lost. A
// server that ends while the file "again" is there is started again; when there is
// something in that file, behind the file "down", and each time. Of one that is
// down when the input ends there is nothing to stop.
const script = `
dir=$1 stop=$2 kill=$3 prepare=$4
shift 4
exec 3<&0 </dev/null
umask 077
end() {
	[ "$1" -eq 0 ] || tail -n 20 "$dir/log"
	rm -rf "$dir"
	exit "$1"
}
/bin/sh -c "$prepare" >"$dir/log" 2>&1 3<&- || end 1
rm -f "$dir/password"
"$@" >>"$dir/log" 2>&1 3<&- &
server=$!
echo "$server" >"$dir/server"
{
	cat <&3
	[ -e "$dir/down" ] && rm "$dir/again" "$dir/down" && exit
	tries=0
	while [ "$tries" -lt 50 ] && kill "-$stop" "$(cat "$dir/server")"; do
		tries=$((tries + 1))
		sleep 0.1
	done
	kill "-$kill" "$(cat "$dir/server")"
} >/dev/null 2>&1 &
watch=$!
exec 3<&-
while wait "$server"; status=$?; [ -e "$dir/again" ]; do
	if [ -s "$dir/again" ]; then
		sleep 0.1
		while [ -e "$dir/down" ]; do sleep 0.05; done
		[ -e "$dir/again" ] || end 0
	else
		rm -f "$dir/again"
	fi
	"$@" >>"$dir/log" 2>&1 &
	server=$!
	echo "$server" >"$dir/server"
done
kill "$watch" 2>/dev/null
end "$status"
`

// stopTimeout is what the end may take: the keeper loses patience after 5 s.
const stopTimeout = 30 * time.Second

// Start makes the server's data, starts the server and waits until it answers.
// Without one, the home is removed.
func (h Home) Start(ctx context.Context, s Server) (*Process, error) {
	p := &Process{Home: h, run: s}
	if err := p.keep(); err != nil {
		return nil, errors.Join(err, h.Remove())
	}
	if err := p.ready(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// keep starts the keeper.
func (p *Process) keep() error {
	input, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer input.Close()
	said, output, err := os.Pipe()
	if err != nil {
		return errors.Join(err, hold.Close())
	}
	defer output.Close()
	args := []string{"-c", script, "quack-keeper", p.Dir, number(p.run.Stop), number(p.run.Kill), quoted(p.run.Prepare)}
	cmd := exec.Command("/bin/sh", append(args, p.run.Run...)...)
	cmd.Dir = p.Dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin", "LC_ALL=C", "HOME=" + p.Dir}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, output, output
	cmd.SysProcAttr = p.attributes()
	if err := cmd.Start(); err != nil {
		return errors.Join(err, hold.Close(), said.Close())
	}
	p.cmd, p.hold, p.said = cmd, hold, said
	return nil
}

func number(s syscall.Signal) string { return strconv.Itoa(int(s)) }

// quoted is a command as a shell reads it.
func quoted(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(list, " ")
}

// ready waits until the server answers, or the keeper has given up.
func (p *Process) ready(ctx context.Context) error {
	var said strings.Builder
	buf := make([]byte, 4096)
	for {
		if err := p.said.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			return err
		}
		n, err := p.said.Read(buf)
		said.Write(buf[:n])
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the server ended at once:\n%s", strings.TrimSpace(said.String()))
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		}
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return ctx.Err()
		case ctx.Err() != nil:
			return fmt.Errorf("no answer from the server: %w\n%s", ctx.Err(), p.Log())
		}
		if p.run.Answers(ctx) == nil {
			return nil
		}
	}
}

// Restart stops the server, whoever is connected, starts it again, and waits
// until it answers.
func (p *Process) Restart(ctx context.Context) error {
	if err := p.again(ctx); err != nil {
		return fmt.Errorf("restart %s: %w", p.server, err)
	}
	return p.ready(ctx)
}

// again makes the keeper start the server again, and returns when it has.
func (p *Process) again(ctx context.Context) error {
	before, err := p.pid()
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.Path("again"), nil, 0o600); err != nil {
		return err
	}
	if err := syscall.Kill(before, p.run.Stop); err != nil {
		return err
	}
	return p.other(ctx, before)
}

// other returns when another server than the one with a process id has been
// started.
func (p *Process) other(ctx context.Context, before int) error {
	for now, err := p.pid(); now == before || err != nil; now, err = p.pid() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w\n%s", ctx.Err(), p.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Kill ends the server and its processes at once, and it stays away until Revive.
func (p *Process) Kill() error {
	if err := p.kill(); err != nil {
		return fmt.Errorf("kill %s: %w", p.server, err)
	}
	return nil
}

func (p *Process) kill() (err error) {
	if p.killed, err = p.pid(); err != nil {
		return err
	}
	for file, says := range map[string]string{"down": "", "again": "until it stays"} {
		if err := os.WriteFile(p.Path(file), []byte(says), 0o600); err != nil {
			return err
		}
	}
	if err := syscall.Kill(p.killed, syscall.SIGSTOP); err != nil { // it starts no more of them
		return err
	}
	children := childrenOf(p.killed)
	if err := syscall.Kill(p.killed, syscall.SIGKILL); err != nil {
		return err
	}
	for _, child := range children {
		syscall.Kill(child, syscall.SIGKILL) // it may have ended
	}
	return nil
}

// Revive starts a server again that was killed, and waits until it answers.
func (p *Process) Revive(ctx context.Context) error {
	if err := p.revive(ctx); err != nil {
		return fmt.Errorf("revive %s: %w", p.server, err)
	}
	return nil
}

func (p *Process) revive(ctx context.Context) error {
	if err := os.Remove(p.Path("down")); err != nil {
		return err
	}
	if err := p.other(ctx, p.killed); err != nil {
		return err
	}
	if err := p.ready(ctx); err != nil {
		return err
	}
	return os.Remove(p.Path("again"))
}

// pid is the process id of the server.
func (p *Process) pid() (int, error) {
	b, err := os.ReadFile(p.Path("server"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// Stop stops the server, whoever is connected, removes its folder and returns
// when both are gone. A second call returns an error.
func (p *Process) Stop() error {
	if err := p.stop(); err != nil {
		return fmt.Errorf("stop %s: %w", p.server, err)
	}
	return nil
}

func (p *Process) stop() error {
	if err := p.hold.Close(); err != nil {
		return err
	}
	defer p.said.Close()
	if err := p.said.SetReadDeadline(time.Now().Add(stopTimeout)); err != nil {
		return err
	}
	_, late := io.Copy(io.Discard, p.said)
	if late != nil {
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // the keeper leads its session
		os.RemoveAll(p.Dir)
	}
	return errors.Join(late, p.cmd.Wait())
}
