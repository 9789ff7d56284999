package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// verdict prints what has happened, and is an error when something of this is
// not so:
//
//   - no row of a shadow is there, and each live update that was answered is;
//   - no prepared transaction and no idle transaction is left;
//   - nothing keeps dead rows, and the table has not grown since half time;
//   - no live update took longer than the shadow's cap and 200 ms, but around
//     a kill of the database or of Quack, and its watchdog with it;
//   - shadows ran, also after the last disturbance.
func (w *writes) verdict(ctx context.Context) error {
	var sum, shadows, shadowRows, idle, prepared, dead int64
	if _, err := w.pool.Exec(ctx, "VACUUM hot"); err != nil {
		return err
	}
	time.Sleep(time.Second) // until statistics are there
	err := w.pool.QueryRow(ctx, `SELECT (SELECT sum(n) FROM hot)::bigint, (SELECT last_value FROM shadows), (SELECT count(*) FROM audit WHERE who <> 'live'),
		(SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'), (SELECT count(*) FROM pg_prepared_xacts),
		(SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'hot')`).Scan(&sum, &shadows, &shadowRows, &idle, &prepared, &dead)
	if err != nil {
		return err
	}
	t := &w.tally
	t.whole = w.size(ctx)
	log, err := os.ReadFile(filepath.Join(w.dir, "quack.log"))
	if err != nil {
		return err
	}
	fmt.Printf("\n%d live updates and %d requests answered, %d of unknown end; %d shadows ran; disturbed: %v\n"+
		"longest live update %s (limit %s), without a watchdog or database %s; hot is %d bytes, %d at half time; dead rows after VACUUM %d; idle transactions %d; prepared %d\n",
		t.updates, t.requests, t.unknown, shadows, t.kills, t.longest.Round(time.Millisecond), w.patience, t.worst.Round(time.Millisecond), t.whole, t.half, dead, idle, prepared)
	var faults []error
	unless := func(good bool, format string, args ...any) {
		if !good {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	least, most := int64(t.updates+t.requests), int64(t.updates+t.requests+t.unknown)
	unless(sum >= least && sum <= most, "the rows add up to %d, not to something from %d to %d", sum, least, most)
	unless(shadowRows == 0, "%d rows of shadows are there", shadowRows)
	unless(idle == 0 && prepared == 0, "%d idle and %d prepared transactions are left", idle, prepared)
	unless(dead == 0, "%d dead rows are kept after VACUUM", dead)
	unless(t.whole <= 2*t.half+1<<20, "the table has grown from %d to %d bytes since half time", t.half, t.whole)
	unless(t.longest <= w.patience, "a live update took %s", t.longest)
	unless(shadows > 10, "only %d shadows ran", shadows)
	unless(!strings.Contains(string(log), "leak suspected"), "a leak was suspected: see quack.log")
	return errors.Join(faults...)
}
