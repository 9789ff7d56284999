//go:build race

package routes

// raceDetector says that the race detector is on: sync.Pool then forgets on
// purpose, and allocations can not be counted.
const raceDetector = true
