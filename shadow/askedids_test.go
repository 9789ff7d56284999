package shadow

import (
	"testing"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// TestAskedForIDIsNotGenerated holds that the comparison knows what was asked:
// another record than the one that the request names is a mismatch, although
// its id looks like one that was made up.
func TestAskedForIDIsNotGenerated(t *testing.T) {
	const asked, other = "6f2f7e8c-1b8f-4a53-9d6e-0f3c5a7b9d11", "0b8e1c62-93d4-4f17-8a2b-5c6d7e8f9a0b"
	for _, c := range []struct {
		reason, target, legacy, new string
		verdict                     reports.Verdict
	}{
		{"new answers with another record", "/accounts/" + asked, `{"id":"` + asked + `"}`, `{"id":"` + other + `"}`, reports.Mismatch},
		{"new's answer has legacy's id in another place", "/accounts/7", `{"id":"` + asked + `","of":"` + asked + `"}`, `{"id":"` + other + `","of":"` + asked + `"}`, reports.Mismatch},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := newRig(t, options{}).run(t)
			r.legacy.change(func(s *server) { s.app = sequence(c.legacy) })
			r.new.change(func(s *server) { s.app = sequence(c.new) })
			r.Offer(r.ask("show", "GET", c.target, ""), routes.Legacy, r.live(routes.Legacy, 200, c.legacy))
			got := r.ledger.compared(t)
			if got.Verdict != c.verdict || len(got.Differences) != 1 || got.Differences[0].Path != "$.id" || got.Differences[0].Kind != compare.KindValue {
				t.Errorf("%s with %+v, want %s at $.id", got.Verdict, got.Differences, c.verdict)
			}
		})
	}
}
