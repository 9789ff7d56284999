package writeset_test

import (
	"fmt"
	"testing"
)

// BenchmarkLiveRows is what passing over the rows of live clients takes, from
// their commit until the slot has passed it, the server's decoding included.
func BenchmarkLiveRows(b *testing.B) {
	const rows = 100_000
	s := read(b, "CREATE TABLE t (a int, b text)")
	for b.Loop() {
		s.exec(fmt.Sprintf("INSERT INTO t SELECT g, 'some text of a row' FROM generate_series(1, %d) g", rows))
		lsn := ask[string](s, "SELECT pg_current_wal_flush_lsn()::text")
		s.until("the slot has passed", func() bool {
			return ask[bool](s, "SELECT confirmed_flush_lsn >= $1::text::pg_lsn FROM pg_replication_slots WHERE slot_name = $2", lsn, s.reader.State().Slot)
		})
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}
