// Package lineup puts two lists beside each other by their longest common part,
// so that a person sees what one has in place of what the other has.
//
// Start with [Align]. It looks at elements by their numbers alone: whether two are
// equal is the caller's to say.
package lineup

// Pair is an element of legacy beside one of new, by their numbers; -1 where a
// side has none there.
type Pair struct{ Legacy, New int }

// Span is a part of two lists: legacy's elements from I to before IEnd, and new's
// from J to before JEnd.
type Span struct{ I, IEnd, J, JEnd int }

// Align lines up the elements of s by a longest common subsequence. What lies
// between two equal ones is given to rest ([InOrder], [Apart]). It takes memory for
// legacy's × new's elements between an equal beginning and an equal end, 4 bytes
// each; where these are more than most, all of them are given to rest.
func Align(s Span, most int, equal func(i, j int) bool, rest func(Span) []Pair) []Pair {
	var pairs, tail []Pair
	for s.I < s.IEnd && s.J < s.JEnd && equal(s.I, s.J) {
		pairs = append(pairs, Pair{s.I, s.J})
		s.I, s.J = s.I+1, s.J+1
	}
	for s.I < s.IEnd && s.J < s.JEnd && equal(s.IEnd-1, s.JEnd-1) {
		s.IEnd, s.JEnd = s.IEnd-1, s.JEnd-1
		tail = append(tail, Pair{s.IEnd, s.JEnd})
	}
	if (s.IEnd-s.I)*(s.JEnd-s.J) <= most {
		for _, c := range common(s, equal) {
			pairs = append(pairs, rest(Span{s.I, c.Legacy, s.J, c.New})...)
			pairs = append(pairs, c)
			s.I, s.J = c.Legacy+1, c.New+1
		}
	}
	pairs = append(pairs, rest(s)...)
	for k := len(tail) - 1; k >= 0; k-- {
		pairs = append(pairs, tail[k])
	}
	return pairs
}

// common is a longest common subsequence.
func common(s Span, equal func(i, j int) bool) []Pair {
	rows, columns := s.IEnd-s.I, s.JEnd-s.J
	if rows == 0 || columns == 0 {
		return nil
	}
	longest := make([]int32, (rows+1)*(columns+1)) // of the elements from i and j on
	at := func(i, j int) *int32 { return &longest[(i-s.I)*(columns+1)+j-s.J] }
	for i := s.IEnd - 1; i >= s.I; i-- {
		for j := s.JEnd - 1; j >= s.J; j-- {
			if equal(i, j) {
				*at(i, j) = *at(i+1, j+1) + 1
			} else {
				*at(i, j) = max(*at(i+1, j), *at(i, j+1))
			}
		}
	}
	var pairs []Pair
	for i, j := s.I, s.J; i < s.IEnd && j < s.JEnd; {
		switch {
		case equal(i, j):
			pairs = append(pairs, Pair{i, j})
			i, j = i+1, j+1
		case *at(i+1, j) >= *at(i, j+1):
			i++
		default:
			j++
		}
	}
	return pairs
}

// InOrder puts elements beside each other as they come.
func InOrder(s Span) []Pair {
	var pairs []Pair
	for ; s.I < s.IEnd && s.J < s.JEnd; s.I, s.J = s.I+1, s.J+1 {
		pairs = append(pairs, Pair{s.I, s.J})
	}
	return append(pairs, Apart(s)...)
}

// Apart gives each element a place of its own, legacy's first.
func Apart(s Span) []Pair {
	var pairs []Pair
	for ; s.I < s.IEnd; s.I++ {
		pairs = append(pairs, Pair{s.I, -1})
	}
	for ; s.J < s.JEnd; s.J++ {
		pairs = append(pairs, Pair{-1, s.J})
	}
	return pairs
}
