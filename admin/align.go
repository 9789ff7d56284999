package admin

import "github.com/quackproxy/quack/internal/lineup"

// maxAlign bounds the table that is needed to line up what lies between an
// equal beginning and an equal end.
const maxAlign = 1 << 20

// align lines up two lists by their longest common part. Elements between two
// equal ones stand beside each other as far as there are any on both sides.
func align(legacy, new int, equal func(i, j int) bool) []lineup.Pair {
	return lineup.Align(lineup.Span{IEnd: legacy, JEnd: new}, maxAlign, equal, lineup.InOrder)
}
