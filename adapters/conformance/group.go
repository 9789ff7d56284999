package conformance

import (
	"os/exec"
	"syscall"
)

// keeper runs its arguments in a process group that ends with its input, which
// this process holds open: however a test ends, nothing of the app is left.
const keeper = `exec 3<&0
"$@" </dev/null 3<&- & app=$!
(exec >/dev/null 2>&1; cat <&3; kill -KILL -$$) &
exec 3<&-; wait $app`

// kept is a command in a process group of its own.
func kept(args []string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-c", keeper, "sh"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func killGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
