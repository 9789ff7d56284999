package reports

import (
	"fmt"
	"strings"

	"github.com/quackproxy/quack/internal/wording"
)

// RecheckText says how often both sides were asked again; "" where that is of
// no interest.
func (c Comparison) RecheckText() string {
	switch {
	case c.Unverified:
		return "generated ids not verified"
	case c.Rechecked == 1:
		return "re-checked once"
	case c.Rechecked > 1:
		return fmt.Sprintf("re-checked %d times", c.Rechecked)
	case c.Verdict == Mismatch:
		return "not re-checked"
	}
	return ""
}

// UnlistedText says how many places differ that are not listed; "" for none.
func (c Comparison) UnlistedText() string {
	if c.Unlisted == 0 {
		return ""
	}
	return wording.Count(int64(c.Unlisted), "more difference") + " not listed"
}

// PositionText names the places of which the elements were compared by position;
// "" for none.
func (c Comparison) PositionText() string {
	if len(c.ByPosition) == 0 {
		return ""
	}
	return "too many elements to look which stand for each other, so compared by position: " + strings.Join(c.ByPosition, ", ")
}

// SuspectText says why a comparison is suspect.
const SuspectText = "new does not agree with itself, or the world moved between the two calls"
