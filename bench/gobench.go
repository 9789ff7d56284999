package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// measuredPackages have benchmarks of their own.
var measuredPackages = []string{"compare", "routes", "txshadow", "reports", "proxy"}

// goBenchmarks runs the benchmarks of the packages (go test -bench) and holds
// them against their budgets.
func (s *settings) goBenchmarks(ctx context.Context) (outcome, error) {
	o := outcome{}
	args := []string{"test", "-run", "^$", "-bench", ".", "-benchmem"}
	if s.short {
		args = append(args, "-benchtime", "100ms")
	}
	for _, name := range measuredPackages {
		args = append(args, "github.com/quackproxy/quack/"+name)
	}
	s.say("go %s", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "go", args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return o, fmt.Errorf("go test -bench: %w\n%s%s", err, complaint.Bytes(), out)
	}
	all := parseBenchmarks(out)
	o.add(all, all.table())
	o.Budgets = all.budgets()
	return o, nil
}

// benchmark is a line of go test -bench.
type benchmark struct {
	Name    string             // package.Name/sub, without "Benchmark" and the number of cores
	Figures map[string]float64 // by unit: "ns/op"
	units   []string           // in the order of the line
}

type benchmarks []benchmark

var benchmarkLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

func parseBenchmarks(out []byte) benchmarks {
	var all benchmarks
	var pkg string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if name, found := strings.CutPrefix(line, "pkg: "); found {
			pkg = path.Base(name)
		}
		m := benchmarkLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		b := benchmark{Name: pkg + "." + m[1], Figures: map[string]float64{}}
		for fields := strings.Fields(m[2]); len(fields) >= 2; fields = fields[2:] {
			if v, err := strconv.ParseFloat(fields[0], 64); err == nil {
				b.Figures[fields[1]] = v
				b.units = append(b.units, fields[1])
			}
		}
		all = append(all, b)
	}
	return all
}

// figure is a benchmark's figure; false when it did not run.
func (all benchmarks) figure(name, unit string) (float64, bool) {
	for _, b := range all {
		if b.Name == name {
			v, ok := b.Figures[unit]
			return v, ok
		}
	}
	return 0, false
}

func (all benchmarks) table() *table {
	usual := []string{"ns/op", "MB/s", "B/op", "allocs/op"}
	t := &table{Title: "go test -bench", Head: append(append([]string{""}, usual...), "others")}
	for _, b := range all {
		row := []string{b.Name}
		for _, unit := range usual {
			row = append(row, b.show(unit))
		}
		var others []string
		for _, unit := range b.units {
			if !slices.Contains(usual, unit) {
				others = append(others, b.show(unit)+" "+unit)
			}
		}
		t.Rows = append(t.Rows, append(row, strings.Join(others, ", ")))
	}
	return t
}

// show is a figure as go test has written it; "" without one.
func (b *benchmark) show(unit string) string {
	v, ok := b.Figures[unit]
	if !ok {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// budgets are those of DESIGN 7 that go test can measure.
func (all benchmarks) budgets() []budget {
	quack, ok1 := all.figure("compare.IgnoredOnly/quack", "ns/op")
	decoding, ok2 := all.figure("compare.IgnoredOnly/decode-and-cmp", "ns/op")
	faster := budget{What: "compare: ignored fields only, times faster than decoding and cmp.Diff", Limit: "≥ 10", Verdict: notMeasured}
	if ok1 && ok2 {
		faster = atLeast(faster.What, decoding/quack, 10, "%.0f")
	}
	return []budget{
		all.most("compare: equal bytes, allocations", "compare.EqualBytes", "allocs/op", 0, "%.0f"),
		faster,
		all.least("compare: ignored fields only, MB/s on 1 MiB", "compare.IgnoredOnly/quack", "MB/s", 200, "%.0f"),
		all.most("fuse and rollback added to a shadow request, median, ms", "txshadow.ShadowOverhead", "added-ms", 1, "%.2f"),
		all.most("route match among 2,000 routes, ns", "routes.Match/route", "ns/op", 1000, "%.0f"),
		all.most("route match among 2,000 routes, allocations", "routes.Match/route", "allocs/op", 2, "%.0f"),
	}
}

func (all benchmarks) most(what, name, unit string, limit float64, format string) budget {
	if v, ok := all.figure(name, unit); ok {
		return atMost(what, v, limit, format)
	}
	return budget{What: what, Limit: fmt.Sprintf("≤ "+format, limit), Verdict: notMeasured}
}

func (all benchmarks) least(what, name, unit string, limit float64, format string) budget {
	if v, ok := all.figure(name, unit); ok {
		return atLeast(what, v, limit, format)
	}
	return budget{What: what, Limit: fmt.Sprintf("≥ "+format, limit), Verdict: notMeasured}
}
