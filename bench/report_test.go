package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReportIsKept(t *testing.T) {
	r := &report{At: time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC), Settings: "32 connections", Machine: machine{CPU: "a CPU", Cores: 2}}
	o := outcome{Budgets: []budget{atMost("CPU per request: quack / nginx", 4.7, 1.5, "%.2f")}, Others: 0.3}
	o.add([]turn{turnOf("quack", 1, time.Second, 0)}, (&table{Title: "live path", Head: []string{"", "µs"}, Rows: [][]string{{"quack", "88.0"}}}).note("a note"))
	dir := filepath.Join(t.TempDir(), "results")
	var out bytes.Buffer
	r.begin(&out)
	r.add("live", o)
	if !strings.Contains(out.String(), "live path") {
		t.Error("a part is not shown when it has ended")
	}
	if err := r.end(dir); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a CPU, 2 cores", "live path\n", "\n           µs\n  quack  88.0\n", "a note", "live: others used 30 % of the machine", "quack / nginx  ≤ 1.50      4.70  NOT met", "raw figures: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, &out)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "2026-11-26-040000-live.txt"))
	if err != nil || out.String() != string(text) {
		t.Errorf("%v: %s", err, text)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "2026-11-26-040000-live.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Parts map[string]struct{ Raw [][]turn }
	}
	if err := json.Unmarshal(raw, &back); err != nil || back.Parts["live"].Raw[0][0].CPU != time.Second {
		t.Errorf("%v: %s", err, raw)
	}
}

func TestMemoryIsJudgedByFifths(t *testing.T) {
	run := func(at func(i int) int64) *memoryRun {
		m := &memoryRun{Load: &loadResult{}}
		for i := range 300 {
			m.Samples = append(m.Samples, at(i)<<20)
			m.Peak = max(m.Peak, at(i)<<20)
		}
		return m
	}
	for _, c := range []struct {
		reason     string
		at         func(i int) int64
		peak, flat string
	}{
		{"fills, then flat", func(i int) int64 { return min(int64(i), 50) + 50 }, met, met},
		{"grows slowly", func(i int) int64 { return 50 + int64(i)/10 }, met, notMet},
		{"flat and large", func(int) int64 { return 250 }, notMet, met},
	} {
		b := run(c.at).budgets()
		if b[0].Verdict != c.peak || b[1].Verdict != c.flat {
			t.Errorf("%s: %+v", c.reason, b)
		}
	}
}
