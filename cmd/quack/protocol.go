package main

import (
	"net/http"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/shadow"
	"github.com/quackproxy/quack/txshadow"
)

// protocol plugs the codec of the Quack headers into the live path and the
// shadow, which know nothing of it but shadow.Protocol.
type protocol struct{ *txshadow.Codec }

// newProtocol reads the list of shadow secrets. Without any it makes up one:
// the context headers are then signed with a key that nobody else has, and no
// backend can have rollback (readSecrets has refused that).
func newProtocol(list string) (protocol, error) {
	if list == "" {
		list = randomSecret()
	}
	secrets, err := txshadow.ParseSecrets(list)
	if err != nil {
		return protocol{}, err
	}
	codec, err := txshadow.NewCodec(secrets...)
	return protocol{codec}, err
}

// MarkShadow implements shadow.Protocol.
func (p protocol) MarkShadow(h http.Header, id string, mode shadow.Mode, budget time.Duration, method, target string, body []byte) {
	p.Codec.MarkShadow(h, id, txshadow.Mode(mode), budget, method, target, body)
}

// Acknowledged implements shadow.Protocol.
func (p protocol) Acknowledged(h http.Header, id string) (shadow.Ack, error) {
	ack, err := p.Codec.Acknowledged(h, id)
	if err != nil {
		return shadow.Ack{}, err
	}
	rows := footprint(ack.Footprint)
	if ack.FootprintErr != nil {
		rows = nil // cut or unreadable: two of them would say nothing when compared
	}
	return shadow.Ack{Outcome: string(ack.Outcome), Reason: ack.Reason, Footprint: rows, Effects: effects(ack.Effects)}, nil
}

// footprint keeps the difference between "nothing was written" (empty) and
// "not known" (nil).
func footprint(f txshadow.Footprint) compare.Footprint {
	if f == nil {
		return nil
	}
	rows := make(compare.Footprint, 0, len(f))
	for _, t := range f {
		rows = append(rows, compare.TableRows{Table: t.Table, Inserted: t.Inserted, Updated: t.Updated, Deleted: t.Deleted})
	}
	return rows
}

func effects(recorded txshadow.Effects) (all compare.Effects) {
	for _, e := range recorded {
		all = append(all, compare.Effect{Name: e.Name, Count: e.Count})
	}
	return all
}
