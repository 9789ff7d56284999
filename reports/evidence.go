package reports

import (
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// overhead is about what a row and its index entries take, in bytes.
const overhead = 200

// packedComparison is a comparison as it is stored.
type packedComparison struct {
	clean *Comparison
	data  []byte
	ring  bool
}

// pack redacts and packs what is to be kept. What does not encode is left out
// and counted.
func (r *Reports) pack(taken batch) map[*waiting]*packedComparison {
	packed := make(map[*waiting]*packedComparison, len(taken.queue))
	for _, w := range taken.queue {
		c := clean(r.redactorOf(w.c.Route), w.c)
		b, err := json.Marshal(c)
		if err != nil {
			r.mu.Lock()
			r.health.EvidenceDropped++
			r.mu.Unlock()
			r.config.Log.Error("pack evidence", "comparison", c.ID, "error", err)
			continue
		}
		packed[w] = &packedComparison{clean: c, data: r.packer.EncodeAll(b, nil)}
	}
	for _, g := range taken.rings {
		for _, o := range g.newest {
			if p := packed[o.in]; p != nil {
				p.ring = true
			}
		}
	}
	return packed
}

// unpackMax bounds what one packed comparison may unfold to: three bodies, each
// byte of which may take six in JSON, and the rest.
const unpackMax = 3*6*bodyMax + 16<<20

func unpack(data []byte) (*Comparison, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(unpackMax))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	b, err := d.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack a comparison: %w", err)
	}
	c := &Comparison{}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("decode a comparison: %w", err)
	}
	return c, nil
}

// keep stores the comparisons of a batch and their samples, and lets go those
// whose place they take.
func (b *batchWriter) keep(taken batch, packed map[*waiting]*packedComparison) error {
	seqs := make(map[*waiting]int64, len(packed))
	for _, w := range taken.queue {
		p := packed[w]
		if p == nil {
			continue
		}
		seq, err := b.insert(p)
		if err != nil {
			return err
		}
		if seq != 0 {
			seqs[w] = seq
		}
	}
	for k, g := range taken.groups {
		id := b.ids[b.r.writer.cleanKey(b.r, k, g, packed)]
		for _, o := range append(g.oldest, g.newest...) {
			if seq := seqs[o.in]; seq != 0 {
				if err := b.sample(id, seq, o, packed[o.in].clean); err != nil {
					return err
				}
			}
		}
		if err := b.thin(id); err != nil {
			return err
		}
	}
	for k := range taken.rings {
		if err := b.turnRing(k); err != nil {
			return err
		}
	}
	return b.letGo()
}

// insert stores a comparison and returns its number, 0 when its id is taken.
func (b *batchWriter) insert(p *packedComparison) (int64, error) {
	c := p.clean
	size := int64(len(p.data) + overhead)
	ring := 0
	if p.ring {
		ring = 1
	}
	seqs, err := b.numbers(`INSERT INTO reports_comparisons (id, route, at, verdict, ring, size, data) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO NOTHING RETURNING seq`, c.ID, c.Route, c.At.UnixMicro(), string(c.Verdict), ring, size, p.data)
	if err != nil || len(seqs) == 0 {
		return 0, err
	}
	b.evidence += size
	return seqs[0], nil
}

// sample stores one occurrence, as the redacted comparison has it.
func (b *batchWriter) sample(group, seq int64, o occurrence, c *Comparison) error {
	var place, legacy, new string
	if o.forgiven {
		f := &c.Forgiven[o.index]
		place, legacy, new = f.At, f.Legacy, f.New
	} else {
		d := &c.Differences[o.index]
		place, legacy, new = d.At, d.Legacy, d.New
	}
	size := int64(len(place) + len(legacy) + len(new) + overhead)
	err := b.exec(`INSERT INTO reports_samples (group_id, seq, at, place, legacy, new) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (group_id, at, seq) DO NOTHING`, group, seq, c.At.UnixMicro(), place, legacy, new)
	if err != nil {
		return err
	}
	b.evidence += size
	return b.exec(`UPDATE reports_comparisons SET size = size + ? WHERE seq = ?`, size, seq)
}
