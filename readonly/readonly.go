// Package readonly is the gate: what lets writes through to the system, or
// does not.
//
// Start with [Open]. A request calls [Gate.Enter] and, at its end, Pass.Leave;
// an operator calls [Gate.Freeze], [Gate.Drained] and [Gate.Thaw]. A write is
// counted as under way before the gate's state is read, so that a Drained
// which has returned nil proves that no write is under way. The state is on
// disk before Freeze or Thaw return, and survives kill -9.
package readonly

import (
	"errors"
	"time"
)

// State is the gate's state. An epoch is given to each change; it never goes back.
type State struct {
	Epoch    int64     `json:"epoch"`
	ReadOnly bool      `json:"read_only"`
	Why      string    `json:"why"`   // the operator's message, shown to blocked clients
	By       string    `json:"by"`    // who changed it last
	Since    time.Time `json:"since"` // when it was changed last
	// Until is when the operator announced the end (--for); it feeds
	// Retry-After and opens nothing by itself. Zero: not announced.
	Until time.Time `json:"until,omitzero"`
}

// ErrOpen is returned by [Gate.Drained] when the gate is open, or was opened
// while it waited: then there is nothing that could be said to be drained.
var ErrOpen = errors.New("the gate is open: writes go on being let through")
