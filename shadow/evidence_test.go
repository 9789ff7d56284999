package shadow

import (
	"context"
	"testing"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/store"
)

// TestEvidenceInTheStore follows what was compared, skipped and dropped into
// the report.
func TestEvidenceInTheStore(t *testing.T) {
	db, err := store.Open(t.Context(), t.TempDir(), reports.Schema)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rep, err := reports.Open(t.Context(), db, reports.Config{})
	if err != nil {
		t.Fatal(err)
	}
	both := `  - {name: create, match: "POST /accounts", shadow: {run: both}}` + "\n"
	r := newRig(t, options{rollback: "header", more: both, change: func(c *Config) { c.Reports = rep }})
	r.out = rep
	r.proved(t)

	ctx, stop := context.WithCancel(context.Background())
	written := make(chan error)
	go func() { written <- rep.Run(ctx) }()

	price := func(p string) string { return `{"id":1,"price":"` + p + `"}` }
	r.legacy.change(func(s *server) { s.app = answer(200, price("10.00")) })
	r.new.change(func(s *server) { s.app = sequence(price("10.00"), price("10.01")) })
	offer := func() {
		r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, r.live(routes.Legacy, 200, price("10.00")))
	}
	offer()
	eventually(t, "the first is asked", func() bool { return len(r.new.requests()) == 1 })
	offer()
	r.Offer(r.ask("show", "GET", "/accounts/1", ""), routes.Legacy, Answer{})
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	counted := func(route string) reports.RouteReport {
		list, err := rep.Report(t.Context(), reports.Filter{Route: route})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return reports.RouteReport{}
		}
		return list[0]
	}
	eventually(t, "all is in the report", func() bool {
		return counted("show").Compared == 2 && counted("create").Compared == 1
	})
	if c := counted("show"); c.Matched != 1 || c.Mismatched != 1 || c.Skipped[reports.SkipAborted] != 1 || c.Errors != 0 || c.Dropped != 0 {
		t.Errorf("show: %+v", c)
	}
	if c := counted("create"); c.Mismatched != 1 {
		t.Errorf("create: %+v", c)
	}
	r.stop()
	<-r.done
	offer()
	eventually(t, "the drop is in the report", func() bool { return counted("show").Dropped == 1 })

	stop()
	if err := <-written; err != nil {
		t.Error(err)
	}
	groups, err := rep.Differences(t.Context(), reports.Filter{Route: "show", Path: "$.price"})
	if err != nil {
		t.Fatal(err)
	}
	if len(groups) != 1 || groups[0].Path != "$.price" || groups[0].Kind != "value" || groups[0].Verdict != "mismatch" || groups[0].Count != 1 {
		t.Errorf("differences of show: %+v", groups)
	}
}
