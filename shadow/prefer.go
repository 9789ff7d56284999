package shadow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/upstream"
)

// The preference by which a backend is asked to undo a write, and says that it
// has (RFC 7240, in the use that PostgREST makes of it:
// https://docs.postgrest.org/en/stable/references/api/preferences.html). It is
// not signed: whoever can answer for the backend is believed.
const txRollback = "tx=rollback"

// preferRollback asks for a rollback beside what else the client prefers. What
// the client says of transactions is taken out.
func preferRollback(h http.Header) {
	h["Prefer"] = append(withoutTx(h["Prefer"]), txRollback)
}

// preferenceApplied reads the acknowledgement, and takes it out of the answer:
// the other side's has none.
func preferenceApplied(h http.Header) (Ack, error) {
	all := h["Preference-Applied"]
	if len(all) == 0 {
		return Ack{}, errors.New("no Preference-Applied")
	}
	rolledBack, others := 0, 0
	for _, p := range preferences(all) {
		switch {
		case strings.EqualFold(p, txRollback):
			rolledBack++
		case isTx(p):
			others++
		}
	}
	if rolledBack == 0 || others > 0 {
		return Ack{}, fmt.Errorf("Preference-Applied: %.100q does not say %s", strings.Join(all, ", "), txRollback)
	}
	if h["Preference-Applied"] = withoutTx(all); len(h["Preference-Applied"]) == 0 {
		delete(h, "Preference-Applied")
	}
	return Ack{Outcome: outcomeRolledBack}, nil
}

// preferences are the members of the lists in lines. A comma in a quoted
// string does not end one (RFC 9110 section 5.6.1).
func preferences(lines []string) []string {
	var all []string
	for _, line := range lines {
		quoted, escaped := false, false
		for _, p := range strings.FieldsFunc(line, func(r rune) bool {
			switch {
			case escaped:
				escaped = false
			case quoted && r == '\\':
				escaped = true
			case r == '"':
				quoted = !quoted
			}
			return r == ',' && !quoted
		}) {
			if p = strings.TrimSpace(p); p != "" {
				all = append(all, p)
			}
		}
	}
	return all
}

// withoutTx are the lines without what they say of transactions; a line that
// says nothing of them stays as it is written.
func withoutTx(lines []string) []string {
	var kept []string
	for _, line := range lines {
		all := preferences([]string{line})
		switch rest := slices.DeleteFunc(slices.Clone(all), isTx); {
		case len(rest) == len(all):
			kept = append(kept, line)
		case len(rest) > 0:
			kept = append(kept, strings.Join(rest, ", "))
		}
	}
	return kept
}

// isTx reports whether a preference says something of transactions.
func isTx(preference string) bool {
	name, _, _ := strings.Cut(preference, "=")
	return strings.EqualFold(strings.TrimSpace(name), "tx")
}

// preferred asks an instance to undo a GET that changes nothing, to see whether
// it knows how.
func preferred(ctx context.Context, b *routes.Backend, i *upstream.Instance) hello {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	resp, err := askProof(ctx, b, i, http.Header{"Prefer": {txRollback}})
	if err != nil {
		return hello{kind: helloSilent, detail: fmt.Sprintf("no answer to GET %s: %v", b.Proof, err)}
	}
	_, err = preferenceApplied(resp.Header)
	switch {
	case err != nil && fromBetween(resp.StatusCode):
		return hello{kind: helloSilent, detail: fmt.Sprintf("GET %s was answered with %d, by something in between", b.Proof, resp.StatusCode)}
	case err != nil:
		return hello{kind: helloRefused, detail: fmt.Sprintf("GET %s with Prefer: %s was answered with %d: %v\n  does the backend take that preference (PostgREST: db-tx-end)? proof: names another path to ask", b.Proof, txRollback, resp.StatusCode, err)}
	}
	return hello{kind: helloReady}
}
