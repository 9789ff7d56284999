package render_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/quackproxy/quack/internal/golden"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
)

// table reads CSV as others do: a line of names, then as many cells in each line.
func table(t *testing.T, text []byte) (rows []map[string]string) {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if names := slices.Sorted(slices.Values(lines[0])); len(slices.Compact(names)) != len(lines[0]) {
		t.Errorf("two columns have one name: %q", lines[0])
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range line {
			row[lines[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

func TestWriteCSV(t *testing.T) {
	var b bytes.Buffer
	r := example()
	if err := render.CSV(&b, r); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "report.csv", b.Bytes())
	rows := table(t, b.Bytes())
	if len(rows) != len(r.Routes) {
		t.Fatalf("%d lines for %d routes", len(rows), len(r.Routes))
	}
	for i, row := range rows {
		for name, want := range map[string]int64{"served": r.Routes[i].Served, "compared": r.Routes[i].Compared, "mismatched": r.Routes[i].Mismatched, "noise": r.Routes[i].Noise} {
			if row[name] != strconv.FormatInt(want, 10) {
				t.Errorf("%s: %s is %q, want %d", row["route"], name, row[name], want)
			}
		}
		if compared := r.Routes[i].Compared > 0; compared != (row["mismatch_upper95"] != "") || compared != (row["new_p99_ms"] != "") {
			t.Errorf("%s: %d compared, bound %q, p99 %q", row["route"], r.Routes[i].Compared, row["mismatch_upper95"], row["new_p99_ms"])
		}
	}
}

func TestWriteDifferencesCSV(t *testing.T) {
	var b bytes.Buffer
	r := example()
	if err := render.DifferencesCSV(&b, r); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "differences.csv", b.Bytes())
	for i, row := range table(t, b.Bytes()) {
		if row["path"] != r.Groups[i].Path || row["count"] != strconv.FormatInt(r.Groups[i].Count, 10) {
			t.Errorf("line %d is of %s, %s times", i, row["path"], row["count"])
		}
	}
	if strings.Contains(b.String(), "\x1b") || strings.Contains(b.String(), "\u202e") {
		t.Error("escape sequences come through")
	}
}

// TestCSVIsNoFormula: a spreadsheet runs a cell that begins like a formula, and
// what stands in the answers of a service is not to be run.
func TestCSVIsNoFormula(t *testing.T) {
	for _, value := range []string{`=HYPERLINK("http://x","y")`, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", " =1", "  @x", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"} {
		g := reports.Group{Route: value, Path: value, Kind: "value", Verdict: "mismatch", Samples: []reports.Sample{{ID: "1", Legacy: value, New: value}}}
		var b bytes.Buffer
		if err := render.DifferencesCSV(&b, render.Report{Groups: []reports.Group{g}}); err != nil {
			t.Fatal(err)
		}
		for _, row := range table(t, b.Bytes()) {
			for _, name := range []string{"route", "path", "legacy", "new"} {
				if begin := strings.TrimLeft(row[name], " "); strings.IndexAny(begin, "=+-@\t\r\uff1d\uff0b\uff0d\uff20") == 0 {
					t.Errorf("%q is written as %q", value, row[name])
				}
			}
		}
	}
}
