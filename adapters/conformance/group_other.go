//go:build !unix

package conformance

import "os/exec"

func kept(args []string) *exec.Cmd { return exec.Command(args[0], args[1:]...) }

func killGroup(cmd *exec.Cmd) { cmd.Process.Kill() }
