package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// sample is what the process that serves takes, at a moment.
type sample struct {
	when       string
	pid        int
	goroutines int
	files      int // open descriptors, save for
	backends   int // connections to backends, of which a bounded number is kept
	memory     int // resident, MiB
}

func (s sample) String() string {
	return fmt.Sprintf("%-18s process %-8d %5d goroutines %5d descriptors and %d to backends %5d MiB", s.when, s.pid, s.goroutines, s.files, s.backends, s.memory)
}

func (w *world) sample(ctx context.Context, when string) error {
	s := sample{when: when, pid: w.quack.pid()}
	ports := map[int64]bool{}
	for _, b := range w.backends {
		for _, i := range b.instances {
			_, port, _ := net.SplitHostPort(i.addr)
			n, _ := strconv.ParseInt(port, 10, 32) // it is an address of ours
			ports[n] = true
		}
	}
	err := s.read(ctx, w.quack, ports)
	if err != nil {
		return fmt.Errorf("look at process %d: %w", s.pid, err)
	}
	w.samples = append(w.samples, s)
	return nil
}

// readFiles counts descriptors; ports are those of backends.
func (s *sample) readFiles(ports map[int64]bool) error {
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", s.pid))
	if err != nil {
		return err
	}
	toBackend := map[string]bool{} // by the target of the descriptor's link
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		_, port, found := strings.Cut(f[2], ":")
		if n, err := strconv.ParseInt(port, 16, 32); found && err == nil && ports[n] {
			toBackend["socket:["+f[9]+"]"] = true
		}
	}
	dir := fmt.Sprintf("/proc/%d/fd", s.pid)
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		target, err := os.Readlink(filepath.Join(dir, f.Name()))
		switch {
		case err != nil: // closed meanwhile
		case toBackend[target]:
			s.backends++
		default:
			s.files++
		}
	}
	return nil
}

func (s *sample) read(ctx context.Context, q *quack, ports map[int64]bool) error {
	if err := s.readFiles(ports); err != nil {
		return err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				return err
			}
			s.memory = kib >> 10
		}
	}
	metrics, err := q.get(ctx, "/metrics")
	if err != nil {
		return err
	}
	defer metrics.Close()
	for lines := bufio.NewScanner(metrics); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), "go_goroutines "); found {
			s.goroutines, err = strconv.Atoi(rest)
			return err
		}
	}
	return fmt.Errorf("/metrics does not say go_goroutines")
}
