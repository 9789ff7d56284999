//go:build race

package compare_test

// lessUnderRace divides the sizes of the longest tests: the race detector makes
// them many times slower, and what it looks for shows in few rounds.
const lessUnderRace = 8
