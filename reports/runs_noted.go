package reports

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// verdictCounts are the comparisons of one route by what became of them: as much
// of its counters as runs are compared by.
type verdictCounts struct {
	Matched    int64 `json:"matched"`
	Mismatched int64 `json:"mismatched"`
	Transient  int64 `json:"transient"`
	Noise      int64 `json:"noise"`
}

func (v verdictCounts) total() int64 { return v.Matched + v.Mismatched + v.Transient + v.Noise }

func (v verdictCounts) less(d verdictCounts) verdictCounts {
	return verdictCounts{v.Matched - d.Matched, v.Mismatched - d.Mismatched, v.Transient - d.Transient, v.Noise - d.Noise}
}

// noted is what was counted up to an instant.
type noted struct {
	at      time.Time
	routes  map[string]verdictCounts
	groups  map[int64]int64 // counts by number
	lastSeq int64           // highest number of a comparison
}

func (r *Reports) notedAt(ctx context.Context, mark string) (*noted, error) {
	m, err := r.markNamed(ctx, mark)
	if err != nil {
		return nil, err
	}
	n := &noted{at: m.At, routes: map[string]verdictCounts{}, lastSeq: m.lastSeq}
	if err := r.markedData(ctx, `SELECT counters FROM reports_marks WHERE name = ?`, mark, &n.routes); err != nil {
		return nil, err
	}
	n.groups, err = r.markedGroups(ctx, mark)
	return n, err
}

// notedNow reads the counters and the groups of the same batches.
func (r *Reports) notedNow(ctx context.Context) (*noted, error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it has only read
	n := &noted{at: time.Now().UTC(), routes: map[string]verdictCounts{}}
	err = eachRoute(ctx, tx, `SELECT route, data FROM reports_counts WHERE width = 0`, nil, func(route string, data []byte) error {
		var v verdictCounts
		if err := json.Unmarshal(data, &v); err != nil {
			return fmt.Errorf("counters of route %q: %w", route, err)
		}
		n.routes[route] = v
		return nil
	})
	if err != nil {
		return nil, err
	}
	n.groups, _, err = groupCounts(ctx, tx)
	return n, err
}
