//go:build !race

package wire

const hugeBody = 3 << 30
