package writeset

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
)

// line takes one line of the plugin, which stands at lsn.
func (s *stream) line(ctx context.Context, lsn pglogrepl.LSN, line []byte) error {
	switch {
	case bytes.HasPrefix(line, []byte("table ")):
		s.gather.change(line)
		return nil
	case bytes.HasPrefix(line, []byte("BEGIN")):
		s.gather.begin(s.reader.awaited())
		return nil
	case bytes.HasPrefix(line, []byte("message:")):
		return nil
	}
	// What is left ends a transaction, or says what became of a prepared one.
	if gid, ok := parseCommitted(string(line)); ok {
		s.reader.told(gid)
	}
	gid, xid, prepared := parsePrepare(string(line))
	ours := prepared && s.reader.waits(gid)
	if ours {
		if err := s.prepared(ctx, gid, xid); err != nil {
			return err
		}
	}
	s.gather.open = false
	s.seen = max(s.seen, lsn)
	return s.confirm(ours || s.reader.awaited() || time.Since(s.told) > confirmEvery)
}

// prepared reads a transaction that somebody waits for. Only when it is still
// prepared after all of it has come is it whole: of one that is rolled back
// meanwhile the server leaves rows out and does not say so.
func (s *stream) prepared(ctx context.Context, gid string, xid uint32) error {
	set, err := s.gather.set()
	if err == nil {
		var status string
		if status, err = s.status(ctx, xid); err != nil {
			return err
		}
		if status != "in progress" {
			set, err = Set{}, ErrLate
		}
	}
	s.reader.deliver(gid, reading{set, err})
	return nil
}

// statusSQL completes a transaction's id, of which the log has the lower half:
// it is the nearest to the newest one.
const statusSQL = `SELECT pg_catalog.pg_xact_status((top - ((top - $1) & 4294967295))::text::xid8)
	FROM (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint + 2147483647 AS top) t`

func (s *stream) status(ctx context.Context, xid uint32) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var status *string
	if err := s.side.QueryRow(ctx, statusSQL, int64(xid)).Scan(&status); err != nil {
		return "", fmt.Errorf("ask what has become of a transaction: %w", err)
	}
	if status == nil {
		return "", nil
	}
	return *status, nil
}

// confirm tells the server how far we are. Adapters wait for it.
func (s *stream) confirm(now bool) error {
	if !now {
		return nil
	}
	s.confirmed, s.told = s.seen, time.Now()
	if err := pglogrepl.SendStandbyStatusUpdate(context.Background(), s.conn, pglogrepl.StandbyStatusUpdate{WALWritePosition: s.seen}); err != nil {
		return fmt.Errorf("confirm what was read: %w", err)
	}
	return nil
}
