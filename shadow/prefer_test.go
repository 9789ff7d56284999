package shadow

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// preferring is an application that takes Prefer: tx=rollback, as PostgREST
// does: its errors say nothing of preferences.
func preferring(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wants := preferences(r.Header.Values("Prefer")); status < 400 && slices.Contains(wants, txRollback) {
			w.Header().Set("Preference-Applied", strings.Join(wants, ", "))
		}
		answer(status, body)(w, r)
	})
}

func TestPreferredRollback(t *testing.T) {
	r := newRig(t, options{rollback: "prefer", more: writing})
	for _, s := range []*server{r.legacy, r.new} {
		s.change(func(s *server) { s.real = preferring(201, `{"name":"Ada"}`) })
	}
	r.proved(t)
	if got := r.new.requests(); len(got) == 0 || got[0].Method != "GET" || got[0].Target != "/" {
		t.Fatalf("asked for a proof by %+v", got)
	}
	asked := r.ask("create", "POST", "/accounts", `{"name":"Ada"}`)
	asked.Header.Set("Prefer", "return=representation, tx=commit")
	p := r.Before(t.Context(), asked, routes.Legacy)
	got := r.new.requests()
	sent := got[len(got)-1]
	if sent.Method != "POST" || strings.Join(sent.Header.Values("Prefer"), "|") != "return=representation|tx=rollback" || sent.Header.Get("Quack-Shadow") != "" {
		t.Fatalf("sent %+v", sent)
	}
	live := r.live(routes.Legacy, 201, `{"name":"Ada"}`)
	live.Exchange.Header.Set("Preference-Applied", "return=representation")
	p.Live(live)
	if c := r.ledger.compared(t); c.Verdict != reports.Match {
		t.Errorf("recorded %+v", c)
	}
}

func TestPreferredErrors(t *testing.T) {
	r := newRig(t, options{rollback: "prefer", more: writing})
	for _, s := range []*server{r.legacy, r.new} {
		s.change(func(s *server) { s.real = preferring(200, `{}`) })
	}
	r.proved(t)
	r.new.change(func(s *server) { s.real = preferring(409, `{"code":"23505"}`) })
	r.write("create").Live(r.live(routes.Legacy, 409, `{"code":"23505"}`))
	r.ledger.skipped(t, reports.SkipUnconfirmed)
	if r.latches.Latched("create") {
		t.Error("an error latched the route")
	}
	r.new.change(func(s *server) { s.real = answer(201, `{"id":7}`) })
	r.write("create").Live(r.live(routes.Legacy, 201, `{"id":7}`))
	r.ledger.skipped(t, reports.SkipLatched)
	if !r.latches.Latched("create") {
		t.Error("a success that was not undone did not latch the route")
	}
}

func TestPreferredIsNotProvedByOneThatDoesNotSayIt(t *testing.T) {
	r := newRig(t, options{rollback: "prefer", more: writing})
	for _, s := range []*server{r.legacy, r.new} {
		s.change(func(s *server) { s.real = answer(200, `{}`) })
	}
	r.run(t)
	eventually(t, "the instances have been asked", func() bool {
		for _, p := range r.Proofs() {
			if !strings.Contains(p.Detail, "no Preference-Applied") {
				return false
			}
		}
		return true
	})
	r.write("create").Live(r.live(routes.Legacy, 201, `{}`))
	r.ledger.skipped(t, reports.SkipNoProof)
}

func TestPreferenceApplied(t *testing.T) {
	for _, c := range []struct {
		reason string
		lines  []string
		ok     bool
		left   []string
	}{
		{"alone", []string{"tx=rollback"}, true, nil},
		{"in a list", []string{"return=minimal, tx=rollback"}, true, []string{"return=minimal"}},
		{"in another line", []string{"return=minimal", "TX=Rollback"}, true, []string{"return=minimal"}},
		{"nothing", nil, false, nil},
		{"another preference", []string{"return=minimal"}, false, nil},
		{"the other end", []string{"tx=commit"}, false, nil},
		{"both ends", []string{"tx=rollback, tx=commit"}, false, nil},
		{"in a quoted string", []string{`handling="a, tx=rollback"`}, false, nil},
		{"behind an escaped quote", []string{`x="\", tx=rollback"`}, false, nil},
	} {
		h := http.Header{"Preference-Applied": c.lines}
		_, err := preferenceApplied(h)
		if (err == nil) != c.ok || c.ok && !slices.Equal(h["Preference-Applied"], c.left) {
			t.Errorf("%s: %v, left %q", c.reason, err, h["Preference-Applied"])
		}
	}
}

// Whatever the client prefers, its own words but those of transactions go on,
// and there is one word of transactions.
func TestPreferRollbackKeepsTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.SampledFrom([]string{"return=minimal", "tx=commit", "TX = rollback", `a="x, y"`, "respond-async", "tx"})).Draw(t, "words")
		h := http.Header{}
		var want []string
		for i, w := range words {
			if !strings.HasPrefix(strings.ToLower(w), "tx") {
				want = append(want, w)
			}
			if i%2 == 0 {
				h.Add("Prefer", w)
			} else {
				last := h["Prefer"]
				last[len(last)-1] += ", " + w
			}
		}
		preferRollback(h)
		if got := preferences(h["Prefer"]); !slices.Equal(got, append(want, txRollback)) {
			t.Fatalf("%q", got)
		}
	})
}
