package admin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/reports"
)

func TestTryRule(t *testing.T) {
	w := newWorld(t)
	w.plant()
	tests := []struct {
		reason, route, rule string
		settled, forgiven   int
		status              int
		says                string
	}{
		{"settles the planted one", "", `{path: $.price, tolerance: 1}`, 1, 1, 0, ""},
		{"on its route", "accounts.show", `- {path: $.price, tolerance: 1}`, 1, 1, 0, ""},
		{"on another route", "invoices.list", `{path: $.price, tolerance: 1}`, 0, 0, 0, ""},
		{"too narrow", "", `{path: $.price, tolerance: 0.001}`, 0, 0, 0, ""},
		{"refused as in the file", "", `{path: $, ignore: true}`, 0, 0, 422, "rule:1:8: ignore of \"$\" forgives a whole answer\n  name the fields that may differ"},
		{"no such route", "accounts.shown", `{path: $.price, tolerance: 1}`, 0, 0, 404, "accounts.show"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			got, err := w.client.TryRule(t.Context(), tt.route, tt.rule)
			var p *admin.Problem
			if tt.status != 0 {
				if !errors.As(err, &p) || p.Status != tt.status || !strings.Contains(p.Detail, tt.says) {
					t.Fatalf("%v, want status %d that says %q", err, tt.status, tt.says)
				}
				return
			}
			if err != nil || got.Settled() != tt.settled || got.Forgiven != tt.forgiven || got.Route != tt.route {
				t.Fatalf("%+v, %v; want %d settled, %d forgiven", got, err, tt.settled, tt.forgiven)
			}
			for _, v := range got.Verdicts {
				if v.Stored != v.Match+v.Change+v.Stay+v.Worse+v.Already+v.CanNotSay {
					t.Errorf("%+v: stored is not the sum", v)
				}
			}
			if got.Forgiven > 0 && (got.Places[0].Path != "$.price" || got.Places[0].Samples[0].ID != "planted") {
				t.Errorf("places %+v", got.Places)
			}
		})
	}
	// The evidence is as it was.
	if c, err := w.client.Comparison(t.Context(), "planted"); err != nil || c.Verdict != reports.Mismatch {
		t.Errorf("planted is %+v, %v", c, err)
	}
}
