package reports

import (
	"fmt"

	"github.com/quackproxy/quack/internal/wording"
)

// Share is the share of compared requests that mismatch or are noise, 0 when
// nothing was compared. Noise counts here: where legacy keeps differing from
// itself nobody knows what the new side does, until a rule says what may differ.
func (r RouteReport) Share() float64 {
	if r.Compared == 0 {
		return 0
	}
	return float64(r.Mismatched+r.Noise) / float64(r.Compared)
}

// Above says why a route is above a limit of Share, from 0 to 1, or has a
// suspected leak; "" when it is neither.
func (r RouteReport) Above(limit float64) string {
	switch {
	case r.Leak != "":
		return "leak suspected: " + wording.Visible(r.Leak)
	case r.Share() > limit:
		return fmt.Sprintf("%s mismatched and %s noise of %s compared (%s)", wording.Number(r.Mismatched), wording.Number(r.Noise), wording.Number(r.Compared), wording.Percent(r.Share()))
	}
	return ""
}
