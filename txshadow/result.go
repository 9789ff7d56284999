package txshadow

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Outcome is what an adapter vouches for.
type Outcome string

// The outcomes of an acknowledgement.
const (
	RolledBack Outcome = "rolled-back" // nothing of the request is in the database
	Ready      Outcome = "ready"       // the adapter has just shown that it rolls back
)

// ReasonPrepare is the reason of an adapter that is Ready and takes
// ModePrepare as well.
const ReasonPrepare = "prepare"

// Ack is an adapter's signed acknowledgement.
type Ack struct {
	Outcome Outcome
	// Reason is "" when the answer can be compared, else one of
	//
	//	budget                the time was up
	//	unsupported:WHAT      the request needs what a shadow can not give
	//	write:25006:VERB      mode=readonly: the request tried to write; ":TABLE" may follow
	//	escape:VERB           the request tried to end its transaction
	//
	// or, with Ready, ReasonPrepare.
	Reason string
	// Footprint is nil when none was sent, and when FootprintErr says why the
	// one that was sent says nothing.
	Footprint    Footprint
	FootprintErr error
	Effects      Effects // from the footprint, and nil when that is
}

// Acknowledge sets Quack-Shadow-Result. What can not stand in a reason is
// replaced by "_".
func (c *Codec) Acknowledge(h http.Header, id string, o Outcome, reason string) {
	reason = cleanReason(reason)
	sig := c.sign("quack-result-v1", id, string(o), reason)
	h.Set(HeaderResult, "v1;id="+id+";outcome="+string(o)+";reason="+reason+";sig="+sig)
}

const maxReason = 120

func cleanReason(s string) string {
	if len(s) > maxReason {
		s = s[:maxReason]
	}
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (isAlnum(byte(r)) || strings.ContainsRune("-._:", r)) {
			return r
		}
		return '_'
	}, s)
}

// Acknowledged reads Quack-Shadow-Result and Quack-Footprint of the answer to
// request id; an error when there is no result that verifies.
func (c *Codec) Acknowledged(h http.Header, id string) (Ack, error) {
	value, err := one(h, HeaderResult)
	if err != nil {
		return Ack{}, err
	}
	f, err := parseFields(value, "id", "outcome", "reason", "sig")
	if err != nil {
		return Ack{}, fmt.Errorf("read %s: %w", HeaderResult, err)
	}
	if f[0] != id {
		return Ack{}, fmt.Errorf("%s is for request %.140q", HeaderResult, f[0])
	}
	if !c.verify(f[3], "quack-result-v1", f[0], f[1], f[2]) {
		return Ack{}, fmt.Errorf("the signature of %s does not verify", HeaderResult)
	}
	a := Ack{Outcome: Outcome(f[1]), Reason: f[2]}
	if a.Outcome != RolledBack && a.Outcome != Ready {
		return Ack{}, fmt.Errorf("%s has outcome %q", HeaderResult, f[1])
	}
	if lines := h.Values(HeaderFootprint); len(lines) > 0 {
		if a.Footprint, a.Effects, a.FootprintErr = parseFootprint(strings.Join(lines, ", ")); a.FootprintErr != nil {
			a.Footprint, a.Effects = nil, nil
		}
	}
	return a, nil
}

// ErrFootprintCut says that a footprint was too long for its header field, so
// that two of them say nothing when compared.
var ErrFootprintCut = errors.New("the footprint was cut at 4 KiB")
