package reports

import (
	"context"
	"os"
	"slices"
	"strings"
)

// measures are what is counted of one comparison beside its verdict. They are
// worked out before a lock is taken.
type measures struct {
	compared    bool // false: the verdict is Error, and only timedOut is of interest
	timedOut    bool
	legacy, new uint16 // classes of latencies
	ratio       uint16 // class of their ratio
	hasRatio    bool   // both latencies are known
	statuses    [2]int // legacy, new
	first       int    // 0 legacy, 1 new, -1 neither
	writes      string // level; "" when no writes were compared
}

func measure(c *Comparison) measures {
	if c.Verdict == Error {
		return measures{timedOut: isTimeout(c.Err)}
	}
	return measures{
		compared: true,
		legacy:   classOf(c.Legacy.Latency), new: classOf(c.New.Latency),
		ratio: ratioClass(c.Legacy.Latency, c.New.Latency), hasRatio: c.Legacy.Latency > 0 && c.New.Latency > 0,
		statuses: [2]int{c.Legacy.Answer.Status, c.New.Answer.Status},
		first:    slices.Index(sideNames[:2], c.First), writes: c.Writes,
	}
}

// isTimeout reports whether the text of an error is of one in which time ran
// out: an answer that broke off has no more than the text.
func isTimeout(text string) bool {
	return strings.Contains(text, os.ErrDeadlineExceeded.Error()) || strings.Contains(text, context.DeadlineExceeded.Error())
}
