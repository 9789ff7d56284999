package main

import (
	"io"
	"os"
	"os/exec"
	"testing"
)

// TestZshCompletes types into zsh and presses the key, where it is installed.
func TestZshCompletes(t *testing.T) {
	zsh, err := exec.LookPath("zsh")
	if err != nil {
		t.Skip("zsh is not installed")
	}
	cmd := exec.Command(zsh, "-f", "-i")
	cmd.Env = append(os.Environ(), "PS1=> ", "TERM=dumb", "HOME="+t.TempDir())
	s := onTerminal(t, 100, 24, cmd)
	io.WriteString(s.keys, "autoload -Uz compinit && compinit -u -D; source <(quack completion zsh); echo rea''dy\n")
	s.sees("\nready")
	io.WriteString(s.keys, "quack readonly sta\t--j\t")
	s.sees("quack readonly sta", "tus ", "son ")
	io.WriteString(s.keys, "\x15quack check /et\t")
	s.sees("quack check /et", "c/")
	s.cmd.Process.Kill()
}
