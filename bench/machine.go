package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine is where the figures come from.
type machine struct {
	CPU      string
	Cores    int
	Memory   string
	Kernel   string
	Load     string // of the last minute, before the run: others on the machine
	Versions []string
}

func describeMachine(ctx context.Context) machine {
	m := machine{Cores: runtime.NumCPU(), Versions: []string{runtime.Version()}}
	m.CPU = fieldOf("/proc/cpuinfo", "model name")
	m.Memory = fieldOf("/proc/meminfo", "MemTotal")
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = string(bytes.TrimSpace(b))
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(b), " ")
	}
	for _, ask := range [][]string{{"nginx", "-v"}, {"haproxy", "-v"}, {"caddy", "version"}} {
		out, err := exec.CommandContext(ctx, ask[0], ask[1:]...).CombinedOutput()
		if err != nil {
			continue // not installed; the parts say so
		}
		line, _, _ := strings.Cut(string(out), "\n")
		line = strings.TrimPrefix(line, "nginx version: ")
		if ask[0] == "caddy" {
			line = "Caddy " + line
		}
		m.Versions = append(m.Versions, line)
	}
	return m
}

// fieldOf is the first value of a name in a file of lines "name : value".
func fieldOf(file, name string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if n, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(n) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (m machine) write(w io.Writer) {
	fmt.Fprintf(w, "%s, %d cores, %s, Linux %s, load before the run %s\n%s\n", m.CPU, m.Cores, m.Memory, m.Kernel, m.Load, strings.Join(m.Versions, ", "))
}
