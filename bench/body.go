package main

import (
	"bytes"
	"fmt"
	"time"
)

// Lengths of the answers' bodies.
const (
	small = 1 << 10
	large = 64 << 10
)

// Paths of the answers, and a body's length for each.
var lengths = map[string]int{"small": small, "large": large}

// body is a JSON answer of exactly length bytes: orders, with members that
// vary from side to side. trace and seen_at are as different as answers of two
// servers are that took the same request: seen_at by a second or two, trace
// altogether. Their lengths are the same for all sides, so that nothing else
// differs.
func body(length int, side string, at time.Time) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"trace":"%-8s0123456789abcdef","seen_at":%q,"orders":[`, side, at.UTC().Format("2006-01-02T15:04:05.000Z"))
	const end, order = `],"note":""}`, 200
	for i := 0; b.Len()+order+len(end) < length; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"customer":{"name":"Customer number %d","active":true},"items":[{"sku":"A-%d","quantity":3,"price":19.99}],"total":59.97}`, i, i, i)
	}
	rest := length - b.Len() - len(end)
	fmt.Fprintf(&b, `],"note":"%s"}`, bytes.Repeat([]byte("n"), rest))
	return b.Bytes()
}
