package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// family is a process and all its descendants: a proxy with its workers.
func family(pid int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("look for the processes of %d: %w", pid, err)
	}
	children := map[int][]int{}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
		if err != nil {
			continue // it ended meanwhile
		}
		if s, err := parseStat(stat); err == nil {
			children[s.parent] = append(children[s.parent], id)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all, nil
}

// procStat is what is read of /proc/PID/stat (proc(5)).
type procStat struct {
	parent int
	cpu    time.Duration // user and system, in steps of 10 ms
}

// tick is the unit of times in /proc: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// parseStat reads fields behind the command's name, which may hold anything,
// parentheses too.
func parseStat(b []byte) (procStat, error) {
	_, rest, found := bytes.Cut(b[max(bytes.LastIndexByte(b, ')'), 0):], []byte(") "))
	fields := bytes.Fields(rest)
	if !found || len(fields) < 13 {
		return procStat{}, fmt.Errorf("%q is no line of /proc/PID/stat", b)
	}
	var numbers [3]int
	for i, at := range [...]int{1, 11, 12} { // ppid, utime, stime
		n, err := strconv.Atoi(string(fields[at]))
		if err != nil {
			return procStat{}, fmt.Errorf("field %d of /proc/PID/stat: %w", at+3, err)
		}
		numbers[i] = n
	}
	return procStat{parent: numbers[0], cpu: time.Duration(numbers[1]+numbers[2]) * tick}, nil
}

// memory is what is read of /proc/PID/status, in bytes.
type memory struct{ Now, Peak int64 }

// parseMemory reads VmRSS and VmHWM.
func parseMemory(b []byte) (memory, error) {
	var m memory
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		to := map[string]*int64{"VmRSS": &m.Now, "VmHWM": &m.Peak}[string(name)]
		if to == nil {
			continue
		}
		n, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(value), []byte(" kB"))), 10, 64)
		if err != nil {
			return m, fmt.Errorf("%s in /proc/PID/status: %w", name, err)
		}
		*to = n << 10
	}
	if m.Now == 0 || m.Peak == 0 {
		return m, fmt.Errorf("no VmRSS and VmHWM in /proc/PID/status")
	}
	return m, nil
}

// memoryOf adds up the memory of a process and its descendants. What they share
// is counted for each.
func memoryOf(pid int) (memory, error) {
	var sum memory
	all, err := family(pid)
	if err != nil {
		return sum, err
	}
	for _, id := range all {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
		if err != nil {
			return sum, err
		}
		m, err := parseMemory(b)
		if err != nil {
			return sum, fmt.Errorf("process %d: %w", id, err)
		}
		sum.Now += m.Now
		sum.Peak += m.Peak
	}
	return sum, nil
}

// cpuOf adds up the CPU time, user and system, that a process and its
// descendants have used, threads that ended included.
func cpuOf(pid int) (time.Duration, error) {
	all, err := family(pid)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, id := range all {
		d, err := processTime(id)
		if err != nil {
			return 0, fmt.Errorf("CPU time of process %d: %w", id, err)
		}
		sum += d
	}
	return sum, nil
}
