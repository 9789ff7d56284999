package reports

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

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

// writeEvidence writes what was taken of comparisons in one transaction. Their
// groups are in the store.
func (r *Reports) writeEvidence(ctx context.Context, now time.Time, taken batch) error {
	w := &r.writer
	expire := now.Sub(w.expired) >= rollUpEvery
	if len(taken.queue) == 0 && w.evidence <= r.config.EvidenceMax && !expire {
		return nil
	}
	packed, err := r.pack(ctx, now, taken)
	if err != nil {
		return err
	}
	evidence := w.evidence
	err = r.db.Write(ctx, func(tx *sql.Tx) error {
		b := &batchWriter{ctx: ctx, tx: tx, r: r, now: now, evidence: evidence, prepared: map[string]*sql.Stmt{}}
		if err := b.keep(taken, packed); err != nil {
			return fmt.Errorf("write evidence: %w", err)
		}
		if expire {
			if err := b.expire(); err != nil {
				return fmt.Errorf("delete old evidence: %w", err)
			}
		}
		if err := b.prune(); err != nil {
			return fmt.Errorf("prune evidence: %w", err)
		}
		evidence = b.evidence
		return nil
	})
	if err != nil {
		return err
	}
	w.evidence = evidence
	if expire {
		w.expired = now
	}
	return nil
}

// countMeanwhile writes counters while evidence is made ready, when that takes
// longer than they may wait.
func (r *Reports) countMeanwhile(ctx context.Context, now time.Time) error {
	if time.Since(r.writer.took) < flushEvery {
		return nil
	}
	r.take(now, func() batch { return batch{counts: r.tally.takeCounts()} })
	return r.writeCounts(ctx, now)
}

// pack redacts and packs what is to be kept. What does not encode is left out
// and counted. The batch is of now.
func (r *Reports) pack(ctx context.Context, now time.Time, taken batch) (map[*waiting]*packedComparison, error) {
	begun := time.Now()
	packed := make(map[*waiting]*packedComparison, len(taken.queue))
	for _, w := range taken.queue {
		if err := r.countMeanwhile(ctx, now.Add(time.Since(begun))); err != nil {
			return nil, err
		}
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
	return packed, nil
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
		if err := b.samples(k, g, seqs, packed); err != nil {
			return err
		}
	}
	for k, g := range taken.rings {
		if len(g.newest) == 0 {
			continue
		}
		if err := b.turnRing(k); err != nil {
			return err
		}
	}
	return b.letGo()
}

// samples stores those of a group that a batch has, in place of others.
func (b *batchWriter) samples(k groupKey, g *gathered, seqs map[*waiting]int64, packed map[*waiting]*packedComparison) error {
	list := append(g.oldest, g.newest...)
	if len(list) == 0 {
		return nil
	}
	w := &b.r.writer
	id := w.ids[w.cleanKey(b.r, k, example{})]
	for _, o := range list {
		seq := seqs[o.in]
		switch {
		case seq == 0:
		case id == 0: // what is secret in its path has changed since it was counted
			b.freed = append(b.freed, seq)
		default:
			c := packed[o.in].clean
			if err := b.sample(id, seq, o, c); err != nil {
				return err
			}
			w.learnPath(k, c, o)
		}
	}
	return b.thin(id)
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
