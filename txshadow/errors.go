package txshadow

import (
	"errors"
	"strings"
)

// ErrOver is the error of everything that uses a shadow's context after the
// shadow's end: work that a handler has left running. It is never sent to the
// live database.
var ErrOver = errors.New("txshadow: the shadow request is over, its transaction rolled back\n  work that goes on after a request needs a context of its own, and no shadow should start it: see txshadow.Active")

// RefusedError says that a shadow was asked for something that it does not
// send to the database.
type RefusedError struct {
	Reason string // as in the acknowledgement: "escape:commit", "unsupported:vacuum"
}

func (e *RefusedError) Error() string {
	if verb, ok := strings.CutPrefix(e.Reason, "escape:"); ok {
		return "txshadow: " + strings.ToUpper(strings.ReplaceAll(verb, "-", " ")) + " is not sent inside a shadow request (" + e.Reason + ")\n" +
			"  begin transactions by Begin of the adapter's pool, and end them by Commit and Rollback of what it returns: they work in a shadow"
	}
	what := strings.TrimPrefix(e.Reason, "unsupported:")
	if how, ok := remedies[what]; ok {
		return "txshadow: " + how + " (" + e.Reason + ")"
	}
	return "txshadow: " + strings.ReplaceAll(what, "-", " ") + " is not available inside a shadow request (" + e.Reason + ")\n" +
		"  the request can not be compared; see the limits in docs/writes.md"
}

var remedies = map[string]string{
	"concurrent-transactions": "a second transaction was begun while one is open; a shadow has one session, so they can not be apart",
	"isolation":               "a shadow can not change the isolation level of its transaction",
	"result-size":             "a result is larger than a shadow buffers",
	"too-many-statements":     "more writing statements outside a transaction than a shadow may have; each needs a subtransaction",
	"statement":               "a statement was not recognised, and what is not recognised is not sent",
	"syntax":                  "a statement has a quote or comment without end",
}
