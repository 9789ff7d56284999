package render

import "github.com/quackproxy/quack/internal/lineup"

// lineupMax bounds the table that lines up what lies between an equal beginning
// and an equal end; longer texts are put beside each other as they come.
const lineupMax = 4 << 20

// lineUp puts two texts beside each other by their longest common part. What
// lies between two equal lines is lined up by the names of members, where there
// are any, else in its order.
func lineUp(legacy, new []string) []lineup.Pair {
	same := func(i, j int) bool { return legacy[i] == new[j] }
	sameMember := func(i, j int) bool {
		name := memberOf(legacy[i])
		return name != "" && name == memberOf(new[j])
	}
	return lineup.Align(lineup.Span{IEnd: len(legacy), JEnd: len(new)}, lineupMax, same, func(s lineup.Span) []lineup.Pair {
		l, n := legacy[s.I:s.IEnd], new[s.J:s.JEnd]
		if len(l) == 0 || len(n) == 0 || !membersIn(l) || !membersIn(n) {
			return lineup.InOrder(s)
		}
		return lineup.Align(s, lineupMax, sameMember, lineup.Apart)
	})
}
