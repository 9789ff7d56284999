//go:build !race

package compare_test

const lessUnderRace = 1
