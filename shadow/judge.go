package shadow

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/quackproxy/quack/reports"
)

// judgement is what the head of a shadow's answer, or its absence, means. The
// zero judgement says that the answer may be compared.
type judgement struct {
	skip   string // reason of reports.Skip…; "" compares
	leak   string // why a leak is suspected; the route is latched
	fault  bool   // not an answer of the backend's own: counts for the breaker
	wrote  string // what a safe request attempted to write: "25006:insert:accounts"; verb and table may be missing
	word   string // of reports.SkipUnsupported: what could not be undone
	detail string // for the log
}

// head is what a judgement rests on.
type head struct {
	status int
	ack    Ack
	ackErr error // nil: the acknowledgement verified
	prefer bool  // it is a Preference-Applied
}

// judgeUnsafe judges the answer to a request that was sent to be rolled back.
// Nothing but a valid acknowledgement says that it was. An answer that can
// come from something in between (502, 503, 504) proves nothing either way;
// any other answer without an acknowledgement came from a backend that may
// have kept what it wrote.
func judgeUnsafe(h head) judgement {
	switch {
	case h.ackErr != nil && fromBetween(h.status):
		return judgement{skip: reports.SkipUnconfirmed, fault: true,
			detail: fmt.Sprintf("answer %d without a valid acknowledgement", h.status)}
	case h.ackErr != nil && h.prefer && h.status >= 400:
		// An error of the database ends the transaction, and PostgREST says
		// nothing of preferences in its errors.
		return judgement{skip: reports.SkipUnconfirmed, detail: fmt.Sprintf("error %d without Preference-Applied", h.status)}
	case h.ackErr != nil && refusedHead(h.status):
		return judgement{skip: reports.SkipUnsupported, word: "head-size", detail: fmt.Sprintf("the backend refuses so large a head (%d)", h.status)}
	case h.ackErr != nil && h.status == http.StatusForbidden:
		return leakOf(fmt.Sprintf("answer 403 without a valid acknowledgement: %v; an adapter that can not verify a request answers so, and runs nothing, but it is not signed", h.ackErr))
	case h.ackErr != nil:
		return leakOf(fmt.Sprintf("answer %d without a valid acknowledgement: %v", h.status, h.ackErr))
	case h.ack.Outcome != outcomeRolledBack:
		return leakOf(fmt.Sprintf("acknowledged as %q instead of %q", h.ack.Outcome, outcomeRolledBack))
	}
	return judgeReason(h.ack.Reason, false)
}

// judgeSafe judges the answer to a safe request that was sent in a read-only
// transaction. An application's own answer always carries an acknowledgement;
// a 403 without one is the adapter refusing what it can not verify, and any
// other answer without one is compared as what a client would have got.
func judgeSafe(h head) judgement {
	switch {
	case h.ackErr != nil && h.status == http.StatusForbidden:
		return judgement{skip: reports.SkipUnconfirmed, detail: "the adapter refused the request"}
	case h.ackErr != nil:
		return judgement{}
	}
	return judgeReason(h.ack.Reason, true)
}

// judgeReason judges a valid acknowledgement. A reason that is not known is
// taken for one that could not be sandboxed: the work was undone, and the
// answer is not to be trusted.
func judgeReason(reason string, safe bool) judgement {
	kind, what, _ := strings.Cut(reason, ":")
	switch {
	case kind == "":
		return judgement{}
	case kind == "budget" && safe:
		return judgement{skip: reports.SkipTimeout}
	case kind == "budget":
		return judgement{skip: reports.SkipBudget}
	case kind == "escape":
		return leakOf(fmt.Sprintf("the application tried to leave its transaction (%s)", what))
	case kind == "write" && safe:
		return judgement{wrote: what}
	}
	if kind != reports.SkipUnsupported {
		what = "other"
	}
	return judgement{skip: reports.SkipUnsupported, word: what, detail: reason}
}

func leakOf(why string) judgement {
	return judgement{skip: reports.SkipLatched, leak: why}
}

const (
	outcomeRolledBack = "rolled-back"
	outcomeReady      = "ready"
)

// fromBetween reports whether a status is one that gateways answer for a
// backend that they do not reach.
func fromBetween(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// refusedHead reports whether a status is one with which an HTTP server itself
// refuses a request before any handler has seen it. Quack's own fields make the
// head of a shadow request longer than the client's, so that one at the limit
// passes live and not as a shadow.
func refusedHead(status int) bool {
	return status == http.StatusRequestURITooLong || status == http.StatusRequestHeaderFieldsTooLarge
}
