package reports

import (
	"fmt"
	"strconv"
)

// encodeTuples is the JSON array of n arrays of numbers. Counters are read and
// written each second: what encoding/json does by reflection took most of the
// time.
func encodeTuples(n int, tuple func(i int) []int64) []byte {
	b := append(make([]byte, 0, 2+12*n), '[')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, v := range tuple(i) {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, v, 10)
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

// decodeTuples calls each for the arrays of size numbers in a JSON array.
func decodeTuples(b []byte, size int, each func(tuple []int64)) error {
	if string(b) == "null" {
		return nil
	}
	var tuple [4]int64
	at, depth := 0, 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '[':
			depth, at = depth+1, 0
		case c == ']' && depth == 2:
			if at != size {
				return fmt.Errorf("an array of %d numbers, where there are %d", at, size)
			}
			depth--
			each(tuple[:size])
		case c == ']':
			depth--
		case c == '-' || '0' <= c && c <= '9':
			end := i + 1
			for end < len(b) && '0' <= b[end] && b[end] <= '9' {
				end++
			}
			n, err := strconv.ParseInt(string(b[i:end]), 10, 64)
			if err != nil || depth != 2 || at == len(tuple) {
				return fmt.Errorf("%q is not one of %d whole numbers in an array of arrays", b[i:end], size)
			}
			tuple[at], i = n, end-1
			at++
		case c == ',' || c == ' ' || c == '\n' || c == '\t' || c == '\r':
		default:
			return fmt.Errorf("%q in an array of arrays of numbers", c)
		}
	}
	return nil
}
