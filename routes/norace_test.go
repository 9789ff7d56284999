//go:build !race

package routes

const raceDetector = false
