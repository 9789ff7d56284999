package routes

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// ramp is a route at ramp with a share of clients on new, and a sample.
func ramp(t testing.TB, name string, percent, sample float64) *Route {
	return route(t, "name: "+name, "match: GET /"+name, "stage: ramp",
		fmt.Sprintf("percent: %v", percent), fmt.Sprintf("shadow: {sample: %v%%}", sample*100))
}

// TestPlacesAreFixed holds the hash: a change of it would move clients between
// sides in all installations. The values were computed apart from this code.
func TestPlacesAreFixed(t *testing.T) {
	for _, c := range []struct {
		salt, client string
		want         float64
	}{
		{"ramp:accounts.show", "", 0.708968820203153},
		{"ramp:accounts.show", "1", 0.563675281759601},
		{"ramp:accounts.show", "alice@example.com", 0.048315091404860},
		{"sample:accounts.show", "1", 0.503192612553822},
		{"ramp:accounts.search", "192.0.2.7", 0.504490634443147},
	} {
		if got := place(seed(c.salt), c.client); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("place(%q, %q) = %.15f, want %.15f", c.salt, c.client, got, c.want)
		}
	}
}

// TestShares: with n clients a share p is met within five standard deviations,
// for consecutive numbers as for addresses.
func TestShares(t *testing.T) {
	const n = 20000
	for _, clients := range []string{"%d", "user-%06d@example.com", "10.0.%d.7"} {
		for _, percent := range []float64{0, 0.5, 1, 25, 50, 99, 100} {
			r := ramp(t, "a", percent, percent/100)
			onNew, sampled := 0, 0
			for i := range n {
				client := fmt.Sprintf(clients, i)
				if r.LiveSide(client, true) == New {
					onNew++
				}
				if r.Shadowed(client) {
					sampled++
				}
			}
			p := percent / 100
			tolerance := 5 * math.Sqrt(p*(1-p)/n)
			for what, got := range map[string]int{"on new": onNew, "in the sample": sampled} {
				if share := float64(got) / n; math.Abs(share-p) > tolerance {
					t.Errorf("clients %q, %v%%: %v of them are %s", clients, percent, share, what)
				}
			}
		}
	}
}

// TestRaisingOnlyAdds: no client goes back to legacy when the percent is raised,
// and none leaves the sample.
func TestRaisingOnlyAdds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		client := rapid.String().Draw(rt, "client")
		low := float64(rapid.IntRange(0, 100).Draw(rt, "low"))
		high := float64(rapid.IntRange(int(low), 100).Draw(rt, "high"))
		before, after := ramp(t, "a", low, low/100), ramp(t, "a", high, high/100)
		if before.LiveSide(client, true) == New && after.LiveSide(client, true) != New {
			rt.Fatalf("%q goes back to legacy from %v%% to %v%%", client, low, high)
		}
		if before.Shadowed(client) && !after.Shadowed(client) {
			rt.Fatalf("%q leaves the sample from %v%% to %v%%", client, low, high)
		}
		if before.LiveSide(client, false) != Legacy || after.LiveSide(client, false) != Legacy {
			rt.Fatalf("a client that is not recognised is not on legacy")
		}
	})
}

// TestChoicesAreIndependent: half of those on new are in a sample of half, and
// half of those on new at one route are on new at another.
func TestChoicesAreIndependent(t *testing.T) {
	const n = 20000
	a, b := ramp(t, "a", 50, 0.5), ramp(t, "b", 50, 0.5)
	both := map[string]int{}
	for i := range n {
		client := fmt.Sprint(i)
		if a.LiveSide(client, true) == New {
			if a.Shadowed(client) {
				both["ramp and sample"]++
			}
			if b.LiveSide(client, true) == New {
				both["two ramps"]++
			}
		}
		if a.Shadowed(client) && b.Shadowed(client) {
			both["two samples"]++
		}
	}
	if len(both) != 3 {
		t.Fatalf("%v", both)
	}
	for what, got := range both {
		if share := float64(got) / n; math.Abs(share-0.25) > 5*math.Sqrt(0.25*0.75/n) {
			t.Errorf("%s: %v are in both, want a quarter", what, share)
		}
	}
}

func TestSidesByStage(t *testing.T) {
	for _, c := range []struct {
		stage    Stage
		live     Side
		shadowed bool
	}{
		{StageLegacy, Legacy, false},
		{StageShadow, Legacy, true},
		{StageVerify, New, true},
		{StageNew, New, false},
	} {
		r := route(t, "match: GET /a", "stage: "+string(c.stage))
		for _, known := range []bool{true, false} {
			if got := r.LiveSide("x", known); got != c.live {
				t.Errorf("stage %s: live side %s, want %s", c.stage, got, c.live)
			}
		}
		if got := r.Shadowed("x"); got != c.shadowed {
			t.Errorf("stage %s: shadowed %v, want %v", c.stage, got, c.shadowed)
		}
	}
	none := route(t, "match: GET /a", "stage: shadow", "shadow: {sample: 0%}")
	all := route(t, "match: GET /a", "stage: shadow")
	for i := range 1000 {
		if client := fmt.Sprint(i); none.Shadowed(client) || !all.Shadowed(client) {
			t.Fatalf("client %s: sample 0%% %v, sample 100%% %v", client, none.Shadowed(client), all.Shadowed(client))
		}
	}
}
