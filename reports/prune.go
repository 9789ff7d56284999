package reports

import "fmt"

// thin keeps SamplesMax samples of a group: the oldest half and the newest.
func (b *batchWriter) thin(group int64) error {
	seqs, err := b.numbers(`SELECT seq FROM reports_samples WHERE group_id = ? ORDER BY at, seq`, group)
	if err != nil {
		return err
	}
	most := b.r.config.SamplesMax
	if len(seqs) <= most {
		return nil
	}
	for _, seq := range seqs[most/2 : len(seqs)-(most-most/2)] {
		gone, err := b.numbers(`DELETE FROM reports_samples WHERE group_id = ? AND seq = ?
			RETURNING length(CAST(place || legacy || new AS BLOB))`, group, seq)
		if err != nil {
			return err
		}
		for _, length := range gone {
			b.evidence -= length + overhead
			if err := b.exec(`UPDATE reports_comparisons SET size = size - ? WHERE seq = ?`, length+overhead, seq); err != nil {
				return err
			}
		}
		b.freed = append(b.freed, seq)
	}
	return nil
}

// turnRing keeps the newest of a route and verdict.
func (b *batchWriter) turnRing(k ringKey) error {
	most := matchesMax
	if k.verdict == Error {
		most = b.r.config.SamplesMax
	}
	out, err := b.numbers(`UPDATE reports_comparisons SET ring = 0 WHERE seq IN (
			SELECT seq FROM reports_comparisons WHERE verdict = ? AND route = ? AND ring = 1 ORDER BY seq DESC LIMIT -1 OFFSET ?)
		RETURNING seq`, string(k.verdict), k.route, most)
	b.freed = append(b.freed, out...)
	return err
}

// letGo deletes the comparisons that lost a place and have no other.
func (b *batchWriter) letGo() error {
	for _, seq := range b.freed {
		if err := b.delete(`seq = ? AND ring = 0 AND NOT EXISTS (SELECT 1 FROM reports_samples s WHERE s.seq = reports_comparisons.seq)`, seq); err != nil {
			return err
		}
	}
	b.freed = nil
	return nil
}

// delete deletes comparisons, with their samples.
func (b *batchWriter) delete(where string, args ...any) error {
	sizes, err := b.numbers(`DELETE FROM reports_comparisons WHERE `+where+` RETURNING size`, args...)
	for _, size := range sizes {
		b.evidence -= size
	}
	return err
}

// expireMax is how many comparisons go at most in one batch because of their
// age, so that none takes long.
const expireMax = 2000

// expire deletes evidence that is older than EvidenceAge, whatever else keeps it.
func (b *batchWriter) expire() error {
	if b.r.config.EvidenceAge <= 0 {
		return nil
	}
	return b.delete(`seq IN (SELECT seq FROM reports_comparisons WHERE at < ? ORDER BY at LIMIT ?)`,
		b.now.Add(-b.r.config.EvidenceAge).UnixMicro(), expireMax)
}

// prunable are the comparisons that make way when there is too much evidence,
// in this order, the oldest first.
var prunable = []struct{ what, query string }{
	{"matches", `SELECT seq FROM reports_comparisons WHERE verdict = 'match' ORDER BY seq LIMIT 50`},
	{"neither the first nor the last of a group", `SELECT seq FROM reports_comparisons c WHERE NOT EXISTS (
		SELECT 1 FROM reports_samples s WHERE s.seq = c.seq AND (
			NOT EXISTS (SELECT 1 FROM reports_samples o WHERE o.group_id = s.group_id AND (o.at, o.seq) < (s.at, s.seq)) OR
			NOT EXISTS (SELECT 1 FROM reports_samples o WHERE o.group_id = s.group_id AND (o.at, o.seq) > (s.at, s.seq))))
		ORDER BY seq LIMIT 50`},
	{"any", `SELECT seq FROM reports_comparisons ORDER BY seq LIMIT 50`},
}

// prune deletes evidence until it is within EvidenceMax, and gives the pages
// that it took back to the file system. Pages that are free take new evidence
// first, so only what is more than new evidence needs is given back.
func (b *batchWriter) prune() error {
	for _, step := range prunable {
		for b.evidence > b.r.config.EvidenceMax {
			seqs, err := b.numbers(step.query)
			if err != nil {
				return fmt.Errorf("%s: %w", step.what, err)
			}
			if len(seqs) == 0 {
				break
			}
			for _, seq := range seqs {
				if b.evidence <= b.r.config.EvidenceMax {
					break
				}
				if err := b.delete(`seq = ?`, seq); err != nil {
					return fmt.Errorf("%s: %w", step.what, err)
				}
			}
		}
	}
	return b.giveBack()
}

// spare are the free pages (4 KiB each) that are kept for new evidence.
const spare = 1024

func (b *batchWriter) giveBack() error {
	free, err := b.numbers(`PRAGMA freelist_count`)
	if err != nil || len(free) == 0 || free[0] <= 2*spare {
		return err
	}
	return b.exec(fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, free[0]-spare))
}
