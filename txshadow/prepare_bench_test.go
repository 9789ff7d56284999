package txshadow_test

import (
	"context"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/internal/postgres"
	"github.com/quackproxy/quack/txshadow"
)

// BenchmarkRows compares a shadow request that is counted (level 1) with one
// whose rows are decoded as well (level 4), in turns: a whole HTTP request each,
// with the rows in hand. Reported: the median of each, and what level 4 adds.
// fsync is on for the second: PREPARE and ROLLBACK PREPARED each wait for one.
func BenchmarkRows(b *testing.B) {
	for _, fsync := range []string{"off", "on"} {
		b.Run("fsync="+fsync, func(b *testing.B) {
			c, err := postgres.Start(b.Context(), postgres.Options{Progress: os.Stderr, Settings: map[string]string{"fsync": fsync}})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Stop()
			pool, err := pgxpool.New(b.Context(), c.DSN("postgres"))
			if err != nil {
				b.Fatal(err)
			}
			defer pool.Close()
			if _, err := pool.Exec(b.Context(), schema+txshadow.InstallSQL()); err != nil {
				b.Fatal(err)
			}
			benchmarkRows(b, c.DSN("postgres"))
		})
	}
}

func benchmarkRows(b *testing.B, dsn string) {
	s := serve(b, func(s *service, w http.ResponseWriter, r *http.Request) {
		if _, err := s.db.Exec(r.Context(), "INSERT INTO accounts (email) VALUES ('a')"); err != nil {
			b.Error(err)
		}
	}, func(set *setup) { set.at = dsn })
	r := s.reader()
	var counted, decoded []time.Duration
	for b.Loop() {
		s.spare()
		counted = append(counted, s.shadow("/").took)
		s.spare()
		gid, w := r.Expect()
		req := s.marked(txshadow.ModeRollback, 5*time.Second, "POST", "/", "")
		s.codec.MarkPrepare(req.Header, req.Header.Get("Quack-Request-Id"), gid, 5*time.Second, "POST", "/", nil)
		start := time.Now()
		s.do(req)
		set, err := w.Rows(context.Background())
		if err != nil || len(set.Changes) != 2 {
			b.Fatalf("%+v, %v", set, err)
		}
		decoded = append(decoded, time.Since(start))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(counted), "level1-ms")
	b.ReportMetric(middle(decoded), "level4-ms")
	b.ReportMetric(middle(decoded)-middle(counted), "added-ms")
}

// spare waits until a session is ready, so that connecting is in neither.
func (s *service) spare() {
	s.until("a session is ready", s.adapter.HasSpare)
}

func middle(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Microseconds()) / 1000
}
