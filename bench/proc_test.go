package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for _, c := range []struct {
		reason, in string
		want       procStat
		ok         bool
	}{
		{"as Linux writes it", "17 (nginx) S 3 17 17 0 -1 4194560 500 9 0 0 120 30 7 8 20 0 1 0", procStat{3, 1500 * time.Millisecond}, true},
		{"a name with parentheses and spaces", "17 (a) b) S 3 (x) R 4 17 17 0 -1 4194560 500 9 0 0 1 2 0 0", procStat{4, 30 * time.Millisecond}, true},
		{"cut off", "17 (nginx) S 3 17 17 0", procStat{}, false},
		{"no numbers", "17 (nginx) S a b c d e f g h i j k l m n", procStat{}, false},
		{"nothing", "", procStat{}, false},
	} {
		got, err := parseStat([]byte(c.in))
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %+v, %v", c.reason, got, err)
		}
	}
}

func TestParseMemory(t *testing.T) {
	got, err := parseMemory([]byte("Name:\tx\nVmPeak:\t  999 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t1\n"))
	if want := (memory{Now: 1 << 20, Peak: 2 << 20}); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "VmRSS: 1 kB\n", "VmRSS: much kB\nVmHWM: 1 kB\n"} {
		if _, err := parseMemory([]byte(bad)); err == nil {
			t.Errorf("%q has a memory", bad)
		}
	}
}

func TestParseBusy(t *testing.T) {
	if got := parseBusy([]byte("cpu  100 10 20 5000 7 3 4 1 50 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n")); got != 1310*time.Millisecond {
		t.Errorf("%v, want user, nice, system and steal", got)
	}
	if got := parseBusy([]byte("cpu 1\n")); got != 0 {
		t.Errorf("%v of a line that is cut off", got)
	}
}

// TestFamily holds that the processes below a process are found, and none
// beside it.
func TestFamily(t *testing.T) {
	cmd := exec.Command("sh", "-c", "echo; sleep 60 & wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	dieWithUs(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer (&child{cmd: cmd}).kill()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	var all []int
	for deadline := time.Now().Add(time.Minute); len(all) < 2 && time.Now().Before(deadline); {
		if all, err = family(cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) != 2 || all[0] != cmd.Process.Pid || slices.Contains(all, os.Getpid()) {
		t.Errorf("the family of %d is %v", cmd.Process.Pid, all)
	}
	if m, err := memoryOf(cmd.Process.Pid); err != nil || m.Now <= 0 || m.Peak < m.Now {
		t.Errorf("its memory is %+v, %v", m, err)
	}
}

// TestProcessTimeIsThatOfProc holds that the clock and /proc/PID/stat show the
// same counter.
func TestProcessTimeIsThatOfProc(t *testing.T) {
	pid := os.Getpid()
	var fromProc time.Duration
	for fromProc < 200*time.Millisecond { // until there is something to see
		b, err := os.ReadFile("/proc/self/stat")
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseStat(b)
		if err != nil {
			t.Fatal(err)
		}
		fromProc = s.cpu
	}
	clock, err := processTime(pid)
	if err != nil {
		t.Fatal(err)
	}
	if apart := clock - fromProc; apart < -3*tick || apart > fromProc/2 {
		t.Errorf("the clock says %v, /proc/self/stat %v", clock, fromProc)
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	if d, err := processTime(ended.Process.Pid); err == nil {
		t.Errorf("a process that has ended has used %v", d)
	}
}
