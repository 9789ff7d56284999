package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// words are a verdict in words, with the class that colours it: "good", "bad",
// "warn", "calm", "moved" or "idle".
type words struct{ Class, Text string }

// routeState says where a route stands on its way.
func routeState(r *reports.RouteReport) state {
	switch stage := routes.Stage(r.Stage); {
	case r.Leak != "":
		return stateDiffers
	case stage == routes.StageNew:
		return stateMoved
	case stage == routes.StageLegacy, stage == "":
		return stateIdle
	case r.Readiness.Ready:
		return stateReady
	case r.Mismatched > 0:
		return stateDiffers
	}
	return stateWaits
}

// routeWords say where a route stands, in a few words.
func routeWords(r *reports.RouteReport) words {
	switch s := routeState(r); {
	case r.Leak != "":
		return words{"bad", "leak suspected"}
	case s == stateMoved, s == stateIdle:
		return words{s.Class(), stillWords(r)}
	case s == stateReady:
		return words{"good", "ready"}
	case s == stateDiffers:
		return words{"bad", fmt.Sprintf("%s of %s differ (%s)", num(r.Mismatched), num(r.Compared), percent(share(r.Mismatched, r.Compared)))}
	case r.Compared == 0:
		return uncomparedWords(r)
	}
	return words{"warn", "not ready yet"}
}

// stillWords are for a stage at which nothing is compared.
func stillWords(r *reports.RouteReport) string {
	text := "not compared at this stage"
	if routes.Stage(r.Stage) == routes.StageNew {
		text = "moved"
	}
	if r.Mismatched > 0 {
		text += fmt.Sprintf("; before, %s of %s differed", num(r.Mismatched), num(r.Compared))
	}
	return text
}

// routeSays is the gravest of what keeps a route from being ready, and how much
// else does; of one that is ready what is to be known all the same. It is "" where
// the words have said all.
func routeSays(r *reports.RouteReport) string {
	missing := r.Readiness.Missing
	switch s := routeState(r); {
	case r.Leak != "":
		return "writes are not shadowed until it is reset"
	case s == stateMoved, s == stateIdle, r.Compared == 0:
		return ""
	case s == stateReady: // the numbers stand beside it
		_, reserve, _ := strings.Cut(r.Readiness.Says, "; ")
		return reserve
	case len(missing) > 1:
		return fmt.Sprintf("%s; and %s more", missing[0], num(len(missing)-1))
	}
	return r.Readiness.Says
}

// fullSays is the whole of it, "" where Missing lists its parts.
func fullSays(r *reports.RouteReport) string {
	if len(r.Readiness.Missing) > 1 {
		return ""
	}
	return r.Readiness.Says
}

func uncomparedWords(r *reports.RouteReport) words {
	var most string
	var skipped int64
	for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
		skipped += r.Skipped[reason]
		if most == "" || r.Skipped[reason] > r.Skipped[most] {
			most = reason
		}
	}
	switch {
	case r.Errors > 0:
		return words{"warn", fmt.Sprintf("%s answers could not be compared", num(r.Errors))}
	case r.Dropped > 0:
		return words{"warn", fmt.Sprintf("%s comparisons dropped, none made", num(r.Dropped))}
	case skipped > 0:
		return words{"warn", fmt.Sprintf("nothing compared: %s skipped, most for %s", num(skipped), most)}
	}
	return words{"calm", "waits for traffic"}
}

func share(n, of int64) float64 { return float64(n) / float64(of) }

// placeWords are the verdict of one place.
func placeWords(verdict string) words {
	switch reports.Verdict(verdict) {
	case reports.Mismatch:
		return words{"bad", verdict}
	case reports.Transient, reports.Noise:
		return words{"warn", verdict}
	}
	return words{"calm", verdict}
}

func ruleWords(u reports.RuleUse) words {
	switch {
	case u.Attention():
		return words{"warn", u.Says()}
	case u.State == reports.RuleInUse:
		return words{"good", u.Says()}
	}
	return words{"calm", u.Says()}
}

func comparisonWords(c reports.Comparison) words {
	switch c.Verdict {
	case reports.Match:
		return words{"good", "match"}
	case reports.Error:
		return words{"warn", "not compared"}
	}
	return placeWords(string(c.Verdict))
}

// paceWords says how the two sides' latencies of the same request stand to each
// other; of counts from before there were ratios, how their medians do.
func paceWords(r *reports.RouteReport) string {
	ratio := r.Ratio.P50
	if ratio <= 0 && r.Legacy.P50 > 0 {
		ratio = r.New.P50 / r.Legacy.P50
	}
	switch {
	case ratio <= 0:
		return ""
	case ratio > 1.15:
		return fmt.Sprintf("At the median the new side takes %.1f times as long.", ratio)
	case ratio < 0.87:
		return fmt.Sprintf("At the median the new side is %.1f times as fast.", 1/ratio)
	}
	return "At the median both sides take about the same time."
}

// kindMeans says what a kind of difference means.
func kindMeans(kind string) string {
	means, known := map[compare.Kind]string{
		compare.KindValue:     "Another value",
		compare.KindType:      "Another JSON type",
		compare.KindMissing:   "Legacy has it, new does not",
		compare.KindAdded:     "New has it, legacy does not",
		compare.KindOrder:     "The same elements in another order",
		compare.KindLength:    "Lists of another length",
		compare.KindFormat:    "The same meaning in another format",
		compare.KindStatus:    "Another status",
		compare.KindHeader:    "Another header field",
		compare.KindBody:      "Another body",
		compare.KindFootprint: "Other rows written",
		compare.KindWrites:    "Other writes",
	}[compare.Kind(kind)]
	if !known {
		return kind
	}
	return means
}
