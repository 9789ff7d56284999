package txshadow

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
)

// BenchmarkShadowOverhead compares what a shadow does to the database with
// the same INSERT in a plain transaction that is rolled back, in turns, on
// sessions that are open already. Reported: the median of each, and what the
// shadow adds.
func BenchmarkShadowOverhead(b *testing.B) {
	ctx := context.Background()
	dsn := pgtest.NewDatabase(b)
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "CREATE TABLE accounts (id bigserial PRIMARY KEY, email text);"+InstallSQL()); err != nil {
		b.Fatal(err)
	}
	a, err := New(Config{Secret: "a secret of tests that is long enough", Pool: pool, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close(ctx)
	const insert = "INSERT INTO accounts (email) VALUES ('a')"
	var plain, arming, ending, shadowed []time.Duration
	for b.Loop() {
		session, err := a.sessions.open(ctx)
		if err != nil {
			b.Fatal(err)
		}
		run := func(sql string) {
			if _, err := session.control(ctx, sql); err != nil {
				b.Fatal(err)
			}
		}
		run("BEGIN READ WRITE; " + insert + "; ROLLBACK") // what is first in a session is slow, for both
		start := time.Now()
		run("BEGIN READ WRITE")
		run(insert)
		run("ROLLBACK")
		plain = append(plain, time.Since(start))

		start = time.Now()
		if err := session.arm(ctx, "nonce", time.Second, a.lockTimeout, a.layers); err != nil {
			b.Fatal(err)
		}
		arming = append(arming, time.Since(start))
		s := newWork(a, newShadow(a.front, Marked{ID: "id", Mode: ModeRollback}, start.Add(time.Minute)))
		s.session = session
		t, err := s.begin(ctx, pgx.TxOptions{}, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := t.Exec(ctx, insert); err != nil {
			b.Fatal(err)
		}
		if err := t.Commit(ctx); err != nil {
			b.Fatal(err)
		}
		end := time.Now()
		if e := s.Finish(); !e.RolledBack || len(e.Footprint) != 1 {
			b.Fatalf("%+v", e)
		}
		ending = append(ending, time.Since(end))
		shadowed = append(shadowed, time.Since(start))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(plain), "plain-ms")
	b.ReportMetric(median(arming), "arming-ms")
	b.ReportMetric(median(ending), "ending-ms")
	b.ReportMetric(median(shadowed), "shadow-ms")
	b.ReportMetric(median(shadowed)-median(plain), "added-ms")
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Microseconds()) / 1000
}
