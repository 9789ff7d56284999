package main

import (
	"bytes"
	"os"
	"runtime"
	"syscall"
	"time"
)

// neighbours watches how much of the machine others use.
type neighbours struct {
	began time.Time
	busy  time.Duration // of the whole machine, until then
	ours  time.Duration
}

func watchOthers() neighbours {
	return neighbours{time.Now(), machineBusy(), oursBusy()}
}

// share is the part of the machine's time that others have used since, 0 to 1.
// All children that ran meanwhile have to have ended.
func (n neighbours) share() float64 {
	others := machineBusy() - n.busy - (oursBusy() - n.ours)
	return max(float64(others)/float64(time.Since(n.began))/float64(runtime.NumCPU()), 0)
}

func machineBusy() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	return parseBusy(b)
}

// parseBusy adds up, from the first line of /proc/stat, what processes have
// used (user, nice, system) and what the machine below has taken (steal).
func parseBusy(b []byte) time.Duration {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 {
		return 0
	}
	sum := 0
	for _, at := range [...]int{1, 2, 3, 8} {
		sum += max(digits(fields[at]), 0)
	}
	return time.Duration(sum) * tick
}

func oursBusy() time.Duration {
	var sum time.Duration
	for _, who := range [...]int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}
