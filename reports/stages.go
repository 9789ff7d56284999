package reports

import (
	"cmp"
	"slices"
)

// StageCount is what was counted while a route stood in a stage.
type StageCount struct {
	Stage string `json:"stage"`
	// Answers to clients: of legacy, of new, and of Quack's own.
	Legacy int64 `json:"legacy"`
	New    int64 `json:"new"`
	Own    int64 `json:"own"`

	Compared   int64 `json:"compared"`
	Mismatched int64 `json:"mismatched"` // of compared
}

// stages are the stages that a route has been in, in the order of a migration.
type stages []StageCount

var stageOrder = []string{"legacy", "shadow", "ramp", "verify", "new"}

// of is the count of a stage, to be added to at once.
func (s *stages) of(stage string) *StageCount {
	for i := range *s { // there are seldom two
		if (*s)[i].Stage == stage {
			return &(*s)[i]
		}
	}
	at, _ := slices.BinarySearchFunc(*s, stage, func(c StageCount, stage string) int {
		return cmp.Or(cmp.Compare(slices.Index(stageOrder, c.Stage), slices.Index(stageOrder, stage)), cmp.Compare(c.Stage, stage))
	})
	*s = slices.Insert(*s, at, StageCount{Stage: stage})
	return &(*s)[at]
}

// served counts an answer to a client by a side, as sideNames has them.
func (c *StageCount) served(side int) {
	switch side {
	case 0:
		c.Legacy++
	case 1:
		c.New++
	default:
		c.Own++
	}
}

func (s *stages) merge(other stages) {
	for _, d := range other {
		c := s.of(d.Stage)
		c.Legacy += d.Legacy
		c.New += d.New
		c.Own += d.Own
		c.Compared += d.Compared
		c.Mismatched += d.Mismatched
	}
}

// comparedIn counts a comparison in the stage that its route stood in.
func (c *counts) comparedIn(stage string, v Verdict) {
	if v == Error {
		return
	}
	s := c.Stages.of(stage)
	if s.Compared++; v == Mismatch {
		s.Mismatched++
	}
}
