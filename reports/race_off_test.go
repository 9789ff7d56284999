//go:build !race

package reports

const lessUnderRace = 1
