package compare_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	jd "github.com/josephburnett/jd/v2"
	"github.com/wI2L/jsondiff"

	"github.com/quackproxy/quack/compare"
)

// workload is two answers to be compared by several libraries.
type workload struct {
	name        string
	legacy, new *compare.Exchange
	differences int  // that count
	large       bool // some libraries take minutes and gigabytes
}

// workloads are those of docs/performance.md, of about size bytes.
func workloads(name string, size int) []workload {
	plain := orders(size, 1)
	at := len(plain)/3 + strings.Index(plain[len(plain)/3:], `"price":19.99`)
	var all []workload
	add := func(kind, new string, differences int) {
		all = append(all, workload{name + "/" + kind, jsonAnswer(plain), jsonAnswer(new), differences, size >= 1<<20})
	}
	add("equal", strings.Clone(plain), 0)
	add("timestamps", strings.ReplaceAll(plain, `.001Z"`, `.002Z"`), 0)
	add("one-change", plain[:at]+strings.Replace(plain[at:], "19.99", "29.99", 1), 1)
	add("reordered", strings.ReplaceAll(plain, `"total":65.22,"note":null`, `"note":null,"total":65.22`), 0)
	return all
}

// inserted is 10,000 elements, and one more in front.
func inserted() workload {
	list := listOf(0, 10_000, "", `{"id":%d,"name":"Customer %[1]d","active":true,"total":65.22%s}`)
	return workload{"10000/inserted", jsonAnswer("[" + list + "]"), jsonAnswer(`[{"id":-1,"name":"New","active":true,"total":0},` + list + "]"), 1, true}
}

// contender compares JSON, and gives how many differences it found.
type contender struct {
	name    string
	compare func(b *testing.B, w *workload) int
}

var contenders = []contender{
	{"quack", func(_ *testing.B, w *workload) int {
		return len(compare.Exchanges(w.legacy, w.new, nil).Differences)
	}},
	{"encoding-json+cmp.Diff", func(b *testing.B, w *workload) int {
		var l, n any
		must(b, json.Unmarshal(w.legacy.Body, &l))
		must(b, json.Unmarshal(w.new.Body, &n))
		return len(cmp.Diff(l, n))
	}},
	{"wI2L-jsondiff", func(b *testing.B, w *workload) int {
		patch, err := jsondiff.CompareJSON(w.legacy.Body, w.new.Body, jsondiff.LCS())
		must(b, err)
		return len(patch)
	}},
	{"jd", func(b *testing.B, w *workload) int {
		l, err := jd.ReadJsonString(string(w.legacy.Body))
		must(b, err)
		n, err := jd.ReadJsonString(string(w.new.Body))
		must(b, err)
		return len(l.Diff(n))
	}},
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

var librariesToo = flag.Bool("libraries", false, "run the large workloads of BenchmarkLibraries with the libraries too: several minutes")

// BenchmarkLibraries compares with other ways to compare JSON. None of them
// forgives anything: they report each timestamp.
func BenchmarkLibraries(b *testing.B) {
	all := append(workloads("1KiB", 1<<10), workloads("64KiB", 64<<10)...)
	all = append(append(all, workloads("1MiB", 1<<20)...), inserted())
	for _, w := range all {
		for _, c := range contenders {
			b.Run(w.name+"/"+c.name, func(b *testing.B) {
				if w.large && c.name != "quack" {
					affordable(b)
				}
				b.SetBytes(w.legacy.Size)
				for b.Loop() {
					if n := c.compare(b, &w); c.name == "quack" && n != w.differences {
						b.Fatal(n)
					}
				}
			})
		}
	}
}

// What a library may take for one comparison.
const (
	longest  = time.Minute
	mostKiB  = "8000000"
	inTrial  = "QUACK_LIBRARY_TRIAL"
	inMemory = `ulimit -v ` + mostKiB + `; exec "$0" "$@"`
)

// affordable tries the benchmark once in a process of its own, and skips it
// when that takes more than the longest time or the most memory.
func affordable(b *testing.B) {
	if os.Getenv(inTrial) != "" {
		return
	}
	if !*librariesToo {
		b.Skip("without -libraries")
	}
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", inMemory, os.Args[0],
		"-test.run=^$", "-test.bench=^"+strings.ReplaceAll(strings.ReplaceAll(b.Name(), "+", `\+`), "/", "$/^")+"$", "-test.benchtime=1x", "-libraries")
	cmd.Env = append(os.Environ(), inTrial+"=1")
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		b.Skipf("more than %v", longest)
	case err != nil:
		b.Skipf("%v within %s KiB: %.300s", err, mostKiB, out)
	case !strings.Contains(string(out), "ns/op"):
		b.Fatalf("the trial ran nothing: %s", out)
	}
}
