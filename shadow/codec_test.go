package shadow

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/txshadow"
)

// codec is the header protocol with a secret, both ends.
type codec struct{ *txshadow.Codec }

func newCodec(secret string) codec {
	secrets, err := txshadow.ParseSecrets(secret)
	if err != nil {
		panic(err)
	}
	c, err := txshadow.NewCodec(secrets...)
	if err != nil {
		panic(err)
	}
	return codec{c}
}

func (c codec) MarkNested(h http.Header, id string) { c.Codec.MarkNested(h, id) }

func (c codec) MarkShadow(h http.Header, id string, mode Mode, budget time.Duration, method, target string, body []byte) {
	c.Codec.MarkShadow(h, id, txshadow.Mode(mode), budget, method, target, body)
}

func (c codec) Acknowledged(h http.Header, id string) (Ack, error) {
	a, err := c.Codec.Acknowledged(h, id)
	if err != nil {
		return Ack{}, err
	}
	ack := Ack{Outcome: string(a.Outcome), Reason: a.Reason}
	if a.Footprint != nil {
		ack.Footprint = compare.Footprint{}
	}
	for _, t := range a.Footprint {
		ack.Footprint = append(ack.Footprint, compare.TableRows(t))
	}
	for _, e := range a.Effects {
		ack.Effects = append(ack.Effects, compare.Effect(e))
	}
	return ack, nil
}

// acknowledge writes an adapter's acknowledgement.
func (c codec) acknowledge(h http.Header, id, outcome, reason string) {
	c.Codec.Acknowledge(h, id, txshadow.Outcome(outcome), reason)
}

// asked reads and verifies Quack-Shadow as an adapter does.
func (c codec) asked(r *http.Request, body []byte) (id string, mode Mode, err error) {
	m, err := c.ReadShadow(r.Header)
	if err != nil {
		return "", "", err
	}
	if err := c.VerifyShadow(m, r.Method, r.URL, sha256.Sum256(body)); err != nil {
		return "", "", fmt.Errorf("verify: %w", err)
	}
	return m.ID, Mode(m.Mode), nil
}

// inserted is a footprint of one row in each of some tables.
func inserted(tables ...string) string {
	f := txshadow.Footprint{}
	for _, t := range tables {
		f = append(f, txshadow.TableRows{Table: t, Inserted: 1})
	}
	return f.String()
}
