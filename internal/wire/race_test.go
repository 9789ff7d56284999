//go:build race

package wire

// The detector makes copying some ten times as slow.
const hugeBody = 256 << 20
