package compare

import (
	"bytes"
	"fmt"

	"github.com/quackproxy/quack/compare/internal/align"
	"github.com/quackproxy/quack/compare/internal/bytewise"
)

// lineWalk compares texts line by line.
type lineWalk struct {
	findings
	rules *Rules
	base  *base
}

// aligned compares texts with as few differences as there are edits.
func (w *lineWalk) aligned(l, n [][]byte) {
	pairs := align.Edits(hashLines(l), hashLines(n))
	w.levels[0].places = int32(len(pairs))
	for k, pair := range pairs {
		var legacy, new []byte
		kind := KindValue
		if pair.Legacy >= 0 {
			legacy = l[pair.Legacy]
		} else {
			kind = KindAdded
		}
		if pair.New >= 0 {
			new = n[pair.New]
		} else {
			kind = KindMissing
		}
		w.line(int32(k), pair.Index(), kind, legacy, new)
	}
}

// byPosition compares texts of very many lines: see Result.ByPosition.
func (w *lineWalk) byPosition(legacy, new []byte, count int) {
	w.positional = append(w.positional, w.base.wholeAt)
	w.levels[0].places = int32(count)
	moreL, moreN := true, true
	for k := int32(0); moreL || moreN; k++ {
		var l, n []byte
		kind := KindValue
		switch {
		case !moreL:
			kind = KindAdded
		case !moreN:
			kind = KindMissing
		}
		if moreL {
			l, legacy, moreL = bytes.Cut(legacy, []byte("\n"))
		}
		if moreN {
			n, new, moreN = bytes.Cut(new, []byte("\n"))
		}
		w.line(k, k, kind, l, n)
	}
}

// line compares one line, which has a number beginning at 0. It forgives one
// that is nothing but a timestamp, or differs in ids that look made up.
func (w *lineWalk) line(ordinal, number int32, kind Kind, legacy, new []byte) {
	if kind == KindValue && bytes.Equal(legacy, new) {
		return
	}
	f := finding{Difference: Difference{Path: w.base.whole, Kind: kind}, ordinal: ordinal}
	if kind == KindValue {
		f.judge(w.rules, nil, "", string(bytes.TrimSpace(legacy)), string(bytes.TrimSpace(new)))
	}
	if !w.keep(&f) {
		return
	}
	f.At = fmt.Sprintf("%s:%d", w.base.wholeAt, number+1)
	f.Legacy, f.New = show(legacy), show(new)
	w.found = append(w.found, f)
}

// lines is how many a text has.
func lines(text []byte) int { return bytes.Count(text, []byte("\n")) + 1 }

func splitLines(text []byte) [][]byte { return bytes.Split(text, []byte("\n")) }

func hashLines(lines [][]byte) []uint64 {
	hashes := make([]uint64, len(lines))
	for i, line := range lines {
		hashes[i] = bytewise.Hash(line)
	}
	return hashes
}
