package reports_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/store"
)

// full leaves a table of a store no room until free. It stands for a full disk,
// the real one of which the store's tests fill.
func full(t *testing.T, db *store.DB, table string) (free func()) {
	t.Helper()
	do := func(query string) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(query); return err }); err != nil {
			t.Fatal(err)
		}
	}
	do(`CREATE TRIGGER reports_full BEFORE INSERT ON ` + table + ` BEGIN SELECT RAISE(ABORT, 'disk is full'); END`)
	return func() {
		t.Helper()
		do(`DROP TRIGGER reports_full`)
	}
}

func TestStoreAtFault(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{})
	free := full(t, db, "reports_comparisons")
	for n := range 3 {
		r.Record(differing(n, "$.price", compare.KindValue, reports.Mismatch))
	}
	if err := r.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "write evidence") {
		t.Errorf("Flush = %v", err)
	}
	if s := r.Stats(); s.EvidenceDropped != 3 || s.Queued != 0 || !strings.Contains(s.LastError, "disk is full") || !s.LastFlush.IsZero() {
		t.Errorf("stats while at fault: %+v", s)
	}
	for what, at := range map[string]*reports.Reports{"in memory": r, "in the store, while evidence finds no room": openReports(t, db, reports.Config{})} {
		if got := one(t, at, reports.Filter{}); got.Mismatched != 3 {
			t.Errorf("%d mismatches counted %s, want 3", got.Mismatched, what)
		}
		if g := differences(t, at, reports.Filter{}); len(g) != 1 || g[0].Count != 3 {
			t.Errorf("differences counted %s: %+v, want one of 3", what, g)
		}
	}
	free()
	r.Record(differing(7, "$.price", compare.KindValue, reports.Mismatch))
	flush(t, r)
	if s := r.Stats(); s.LastError != "" || s.LastFlush.IsZero() || s.EvidenceDropped != 3 {
		t.Errorf("stats after it: %+v", s)
	}
	again := openReports(t, db, reports.Config{})
	if got := one(t, again, reports.Filter{}); got.Mismatched != 4 {
		t.Errorf("%d mismatches in the store, want 4", got.Mismatched)
	}
	if got := one(t, again, reports.Filter{Since: time.Now().Add(-time.Hour)}); got.Mismatched != 4 {
		t.Errorf("%d mismatches since, want 4", got.Mismatched)
	}
	if g := differences(t, again, reports.Filter{})[0]; g.Count != 4 || len(g.Samples) != 1 {
		t.Errorf("group: %+v, want 4 counted and 1 kept", g)
	}
}

func TestQueueIsBounded(t *testing.T) {
	r := fresh(t, reports.Config{Queue: 5, SamplesMax: 4})
	for n := range 100 {
		r.Record(differing(n, fmt.Sprintf("$.m%d", n), compare.KindValue, reports.Mismatch))
	}
	if s := r.Stats(); s.Queued != 5 || s.EvidenceDropped != 95 {
		t.Errorf("%+v, want 5 queued and 95 dropped", s)
	}
	if got := one(t, r, reports.Filter{}); got.Mismatched != 100 {
		t.Errorf("%d counted, want all", got.Mismatched)
	}
	// Those that make way for newer ones of their group leave their bytes, too.
	same := fresh(t, reports.Config{SamplesMax: 4})
	body := make([]byte, 1000)
	for n := range 100 {
		c := differing(n, "$.price", compare.KindValue, reports.Mismatch)
		c.Request.Body, c.Legacy.Answer.Body, c.New.Answer.Body = body, nil, nil
		same.Record(c)
	}
	if s := same.Stats(); s.Queued != 4 || s.QueuedBytes != 4000 || s.EvidenceDropped != 0 {
		t.Errorf("%+v, want 4 queued with 1000 bytes each", s)
	}
	large := fresh(t, reports.Config{})
	body = make([]byte, 40<<20)
	for n := range 10 {
		c := differing(n, fmt.Sprintf("$.m%d", n), compare.KindValue, reports.Mismatch)
		c.Legacy.Answer.Body = body
		large.Record(c)
	}
	if s := large.Stats(); s.Queued != 2 || s.QueuedBytes > 128<<20 || s.EvidenceDropped != 8 {
		t.Errorf("%+v, want two of 40 MiB queued", s)
	}
}

// A batch has of each comparison its counter and its differences, or nothing;
// and what is read meanwhile never becomes less.
func TestBatchesAreOfOneMoment(t *testing.T) {
	db := openStore(t, t.TempDir())
	r := openReports(t, db, reports.Config{})
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for feeder := range 4 {
		others.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				c := differing(n, "$.price", compare.KindValue, reports.Mismatch)
				c.ID, c.Route = fmt.Sprintf("%d-%d", feeder, n), fmt.Sprint("route", feeder)
				r.Record(c)
			}
		})
	}
	others.Go(func() {
		for counted := map[string]int64{}; ctx.Err() == nil; {
			for _, c := range r.Live() {
				if c.Mismatched < counted[c.Name] {
					t.Errorf("%s: %d mismatches, and %d before", c.Name, c.Mismatched, counted[c.Name])
				}
				counted[c.Name] = c.Mismatched
			}
		}
	})
	for range 15 {
		flush(t, r)
		// As one that was killed now would be found.
		left := openReports(t, db, reports.Config{})
		counted := map[string]int64{}
		for _, c := range left.Live() {
			counted[c.Name] = c.Mismatched
		}
		for _, g := range differences(t, left, reports.Filter{}) {
			if g.Count != counted[g.Route] {
				t.Errorf("%s: %d with a difference, %d mismatches", g.Route, g.Count, counted[g.Route])
			}
		}
	}
	stop()
	others.Wait()
}
