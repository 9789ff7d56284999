package reports

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/store"
)

func openTest(t *testing.T, c Config) *Reports {
	t.Helper()
	db, err := store.Open(t.Context(), t.TempDir(), Schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	r, err := Open(t.Context(), db, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Reports) number(t *testing.T, query string) (n int64) {
	t.Helper()
	if err := r.db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// incompressible is text that zstd can not make much smaller.
func incompressible(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz_-+*.,"[rand.Uint32()%32]
	}
	return b
}

func TestEvidenceStaysWithinItsSize(t *testing.T) {
	const most = 128 << 10
	r := openTest(t, Config{EvidenceMax: most})
	record := func(id, path string, v Verdict) {
		c := Comparison{ID: id, Route: "show", At: time.Now(), Verdict: v}
		c.Legacy.Answer.Body = incompressible(5_000)
		c.Legacy.Answer.Size = 5_000
		if v != Match {
			c.Differences = []Found{{compare.Difference{Path: path, At: path, Kind: compare.KindValue}, v}}
		}
		r.Record(c)
	}
	flush := func() {
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		record(fmt.Sprint("match", i), "", Match)
	}
	record("first", "$.a", Mismatch)
	record("alone", "$.b", Mismatch)
	flush()
	for i := range 200 {
		record(fmt.Sprint("more", i), fmt.Sprint("$.m", i%8), Mismatch)
		if i%20 == 19 {
			flush()
			if got := r.Stats().EvidenceBytes; got > most {
				t.Fatalf("%d bytes of evidence after %d", got, i)
			}
		}
	}
	record("last", "$.a", Mismatch)
	flush()

	kept := func(id string) bool {
		return r.number(t, `SELECT count(*) FROM reports_comparisons WHERE id = '`+id+`'`) == 1
	}
	if r.number(t, `SELECT count(*) FROM reports_comparisons WHERE verdict = 'match'`) != 0 {
		t.Error("matches are kept although there is too much evidence")
	}
	for _, id := range []string{"first", "last", "alone", "more0", "more199"} {
		if !kept(id) {
			t.Errorf("%q, the first or last of its group, is not kept", id)
		}
	}
	bytes, rows := r.number(t, `SELECT sum(size) FROM reports_comparisons`), r.number(t, `SELECT sum(length(data)) FROM reports_comparisons`)
	if got := r.Stats().EvidenceBytes; got != bytes || rows > bytes || bytes < most/2 {
		t.Errorf("%d bytes counted, %d noted, %d there; want the most of %d used", got, bytes, rows, most)
	}
	if file := r.number(t, `PRAGMA page_count`) * r.number(t, `PRAGMA page_size`); file > most*3/2+512<<10 {
		t.Errorf("the file has %d bytes for %d of evidence", file, bytes)
	}
}

func TestFreedPagesAreGivenBack(t *testing.T) {
	r := openTest(t, Config{EvidenceMax: 64 << 20, SamplesMax: 400})
	err := r.db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
			INSERT INTO reports_comparisons (id, route, at, verdict, ring, size, data)
			SELECT i, 'show', i, 'mismatch', 0, 100000, zeroblob(100000) FROM n`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.writer.evidence = 120 * 100_000
	before := r.number(t, `PRAGMA page_count`)
	r.config.EvidenceMax = 200_000 // as after a restart with another setting
	r.Skip("show", "any")
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, free := r.number(t, `PRAGMA page_count`), r.number(t, `PRAGMA freelist_count`)
	if after > before/2 || free > 2*spare {
		t.Errorf("%d pages before, %d after, of which %d are free", before, after, free)
	}
}

func TestCountersAreRolledUp(t *testing.T) {
	r := openTest(t, Config{})
	start := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
	at := func(now time.Time, n int) {
		for range n {
			r.Record(Comparison{ID: "same", Route: "show", Verdict: Mismatch, At: now, Legacy: Side{Latency: time.Millisecond},
				Differences: []Found{{compare.Difference{Path: "$.a", Kind: compare.KindValue}, Mismatch}}})
			r.Skip("show", "budget")
		}
		if err := r.write(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	minutes := 0
	for ; minutes < 5*60; minutes += 5 { // five hours, one in five minutes
		at(start.Add(time.Duration(minutes)*time.Minute), 1)
	}
	rows := func(table string, width int) int64 {
		return r.number(t, fmt.Sprintf(`SELECT count(*) FROM %s WHERE width = %d`, table, width))
	}
	for _, table := range []string{"reports_counts", "reports_group_counts"} {
		if m, h := rows(table, 60), rows(table, 3600); m < 36 || m > 48 || h < 1 || h > 2 {
			t.Errorf("%s after five hours: %d minutes, %d hours", table, m, h)
		}
	}
	counted := func(since time.Time) (compared, skipped, group int64) {
		f := Filter{Since: since}
		err := eachCounts(t.Context(), r.db, `SELECT route, data FROM reports_counts WHERE width > 0 AND start + width > ?`, []any{since.Unix()}, func(_ string, c *counts) {
			compared += c.report("").Compared
			skipped += c.Skipped["budget"]
		})
		if err != nil {
			t.Fatal(err)
		}
		groups, err := r.groups(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			group += g.Count
		}
		return
	}
	for since, want := range map[time.Duration]int64{0: 60, 3*time.Hour + 10*time.Minute: 22, 4 * time.Hour: 12, 4*time.Hour + 55*time.Minute: 1} {
		if c, s, g := counted(start.Add(since)); c != want || s != want || g != want {
			t.Errorf("since %v: %d compared, %d skipped, %d in the group; want %d", since, c, s, g, want)
		}
	}
	at(start.Add(20*24*time.Hour), 1)
	at(start.Add(20*24*time.Hour+time.Hour), 0)
	if m, h, d := rows("reports_counts", 60), rows("reports_counts", 3600), rows("reports_counts", 86400); m != 1 || h != 0 || d != 1 {
		t.Errorf("after 20 days: %d minutes, %d hours, %d days", m, h, d)
	}
	if c, s, g := counted(start.Add(-time.Hour)); c != 61 || s != 61 || g != 61 {
		t.Errorf("nothing may be lost: %d, %d, %d", c, s, g)
	}
	at(start.Add(500*24*time.Hour), 1)
	if d := rows("reports_counts", 86400) + rows("reports_group_counts", 86400); d != 0 {
		t.Errorf("%d days are kept after 400", d)
	}
	if got := r.Live()[0]; got.Compared != 62 || got.Legacy.P50 < 0.95 || got.Legacy.P50 > 1.05 {
		t.Errorf("the totals: %+v", got)
	}
}

func TestPruneOrder(t *testing.T) {
	r := openTest(t, Config{})
	err := r.db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO reports_groups (id, route, path, kind, verdict, reason, count, first_seen, last_seen) VALUES (1, 'r', 'p', 'k', 'mismatch', '', 3, 0, 0);
			INSERT INTO reports_comparisons VALUES (1, 'a', 'r', 1, 'mismatch', 0, 10, x''), (2, 'b', 'r', 2, 'mismatch', 0, 10, x''),
				(3, 'c', 'r', 3, 'error', 1, 10, x''), (4, 'd', 'r', 4, 'match', 1, 10, x''), (5, 'e', 'r', 5, 'match', 1, 10, x''), (6, 'f', 'r', 6, 'mismatch', 0, 10, x'');
			INSERT INTO reports_samples VALUES (1, 1, 1, '', '', ''), (1, 2, 2, '', '', ''), (1, 6, 6, '', '', '')`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.writer.evidence = 60
	for i, want := range []string{"4", "5", "2", "3", "1", "6"} { // matches, the middle, errors, then the ends
		r.config.EvidenceMax = int64(50 - 10*i)
		before := r.number(t, `SELECT total(seq) FROM reports_comparisons`)
		r.Skip("r", "any")
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if gone := fmt.Sprint(before - r.number(t, `SELECT total(seq) FROM reports_comparisons`)); gone != want {
			t.Errorf("step %d: %s is gone, want %s", i, gone, want)
		}
	}
}

// Counters do not wait for evidence that takes long to redact and pack.
func TestCountersAreWrittenMeanwhile(t *testing.T) {
	r := openTest(t, Config{})
	record := func(n int) {
		r.Record(Comparison{ID: fmt.Sprint(n), Route: "show", At: time.Now(), Verdict: Mismatch,
			Differences: []Found{{compare.Difference{Path: "$.a", At: "$.a", Kind: compare.KindValue}, Mismatch}}})
	}
	then := time.Now().Add(-24 * time.Hour)
	record(1)
	taken := r.take(then, r.tally.take)
	if err := r.writeCounts(t.Context(), then); err != nil {
		t.Fatal(err)
	}
	record(2)
	r.writer.took = time.Now().Add(-flushEvery) // so long has the evidence of the first taken
	if _, err := r.pack(t.Context(), then, taken); err != nil {
		t.Fatal(err)
	}
	if n := r.number(t, `SELECT count FROM reports_groups`); n != 2 {
		t.Errorf("%d counted in the store, want both", n)
	}
	if n := r.number(t, `SELECT max(start) FROM reports_group_counts`); n > then.Add(time.Hour).Unix() {
		t.Errorf("counted at %v, and the batch is of %v", time.Unix(n, 0), then)
	}
	if queued, _, _ := r.tally.state(); queued != 1 {
		t.Errorf("%d wait to be kept, want the second", queued)
	}
	if err := r.writeEvidence(t.Context(), time.Now(), taken); err != nil {
		t.Fatal(err)
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.number(t, `SELECT count(*) FROM reports_samples`); n != 2 {
		t.Errorf("%d samples, want both", n)
	}
}

// What has samples enough, and no difference that counts, rests while there is
// much to do.
func TestSamplesRestWhileThereIsMuchToDo(t *testing.T) {
	r := openTest(t, Config{})
	n := 0
	record := func(verdict Verdict, times int, path string) {
		for range times {
			n++
			c := Comparison{ID: fmt.Sprint(n), Route: "show", At: time.Now(), Verdict: verdict}
			if verdict == Mismatch {
				c.Differences = []Found{{compare.Difference{Path: path, At: path, Kind: compare.KindValue}, verdict}}
			}
			r.Record(c)
		}
	}
	flush := func() {
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	matches := func() int64 {
		return r.number(t, `SELECT max(CAST(id AS INTEGER)) FROM reports_comparisons WHERE verdict = 'match'`)
	}
	record(Match, matchesMax, "")
	flush()
	for i := range 5 * busy {
		record(Mismatch, 1, fmt.Sprint("$.m", i))
	}
	record(Match, 1, "")
	flush()
	if got := matches(); got != matchesMax {
		t.Errorf("the newest match is %d, want it to rest at %d", got, matchesMax)
	}
	if s := r.Stats(); s.EvidenceDropped != 0 {
		t.Errorf("%d counted as not kept, which nobody wanted", s.EvidenceDropped)
	}
	k := ringKey{"show", Match}
	r.tally.takenRings[k] = stock{matchesMax, time.Now().Add(-restful)}
	for i := range 5 * busy {
		record(Mismatch, 1, fmt.Sprint("$.m", i))
	}
	record(Match, 1, "")
	flush()
	if got := matches(); got != int64(n) {
		t.Errorf("the newest match is %d, want %d after the rest", got, n)
	}
}
