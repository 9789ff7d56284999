package admin

// pair says which of legacy's elements stands beside which of new's; -1 where a
// side has none.
type pair struct{ legacy, new int }

// maxAlign bounds the table that is needed to line up what lies between an
// equal beginning and an equal end.
const maxAlign = 1 << 20

// align lines up two lists by their longest common part. Elements between two
// equal ones stand beside each other as far as there are any on both sides.
func align(legacy, new int, equal func(i, j int) bool) []pair {
	head := 0
	for head < legacy && head < new && equal(head, head) {
		head++
	}
	tail := 0
	for tail < legacy-head && tail < new-head && equal(legacy-1-tail, new-1-tail) {
		tail++
	}
	var pairs []pair
	for i := range head {
		pairs = append(pairs, pair{i, i})
	}
	l, n := legacy-head-tail, new-head-tail
	if l*n > maxAlign {
		pairs = beside(pairs, head, head+l, head, head+n)
	} else {
		pairs = alignMiddle(pairs, head, l, n, equal)
	}
	for i := range tail {
		pairs = append(pairs, pair{legacy - tail + i, new - tail + i})
	}
	return pairs
}

// alignMiddle lines up l and n elements from head on by the lengths of their
// longest common subsequences.
func alignMiddle(pairs []pair, head, l, n int, equal func(i, j int) bool) []pair {
	longest := make([][]int32, l+1) // [i][j]: of the elements from i and j on
	for i := range longest {
		longest[i] = make([]int32, n+1)
	}
	for i := l - 1; i >= 0; i-- {
		for j := n - 1; j >= 0; j-- {
			if equal(head+i, head+j) {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	i, j, fromI, fromJ := 0, 0, 0, 0 // from: where the elements without a partner began
	for i < l && j < n {
		switch {
		case equal(head+i, head+j):
			pairs = beside(pairs, head+fromI, head+i, head+fromJ, head+j)
			pairs = append(pairs, pair{head + i, head + j})
			i, j = i+1, j+1
			fromI, fromJ = i, j
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return beside(pairs, head+fromI, head+l, head+fromJ, head+n)
}

// beside puts elements without a partner beside each other.
func beside(pairs []pair, i, iEnd, j, jEnd int) []pair {
	for i < iEnd || j < jEnd {
		p := pair{-1, -1}
		if i < iEnd {
			p.legacy = i
			i++
		}
		if j < jEnd {
			p.new = j
			j++
		}
		pairs = append(pairs, p)
	}
	return pairs
}
