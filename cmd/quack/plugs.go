package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"strings"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/shadow"
)

// latches plugs control's latches into the shadow.
type latches struct {
	control *control.Control
	redact  func(string) string // of what a backend has answered
}

func (l latches) Latched(route string) bool { return l.control.Latched(route) }

func (l latches) Latch(leak shadow.Leak) {
	l.control.Latch(control.Latch{Route: leak.Route, Backend: leak.Backend, RequestID: leak.RequestID, Why: l.redact(leak.Why), At: leak.At})
}

// proofs plugs the shadow's proofs into the admin listener.
func (p *process) proofs() []admin.Proof {
	var list []admin.Proof
	for _, proof := range p.shadow.Proofs() {
		proof.Detail = p.observed.redaction.text(proof.Detail)
		list = append(list, admin.Proof(proof))
	}
	return list
}

// stats plugs the shadow's numbers of the moment into the admin listener.
func (p *process) stats() admin.Stats { return admin.Stats(p.shadow.Stats()) }

// knowRules tells the reports which rules are in force. A store that can not be
// written keeps no table from being used.
func (p *process) knowRules(ctx context.Context, table *routes.Table) {
	inForce := map[string][]string{}
	for _, r := range table.Routes() {
		for _, rule := range r.Rules() {
			inForce[r.Name] = append(inForce[r.Name], rule.String())
		}
	}
	if err := p.reports.KnowRules(ctx, inForce); err != nil {
		p.log.Error("since when rules are in force is not known", "error", err)
	}
}

// fingerprintKey keys the fingerprints that stand in for redacted values: a key
// for this purpose alone (HKDF-SHA256, RFC 5869), derived from the first of the
// secrets in QUACK_SECRET. Without one it is random: values are then told apart
// within one run of the process only.
func fingerprintKey(own string) ([]byte, error) {
	first, _, _ := strings.Cut(own, ",")
	if first = strings.TrimSpace(first); first == "" {
		first = randomSecret()
	}
	return hkdf.Key(sha256.New, []byte(first), nil, "quack fingerprint v1", sha256.Size)
}

func randomSecret() string { return rand.Text() }
