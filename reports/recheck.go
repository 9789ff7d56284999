package reports

import "fmt"

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

// SuspectText says why a comparison is suspect.
const SuspectText = "new does not agree with itself, or the world moved between the two calls"
