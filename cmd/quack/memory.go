package main

// ballastBytes is how much garbage may gather before it is collected, beside as
// much as there is in use. Most of what a request needs is garbage a moment
// later and little is in use, so that without it the collector would run a
// dozen times a second and take a tenth of the CPU time.
const ballastBytes = 32 << 20

// ballast counts as memory in use, which is what the collector goes by (GOGC).
// Nobody writes to it, so that it takes no memory of the machine.
func ballast() []byte { return make([]byte, ballastBytes) }
