//go:build !linux

package compare_test

import "time"

var started = time.Now()

// threadTime is the time since the start, where that of one thread is not to be had.
func threadTime() time.Duration { return time.Since(started) }
