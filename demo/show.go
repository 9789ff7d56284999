package demo

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
)

// verdict prints the report and checks it.
func (d *demo) verdict(ctx context.Context, before stock) error {
	report, err := output(ctx, d.env, d.Quack, "report", "--admin", d.admin)
	if err != nil {
		return err
	}
	fmt.Fprintln(d.Out, strings.TrimRight(report, "\n"))
	e, err := d.evidence(ctx, before)
	if err != nil {
		return err
	}
	planted, faults := check(e)
	d.print(e, planted)
	if len(faults) > 0 {
		return fmt.Errorf("the demo did not find what it should, and nothing else:\n  - %s", strings.Join(faults, "\n  - "))
	}
	return nil
}

func (d *demo) evidence(ctx context.Context, before stock) (e evidence, err error) {
	if e.routes, err = d.api.report(ctx); err != nil {
		return e, err
	}
	if e.differences, err = d.api.differences(ctx); err != nil {
		return e, err
	}
	if e.have, err = d.db.count(ctx); err != nil {
		return e, err
	}
	made, _, wrong := d.traffic.counted()
	e.want, e.wrong = before.plus(made), wrong
	return e, nil
}

// print shows what was planted and how often it was found.
func (d *demo) print(e evidence, planted []found) {
	fmt.Fprintln(d.Out, "\nPlanted, and found:")
	w := tabwriter.NewWriter(d.Out, 0, 0, 2, ' ', 0)
	for _, f := range planted {
		fmt.Fprintf(w, "  %d times\t%s\t%s\t%s\t%s\n", f.Count, f.Verdict, f.Route, f.Path, f.What)
	}
	w.Flush()
	for _, r := range e.routes {
		if r.Name == slower {
			fmt.Fprintf(d.Out, "  slower: %s, median %.1f ms in the shop, %.1f ms in the new service\n", r.Name, r.Legacy.P50, r.New.P50)
		}
	}
	fmt.Fprintf(d.Out, "\nRows that live requests should have left: %+v\nRows that are there:                      %+v\n", e.want, e.have)
}

// stay says where to look and keeps light traffic flowing until ctx ends.
func (d *demo) stay(ctx context.Context) error {
	link, err := output(ctx, d.env, d.Quack, "login", "--admin", d.admin)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.Out, `
The shop, through the proxy:  http://%s/
The admin pages:              http://%s/
Log in once with:             %s

In another terminal:          export QUACK_ADMIN=%s QUACK_ADMIN_TOKEN=%s
                              %s report
What is planted stands in demo/README.md. Light traffic goes on; Ctrl-C ends it.
`, d.proxy, d.admin, strings.TrimSpace(link), d.admin, d.token, d.Quack)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go d.traffic.trickle(ctx, done)
	select {
	case <-d.quack.ended:
		err = d.quack.failed()
	case <-ctx.Done():
	}
	cancel()
	<-done
	return err
}
