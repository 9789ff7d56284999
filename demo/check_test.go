package demo

import (
	"slices"
	"strings"
	"testing"
)

// asPlanted is what a demo that works finds.
func asPlanted() evidence {
	e := evidence{
		want:   stock{Accounts: 30, Entries: 970, Cents: 4711},
		have:   stock{Accounts: 30, Entries: 970, Cents: 4711},
		routes: []routeReport{{Name: slower, Compared: 30, Legacy: latency{1.2}, New: latency{9.1}}},
	}
	for _, p := range plants {
		g := group{Route: p.Route, Path: p.Path, Kind: p.Kind, Verdict: p.Verdict, Count: 3}
		if p.Verdict == "forgiven" {
			g.Reason = "timestamp"
		} else if p.Kind == "writes" {
			g.Samples = []sample{{Legacy: `insert {"id":7,"action":"deposit"}`}}
		}
		e.differences = append(e.differences, g)
	}
	return e
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*evidence)
		want   string // in the only fault; "" for none
	}{
		{"as planted", func(*evidence) {}, ""},
		{"what is transient: nobody changes what another reads", func(e *evidence) {
			e.differences = append(e.differences, group{Route: "accounts.list", Path: "$.items[*].name", Kind: "value", Verdict: "transient", Count: 1})
		}, "not planted: accounts.list $.items[*].name value, transient"},
		{"a field of the head that is free", func(e *evidence) {
			e.differences = append(e.differences, group{Route: "accounts.list", Path: "header:Date", Kind: "header", Verdict: "forgiven", Reason: "volatile header", Count: 1})
		}, ""},
		{"a plant that was not found", func(e *evidence) { e.differences = e.differences[1:] }, "not found: accounts.statement $.fee value"},
		{"a difference that was not planted", func(e *evidence) {
			e.differences = append(e.differences, group{Route: "accounts.list", Path: "$.items", Kind: "length", Verdict: "mismatch", Count: 2})
		}, "not planted: accounts.list $.items length, mismatch, 2 times"},
		{"noise", func(e *evidence) {
			e.differences = append(e.differences, group{Route: "accounts.list", Path: "$.items", Kind: "length", Verdict: "noise", Count: 2})
		}, "not planted: accounts.list $.items length, noise"},
		{"more forgiven than planted", func(e *evidence) {
			e.differences = append(e.differences, group{Route: "accounts.show", Path: "$.created_at", Kind: "value", Verdict: "forgiven", Reason: "timestamp", Count: 2})
		}, "not planted: accounts.show $.created_at value, forgiven"},
		{"rows that were not read in time", func(e *evidence) {
			e.differences = append(e.differences, group{Route: "accounts.deposit", Path: "table:audit_log", Kind: "footprint", Verdict: "mismatch", Count: 1})
		}, ""},
		{"a forgotten row that is not shown", func(e *evidence) {
			for i := range e.differences {
				if e.differences[i].Kind == "writes" {
					e.differences[i].Samples = []sample{{Legacy: "inserted 1, updated 0, deleted 0"}}
				}
			}
		}, "the row that the new service forgets is not shown"},
		{"a row that a shadow has left", func(e *evidence) { e.have.Audits++ }, "a shadow has left something"},
		{"a leak", func(e *evidence) { e.routes[0].Leak = "no acknowledgement" }, "a leak is suspected: no acknowledgement"},
		{"an error", func(e *evidence) { e.routes[0].Errors = 2 }, "2 comparisons ended in an error"},
		{"a new service that is as fast", func(e *evidence) { e.routes[0].New.P50 = 1.2 }, "new is not slower"},
		{"a client with a wrong answer", func(e *evidence) { e.wrong = []string{"GET /: EOF", "GET /: EOF"} }, "answered wrongly, 2 times: GET /: EOF"},
	} {
		e := asPlanted()
		c.change(&e)
		planted, faults := check(e)
		if len(planted) != len(plants) {
			t.Errorf("%s: %d plants in the answer, want all %d", c.reason, len(planted), len(plants))
		}
		switch {
		case c.want == "" && len(faults) > 0:
			t.Errorf("%s: faults %q", c.reason, faults)
		case c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.want)):
			t.Errorf("%s: faults %q, want one with %q", c.reason, faults, c.want)
		}
	}
}

func TestACheckWithoutTheSlowRouteFails(t *testing.T) {
	e := asPlanted()
	e.routes = nil
	if _, faults := check(e); !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, slower) }) {
		t.Errorf("faults %q, want one that names %s", faults, slower)
	}
}
