package reports

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/internal/wording"
)

// addDrift adds to what the store has of a group: another process may write to
// it as well.
func (b *batchWriter) addDrift(group int64, drift compare.Drift) error {
	if drift.Count == 0 {
		return nil
	}
	query, err := b.statement(`SELECT drift FROM reports_groups WHERE id = ?`)
	if err != nil {
		return err
	}
	var data []byte
	if err := query.QueryRowContext(b.ctx, group).Scan(&data); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	sum, err := decodeDrift(data)
	if err != nil {
		return err
	}
	sum.Merge(drift)
	if data, err = json.Marshal(sum); err != nil {
		return err
	}
	return b.exec(`UPDATE reports_groups SET drift = ? WHERE id = ?`, data, group)
}

// decodeDrift is the drift that a group is stored with, which may be none.
func decodeDrift(data []byte) (d compare.Drift, err error) {
	if data == nil {
		return d, nil
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, fmt.Errorf("read how far timestamps are apart: %w", err)
	}
	return d, nil
}

// ReasonText is why a group was forgiven, with how far apart its timestamps
// are: "timestamp, new - legacy: p50 +3 ms, p99 +12 ms, least -1 ms, most +40 ms".
func ReasonText(reason string, drift compare.Drift) string {
	text := wording.Visible(reason)
	if drift.Count == 0 {
		return text
	}
	if text != "" {
		text += ", "
	}
	return text + "new - legacy: " + drift.String()
}

// ReasonText is why the group was forgiven, for a person.
func (g Group) ReasonText() string { return ReasonText(g.Reason, g.Drift) }
