package compare

import (
	"bytes"
	"fmt"
)

// compareText compares bodies line by line, with as few differences as there
// are edits.
func compareText(legacy, new []byte, rules *Rules) *bodies {
	l, n := bytes.Split(legacy, []byte("\n")), bytes.Split(new, []byte("\n"))
	pairs := align(hashLines(l), hashLines(n))
	b := &bodies{places: len(pairs)}
	for _, p := range pairs {
		f := finding{Difference: Difference{Path: "body", Kind: KindValue}}
		switch {
		case p.new < 0:
			f.Kind, f.Legacy = KindMissing, show(l[p.legacy])
		case p.legacy < 0:
			f.Kind, f.New = KindAdded, show(n[p.new])
		case bytes.Equal(l[p.legacy], n[p.new]):
			continue
		default:
			f.Legacy, f.New = show(l[p.legacy]), show(n[p.new])
			f.judgeLine(rules, l[p.legacy], n[p.new])
		}
		f.At = fmt.Sprintf("body:%d", p.index()+1)
		b.found = append(b.found, f)
	}
	return b
}

// judgeLine forgives a line that is nothing but a timestamp, or differs in ids
// that look made up.
func (f *finding) judgeLine(rules *Rules, legacy, new []byte) {
	f.judge(rules, nil, "", string(bytes.TrimSpace(legacy)), string(bytes.TrimSpace(new)))
}

func hashLines(lines [][]byte) []uint64 {
	hashes := make([]uint64, len(lines))
	for i, line := range lines {
		hashes[i] = hashBytes(line)
	}
	return hashes
}
