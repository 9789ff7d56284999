//go:build race

package reports

// lessUnderRace divides the rounds of the longest tests: the race detector makes
// the store some ten times as slow, and looks for races, not for sums. All rounds are
// of make rounds.
const lessUnderRace = 4
