package reports

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/quackproxy/quack/internal/redact"
	"github.com/quackproxy/quack/store"
)

// Config is the manual.
type Config struct {
	EvidenceMax int64 // bytes of evidence kept; default 256 MiB
	// EvidenceAge is how long evidence is kept at most, by the time of its request;
	// default without a bound. Counters, and when a group was first and last seen,
	// stay.
	EvidenceAge time.Duration
	SamplesMax  int // samples kept per (route, path, kind, verdict), at least 2; default 20, newest and oldest kept
	Queue       int // comparisons waiting to be written; default 1024, and 64 MiB of bodies
	// Key keys the fingerprints of redacted values. Default: a random one; then
	// fingerprints from before a restart can not be compared with later ones.
	Key []byte
	// Redaction is what a route takes for a secret besides what is known to be one,
	// at the moment; nil, and a nil policy, are nothing. It must not block.
	Redaction func(route string) *redact.Policy
	Log       *slog.Logger // default: none
}

// Reports is the evidence. Safe for concurrent use.
type Reports struct {
	db       *store.DB
	config   Config
	redactor *redact.Redactor
	packer   *zstd.Encoder

	shards shards
	tally  *tally

	coverage *coverage

	// flushing holds one token; who has it writes a batch and owns the fields
	// of writer.
	flushing chan struct{}
	writer   writer

	trials chan struct{} // holds one token for each trial of rules under way

	// comparing holds one token for each comparison of runs under way: one of
	// 100,000 groups takes some tens of megabytes for its time.
	comparing chan struct{}

	mu      sync.Mutex
	totals  map[string]*counts // of all time, without what is in the shards
	pending map[string]*counts // of those, what no batch has taken yet
	health  Stats
}

// writer is what a batch leaves to the next.
type writer struct {
	unwritten map[string]*counts       // counters that are to be written: what was taken last, and what failed batches left
	groups    map[groupKey]*groupCount // likewise
	took      time.Time                // when counters were last taken
	ids       map[groupKey]int64       // of groups in the store, those that this process has written
	paths     map[groupKey]cleanedPath // of groups, by their keys as they were found
	evidence  int64                    // bytes of evidence in the store
	rolledUp  time.Time                // when the time buckets were last rolled up
	noted     int64                    // the hour, in Unix seconds, of the last batch
	expired   time.Time                // when evidence that is too old was last deleted
}

// Open makes Reports over the store.
func Open(ctx context.Context, db *store.DB, c Config) (*Reports, error) {
	if c.EvidenceMax <= 0 {
		c.EvidenceMax = 256 << 20
	}
	if c.SamplesMax <= 0 {
		c.SamplesMax = 20
	}
	c.SamplesMax = max(c.SamplesMax, 2)
	if c.Queue <= 0 {
		c.Queue = 1024
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if len(c.Key) == 0 {
		c.Key = make([]byte, 32)
		rand.Read(c.Key) // never fails
	}
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("make the packer of evidence: %w", err)
	}
	r := &Reports{
		db: db, config: c, redactor: redact.New(c.Key), packer: packer,
		tally:    newTally(c.SamplesMax, c.Queue),
		flushing: make(chan struct{}, 1), trials: make(chan struct{}, 1), comparing: make(chan struct{}, 1),
		totals: map[string]*counts{},
		writer: writer{unwritten: map[string]*counts{}, groups: map[groupKey]*groupCount{}, ids: map[groupKey]int64{}, paths: map[groupKey]cleanedPath{}},
	}
	r.coverage = newCoverage(r.plainFacet)
	if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("read the reports: %w", err)
	}
	r.flushing <- struct{}{}
	return r, nil
}

// load reads what is kept in memory as well.
func (r *Reports) load(ctx context.Context) error {
	if err := r.loadSums(ctx); err != nil {
		return err
	}
	if err := r.loadCoverage(ctx); err != nil {
		return err
	}
	nameless := map[int64]string{}
	rows, err := r.db.QueryContext(ctx, `SELECT id, public_id IS NOT NULL, route, path, kind, verdict, reason FROM reports_groups`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var named bool
		var k groupKey
		if err := rows.Scan(&id, &named, &k.route, &k.path, &k.kind, &k.verdict, &k.reason); err != nil {
			return err
		}
		if r.tally.know(k); !named {
			nameless[id] = k.id()
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return r.nameGroups(ctx, nameless)
}

// nameGroups gives groups that an older version has stored their ids.
func (r *Reports) nameGroups(ctx context.Context, ids map[int64]string) error {
	if len(ids) == 0 {
		return nil
	}
	return r.db.Write(ctx, func(tx *sql.Tx) error {
		for number, id := range ids {
			if _, err := tx.ExecContext(ctx, `UPDATE reports_groups SET public_id = ? WHERE id = ?`, id, number); err != nil {
				return err
			}
		}
		return nil
	})
}

// loadSums reads the counters of all time and the bytes of evidence. The caller
// has the token of flushing.
func (r *Reports) loadSums(ctx context.Context) error {
	totals, err := allTime(ctx, r.db)
	if err != nil {
		return err
	}
	var evidence int64
	if err := r.db.QueryRowContext(ctx, `SELECT coalesce(sum(size), 0) FROM reports_comparisons`).Scan(&evidence); err != nil {
		return err
	}
	r.writer.evidence = evidence
	r.mu.Lock()
	defer r.mu.Unlock()
	mergeInto(totals, r.pending)
	r.totals = totals
	return nil
}

// Reread takes in what another process has written to the store meanwhile; for
// the one that goes on when the other has ended.
func (r *Reports) Reread(ctx context.Context) error {
	release, err := r.holdBatches(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err = r.writeAll(ctx); err == nil { // so that the store has all that this process has
		err = r.loadSums(ctx)
	}
	if err == nil {
		err = r.loadCoverage(ctx)
	}
	if err != nil {
		return fmt.Errorf("read the reports anew: %w", err)
	}
	return nil
}
