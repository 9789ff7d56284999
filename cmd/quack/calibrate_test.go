package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quackproxy/quack/reports"
)

func TestProgress(t *testing.T) {
	steps := []reports.Calibration{
		{N: 20}, {N: 20, Compared: 1}, {N: 20, Compared: 10, Differing: 3, Skipped: map[string]int{"timeout": 2}}, {N: 20, Compared: 19, Errors: 1, Differing: 3, Dropped: 1},
	}
	tests := []struct {
		reason   string
		terminal bool
		want     string
	}{
		{"a bar on a terminal", true, "\r[                              ] 0 of 20 requests compared, 0 differ\x1b[K" +
			"\r[=                             ] 1 of 20 requests compared, 0 differ\x1b[K" +
			"\r[===============               ] 10 of 20 requests compared, 3 differ, 2 skipped\x1b[K" +
			"\r[==============================] 20 of 20 requests compared, 3 differ, 1 skipped\x1b[K\n"},
		{"lines elsewhere, one for each tenth", false, "0 of 20 requests compared, 0 differ\n10 of 20 requests compared, 3 differ, 2 skipped\n20 of 20 requests compared, 3 differ, 1 skipped\n"},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		p := &progress{w: &b, terminal: tt.terminal}
		for _, c := range steps {
			p.show(c)
		}
		p.end()
		if b.String() != tt.want {
			t.Errorf("%s: got\n%q\nwant\n%q", tt.reason, b.String(), tt.want)
		}
	}
}

// An interrupt ends the calibration in the proxy too, and shows what there is.
func TestCalibrateInterrupted(t *testing.T) {
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{}` })
	q := start(t, table(legacy, legacy, "", "  - {name: show, match: \"GET /products/{id}\"}\n"))
	cmd := exec.Command("quack", "calibrate", "--route", "show", "--admin", strings.TrimPrefix(q.client.Base, "http://"))
	cmd.Env = append(os.Environ(), "QUACK_ADMIN_TOKEN="+testToken)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if c, err := q.client.Calibration(t.Context(), "show"); err == nil && c.State == reports.CalibrationRuns {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the calibration does not run")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "show: stopped after") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if c, err := q.client.Calibration(t.Context(), "show"); err != nil || c.State != reports.CalibrationStopped {
		t.Errorf("in the proxy: %+v, %v", c, err)
	}
}
