package compare_test

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/compare"
)

func TestDriftOfForgivenTimestamps(t *testing.T) {
	for _, test := range []struct {
		reason      string
		legacy, new *compare.Exchange
		want        string
	}{
		{"new is later", jsonAnswer(`{"at":"2026-03-04T05:06:07.100Z"}`), jsonAnswer(`{"at":"2026-03-04T05:06:07.112Z"}`), "always +12 ms"},
		{"new is earlier", jsonAnswer(`{"at":"2026-03-04T05:06:07Z"}`), jsonAnswer(`{"at":"2026-03-04T05:05:37Z"}`), "always -30 s"},
		{"many at one place, all half a minute off", jsonAnswer(`[{"at":"2026-03-04T05:06:07Z"},{"at":"2026-03-05T05:06:07Z"}]`),
			jsonAnswer(`[{"at":"2026-03-04T05:06:37Z"},{"at":"2026-03-05T05:06:37Z"}]`), "always +30 s"},
		{"both ways", jsonAnswer(`[{"made_at":1772600767},{"made_at":1772600768}]`), jsonAnswer(`[{"made_at":1772600769},{"made_at":1772600767}]`),
			"p50 -1 s, p99 +2 s, least -1 s, most +2 s"},
		{"a rule with within", jsonAnswer(`{"late":"2026-03-04T05:06:07Z"}`), jsonAnswer(`{"late":"2026-03-04T06:06:07Z"}`), "always +1 h"},
		{"a field", textAnswer("", "Expires: Wed, 04 Mar 2026 05:06:07 GMT"), textAnswer("", "Expires: Wed, 04 Mar 2026 05:06:09 GMT"), "always +2 s"},
		{"a cookie", textAnswer("", "Set-Cookie: a=1; Expires=Wed, 04 Mar 2026 05:06:07 GMT"), textAnswer("", "Set-Cookie: a=1; Expires=Wed, 04 Mar 2026 05:06:06 GMT"), "always -1 s"},
		{"a line", textAnswer("2026-03-04T05:06:07Z"), textAnswer("2026-03-04T05:06:07.250Z"), ""}, // another format
		{"a line", textAnswer("2026-03-04T05:06:07.0Z"), textAnswer("2026-03-04T05:06:07.250Z"), "always +250 ms"},
		{"nothing of time", jsonAnswer(`{"id":"` + version4(1) + `"}`), jsonAnswer(`{"id":"` + version4(2) + `"}`), ""},
	} {
		t.Run(test.reason, func(t *testing.T) {
			r := compare.Exchanges(test.legacy, test.new, mustCompile(t, compare.Rule{Path: "$.late", Within: "2h"}))
			got := ""
			if len(r.Forgiven) == 1 {
				got = r.Forgiven[0].Drift.String()
				if n := r.Forgiven[0].Drift.Count; got != "" && n != int64(r.Forgiven[0].Count) {
					t.Errorf("%d drifts of %d differences", n, r.Forgiven[0].Count)
				}
			}
			if got != test.want {
				t.Errorf("got %q, want %q in %s", got, test.want, verdictText(r))
			}
		})
	}
}

func drawDrifts(t *rapid.T, label string) (d compare.Drift, all []time.Duration) {
	for _, ns := range rapid.SliceOfN(rapid.Int64Range(-int64(90*24*time.Hour), int64(90*24*time.Hour)), 0, 40).Draw(t, label) {
		apart := time.Duration(ns >> rapid.IntRange(0, 40).Draw(t, "smaller"))
		d.Add(apart)
		all = append(all, apart)
	}
	return d, all
}

func TestDriftQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, all := drawDrifts(t, "drifts")
		if len(all) == 0 {
			return
		}
		slices.Sort(all)
		if d.Count != int64(len(all)) || d.Least != all[0] || d.Most != all[len(all)-1] {
			t.Fatalf("%+v of %v", d, all)
		}
		for _, q := range []float64{0.01, 0.5, 0.99, 1} {
			exact := all[max(1, int(math.Ceil(q*float64(len(all)))))-1]
			off := (d.Quantile(q) - exact).Abs()
			if off > time.Microsecond && float64(off) > 0.0626*float64(exact.Abs()) {
				t.Fatalf("quantile %v is %v, not %v", q, d.Quantile(q), exact)
			}
		}
	})
}

func TestDriftMerges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, drifts := drawDrifts(t, "a")
		b, more := drawDrifts(t, "b")
		var both compare.Drift
		for _, d := range append(drifts, more...) {
			both.Add(d)
		}
		before, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		a.Merge(b)
		if !reflect.DeepEqual(a, both) && a.Count > 0 {
			t.Fatalf("merged %+v, want %+v", a, both)
		}
		a.Add(time.Second)
		if after, _ := json.Marshal(b); string(after) != string(before) {
			t.Fatal("merging shares memory")
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var read compare.Drift
		if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(read.Classes, a.Classes) || read.Count != a.Count ||
			(read.Least-a.Least).Abs() > time.Microsecond || (read.Most-a.Most).Abs() > time.Microsecond {
			t.Fatalf("%s reads as %+v (%v), want %+v", text, read, err, a)
		}
	})
}

func TestDriftText(t *testing.T) {
	for _, test := range []struct {
		drifts []time.Duration
		want   string
	}{
		{nil, ""},
		{[]time.Duration{0}, "always 0"},
		{[]time.Duration{time.Hour, time.Hour}, "always +1 h"},
		{[]time.Duration{90 * time.Second}, "always +1.5 min"},
		{[]time.Duration{-36 * time.Hour}, "always -1.5 d"},
		{[]time.Duration{-250 * time.Microsecond, 3 * time.Millisecond, 41 * time.Millisecond}, "p50 +2.9 ms, p99 +41 ms, least -250 µs, most +41 ms"},
		{[]time.Duration{300 * time.Nanosecond}, "always 0"},
		{[]time.Duration{30*time.Second - 40*time.Microsecond, 30*time.Second + 70*time.Microsecond}, "always +30 s"},
	} {
		var d compare.Drift
		for _, apart := range test.drifts {
			d.Add(apart)
		}
		if got := d.String(); got != test.want {
			t.Errorf("%v is %q, want %q", test.drifts, got, test.want)
		}
	}
}
