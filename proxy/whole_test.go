package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/store"
	"github.com/quackproxy/quack/upstream"
)

type noLatches struct{}

func (noLatches) Latched(string) bool { return false }
func (noLatches) Latch(shadow.Leak)   {}

// withRealShadow gives a world the real dispatcher and the real reports.
func withRealShadow(t *testing.T, to **reports.Reports) func(*Config) {
	return func(c *Config) {
		db, err := store.Open(context.Background(), t.TempDir(), reports.Schema)
		if err != nil {
			t.Fatal(err)
		}
		if *to, err = reports.Open(context.Background(), db, reports.Config{}); err != nil {
			t.Fatal(err)
		}
		calls := upstream.NewSet() // of its own: nothing is shared with live
		var specs []upstream.Spec
		for _, b := range c.Table().Backends() {
			specs = append(specs, upstream.Spec{Name: b.Name, URLs: b.URLs})
		}
		calls.Use(specs)
		d := shadow.New(shadow.Config{
			Table: c.Table, Backend: func(b *routes.Backend) *upstream.Backend { return calls.Backend(b.Name) },
			Protocol: c.Protocol, Latches: noLatches{}, Reports: *to, Log: c.Log,
		})
		c.Shadow, c.Counters = d, *to
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 3)
		go func() { done <- d.Run(ctx) }()
		go func() { done <- (*to).Run(ctx) }()
		go func() { done <- calls.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			for range 3 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What the live path hands over is what the shadow needs, in either order.
func TestLivePathAndShadowTogether(t *testing.T) {
	answer := func(side string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "application/json")
			switch r.URL.Path {
			case "/after/differs", "/before/differs":
				fmt.Fprintf(w, `{"side":%q}`, side)
			case "/before/breaks":
				io.WriteString(w, `{"`)
				if side == "legacy" {
					http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
			default:
				fmt.Fprintf(w, `{"body":%q,"query":%q}`, b, r.URL.RawQuery)
			}
		}
	}
	var kept *reports.Reports
	w := newWorld(t, strings.ReplaceAll(head, ", rollback: header", "")+`
  - {name: after, match: "/after/*", stage: shadow, safe: true}
  - {name: before, match: "/before/*", stage: shadow, safe: true, shadow: {order: before, budget: 5s}}`,
		answer("legacy"), answer("new"), withRealShadow(t, &kept))
	for _, order := range []string{"/after", "/before"} {
		w.ask("GET", order+"/same?a=%zz", "")
		w.ask("POST", order+"/same", "hello")
		w.ask("GET", order+"/differs", "")
	}
	res, err := w.client.Get(w.url + "/before/breaks")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the answer did not break off")
	}
	res.Body.Close()

	type counts struct {
		Served, Compared, Matched, Mismatched, Errors int64
		Skipped                                       map[string]int64
	}
	want := map[string]counts{
		"after":  {3, 3, 2, 1, 0, map[string]int64{}},
		"before": {4, 3, 2, 1, 0, map[string]int64{"aborted": 1}},
	}
	got := map[string]counts{}
	until(t, "all compared", func() bool {
		list, err := kept.Report(context.Background(), reports.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if r.Skipped == nil {
				r.Skipped = map[string]int64{}
			}
			got[r.Name] = counts{r.Served, r.Compared, r.Matched, r.Mismatched, r.Errors, r.Skipped}
		}
		return got["after"].Compared == 3 && got["before"].Compared == 3 && len(got["before"].Skipped) > 0
	})
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
