package reports

// besides is a line of legacy beside a line of new, by their places; -1 where a
// side has none there.
type besides struct{ legacy, new int }

// lineupMax bounds the table that lines up what lies between an equal beginning
// and an equal end; longer texts are put beside each other as they come.
const lineupMax = 4 << 20

// lineUp puts two texts beside each other by their longest common part. What
// lies between two equal lines is lined up by the names of members, where there
// are any, else in its order.
func lineUp(legacy, new []string) []besides {
	return align(legacy, new, 0, 0, func(i, j int) bool { return legacy[i] == new[j] }, func(i, iEnd, j, jEnd int) []besides {
		l, n := legacy[i:iEnd], new[j:jEnd]
		if len(l) == 0 || len(n) == 0 || !membersIn(l) || !membersIn(n) {
			return inOrder(i, iEnd, j, jEnd)
		}
		same := func(a, b int) bool {
			name := memberOf(legacy[a])
			return name != "" && name == memberOf(new[b])
		}
		return align(l, n, i, j, same, apart)
	})
}

// align lines up legacy and new, whose first lines are those with the numbers i
// and j, where equal says so; what lies between is given to rest.
func align(legacy, new []string, i, j int, equal func(i, j int) bool, rest func(i, iEnd, j, jEnd int) []besides) []besides {
	iEnd, jEnd := i+len(legacy), j+len(new)
	var pairs, tail []besides
	for i < iEnd && j < jEnd && equal(i, j) {
		pairs = append(pairs, besides{i, j})
		i, j = i+1, j+1
	}
	for i < iEnd && j < jEnd && equal(iEnd-1, jEnd-1) {
		iEnd, jEnd = iEnd-1, jEnd-1
		tail = append(tail, besides{iEnd, jEnd})
	}
	if (iEnd-i)*(jEnd-j) <= lineupMax {
		common := longestCommon(i, iEnd, j, jEnd, equal)
		for _, c := range common {
			pairs = append(pairs, rest(i, c.legacy, j, c.new)...)
			pairs = append(pairs, c)
			i, j = c.legacy+1, c.new+1
		}
	}
	pairs = append(pairs, rest(i, iEnd, j, jEnd)...)
	for k := len(tail) - 1; k >= 0; k-- {
		pairs = append(pairs, tail[k])
	}
	return pairs
}

// longestCommon is a longest common subsequence.
func longestCommon(i0, iEnd, j0, jEnd int, equal func(i, j int) bool) []besides {
	rows, columns := iEnd-i0, jEnd-j0
	if rows == 0 || columns == 0 {
		return nil
	}
	longest := make([]int32, (rows+1)*(columns+1)) // of the lines from i and j on
	at := func(i, j int) *int32 { return &longest[(i-i0)*(columns+1)+j-j0] }
	for i := iEnd - 1; i >= i0; i-- {
		for j := jEnd - 1; j >= j0; j-- {
			if equal(i, j) {
				*at(i, j) = *at(i+1, j+1) + 1
			} else {
				*at(i, j) = max(*at(i+1, j), *at(i, j+1))
			}
		}
	}
	var common []besides
	for i, j := i0, j0; i < iEnd && j < jEnd; {
		switch {
		case equal(i, j):
			common = append(common, besides{i, j})
			i, j = i+1, j+1
		case *at(i+1, j) >= *at(i, j+1):
			i++
		default:
			j++
		}
	}
	return common
}

// inOrder puts lines beside each other as they come.
func inOrder(i, iEnd, j, jEnd int) []besides {
	var pairs []besides
	for ; i < iEnd && j < jEnd; i, j = i+1, j+1 {
		pairs = append(pairs, besides{i, j})
	}
	return append(pairs, apart(i, iEnd, j, jEnd)...)
}

// apart gives each line a place of its own, legacy's first.
func apart(i, iEnd, j, jEnd int) []besides {
	var pairs []besides
	for ; i < iEnd; i++ {
		pairs = append(pairs, besides{i, -1})
	}
	for ; j < jEnd; j++ {
		pairs = append(pairs, besides{-1, j})
	}
	return pairs
}
