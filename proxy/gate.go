package proxy

import (
	"net/http"
	"strconv"
	"time"

	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/routes"
)

// passGate lets a request through the gate, or answers that it is closed. A
// write is counted as under way before the gate's state is read, and until the
// end of its answer.
func (l *life) passGate() bool {
	does := l.route.ReadOnlyFor(l.r.Method)
	if l.safe && does == routes.ReadOnlyAllow {
		return false
	}
	var state readonly.State
	l.pass, state = l.Gate.Enter()
	if !state.ReadOnly {
		return false
	}
	if !l.safe {
		// A shadow's rows would hold up the move that the gate is closed for.
		l.skip(skipReadOnly)
	}
	switch does {
	case routes.ReadOnlyAllow:
		return false
	case routes.ReadOnlySkip:
		l.readOnly = true
		return false
	}
	l.pass.Leave()
	l.block(state)
	return true
}

// retryLater is how many seconds a blocked client is asked to wait when no end
// was announced.
const retryLater = 30

// block answers that the system is read-only, with the operator's message.
func (l *life) block(state readonly.State) {
	l.skip(skipReadOnly)
	wait := retryLater
	if left := time.Until(state.Until); left > 0 {
		wait = int((left + time.Second - 1) / time.Second)
	}
	l.w.Header().Set("Retry-After", strconv.Itoa(wait))
	detail := state.Why
	if detail == "" {
		detail = "Changes can not be made at the moment. Please try again later."
	}
	l.problemTitled(http.StatusServiceUnavailable, "read-only", "Read-only mode", detail)
}
