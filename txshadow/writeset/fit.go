package writeset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

// fit asks whether the database can give write sets.
func (s *stream) fit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var f facts
	err := s.side.QueryRow(ctx, `SELECT pg_catalog.current_setting('server_version_num')::int, pg_catalog.current_setting('wal_level'),
		pg_catalog.current_setting('max_prepared_transactions')::int,
		(SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size'),
		pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('server_encoding')`).
		Scan(&f.version, &f.walLevel, &f.prepared, &f.keepMiB, &f.replica, &f.encoding)
	if err != nil {
		return fmt.Errorf("ask the database what it can do: %w", err)
	}
	if err := f.judge(); err != nil {
		return err
	}
	s.reader.keeps(f.keepMiB << 20)
	return s.mayEnd(ctx)
}

// strangersSQL names the roles of services' shadow sessions whose prepared
// transactions this role could not roll back.
const strangersSQL = `SELECT coalesce(pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(usename), ', '), '') FROM pg_catalog.pg_stat_activity
	WHERE datname = pg_catalog.current_database() AND application_name LIKE '%` + txshadow.SessionName + `'
	AND NOT pg_catalog.pg_has_role(usesysid, 'MEMBER')`

// mayEnd refuses what nobody could end: of a service that is killed behind its
// PREPARE the transaction stays, with its locks, and only its role may roll it
// back. Where no session of a service is seen, nothing is known against it.
func (s *stream) mayEnd(ctx context.Context) error {
	var roles string
	if err := s.side.QueryRow(ctx, strangersSQL).Scan(&roles); err != nil {
		return fmt.Errorf("ask whose shadows could be ended: %w", err)
	}
	if roles == "" {
		return nil
	}
	return fmt.Errorf("this role could not roll back what a service leaves prepared when it is killed, and live sessions would wait for its locks\n"+
		"  GRANT %s TO %s", roles, pgx.Identifier{s.side.Config().User}.Sanitize())
}

// apart refuses a slot whose reader the server takes for a synchronous standby, as
// it does with synchronous_standby_names = '*': commits of live clients would wait
// for this process, and be promised to be on a standby that does not have them.
// Until something is confirmed for the first time the server does not count on it.
func (s *stream) apart(ctx context.Context) error {
	for began := time.Now(); ; time.Sleep(laterLook) {
		var starting bool
		var priority int
		err := s.side.QueryRow(ctx, "SELECT coalesce(pg_catalog.bool_or(state <> 'streaming'), false), coalesce(pg_catalog.max(sync_priority), 0) FROM pg_catalog.pg_stat_replication WHERE pid = $1",
			int32(s.conn.PID())).Scan(&starting, &priority)
		if err != nil {
			return fmt.Errorf("ask whether the server waits for this reader: %w", err)
		}
		if priority > 0 {
			return fmt.Errorf("synchronous_standby_names takes this reader (%s) for a standby: live commits would wait for it\n"+
				"  name the standbys there in place of *, as pg_stat_replication.application_name has them", applicationName)
		}
		if !starting || s.confirmed > 0 || time.Since(began) > startPatience { // a sender has its priority only when it sends
			return nil
		}
	}
}

const (
	laterLook     = 5 * time.Millisecond
	startPatience = 2 * time.Second // of a sender, until it has caught up
)

// facts are what of a server decides whether it gives write sets.
type facts struct {
	version  int
	walLevel string
	prepared int   // max_prepared_transactions
	keepMiB  int64 // max_slot_wal_keep_size, -1 for no bound
	replica  bool
	encoding string
}

// judge says what is missing, all of it.
func (f facts) judge() error {
	var missing []error
	need := func(ok bool, why string) {
		if !ok {
			missing = append(missing, errors.New(why))
		}
	}
	need(f.version >= 140000, fmt.Sprintf("the server is version %d, and prepared transactions are decoded from 14 on", f.version/10000))
	need(!f.replica, "the server is a replica")
	need(f.walLevel == "logical", "wal_level is "+f.walLevel+"\n  ALTER SYSTEM SET wal_level = logical, and restart the server")
	need(f.prepared > 0, "max_prepared_transactions is 0\n  ALTER SYSTEM SET max_prepared_transactions = 20, and restart the server")
	need(f.keepMiB >= 0, "max_slot_wal_keep_size is -1: a slot that is not read would fill the server's disk\n"+
		"  ALTER SYSTEM SET max_slot_wal_keep_size = '4GB', and reload")
	need(f.encoding == "UTF8" || f.encoding == "SQL_ASCII", "the database has the encoding "+f.encoding+", and rows are decoded in it: UTF8 alone can be read")
	return errors.Join(missing...)
}

// lookSQL asks how much the slot holds back, and for transactions of shadows
// that nobody has rolled back.
const lookSQL = `SELECT coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn), 0)::bigint,
	coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), confirmed_flush_lsn), 0)::bigint,
	(SELECT count(*) FROM pg_catalog.pg_prepared_xacts WHERE gid LIKE '` + txshadow.PreparedName + `%' AND database = pg_catalog.current_database()
		AND prepared < pg_catalog.clock_timestamp() - interval '10 seconds')
	FROM pg_catalog.pg_replication_slots WHERE slot_name = $1`

// look looks at the slot, tells the server that we live, and raises the alarm
// when the slot holds more than half of what it may.
func (s *stream) look(ctx context.Context) error {
	s.looked = time.Now()
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var retained, lag int64
	var orphans int
	if err := s.side.QueryRow(ctx, lookSQL, s.reader.slot).Scan(&retained, &lag, &orphans); err != nil {
		return fmt.Errorf("look at the replication slot: %w", err)
	}
	s.reader.looked(retained, lag, orphans)
	if err := s.mayEnd(ctx); err != nil {
		return err
	}
	if err := s.apart(ctx); err != nil {
		return err
	}
	return s.confirm(true)
}

func (r *Reader) keeps(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.KeepWAL = bytes
}

func (r *Reader) looked(retained, lag int64, orphans int) {
	r.mu.Lock()
	high := 2*retained > r.state.KeepWAL
	higher, left := high && !r.high, orphans > r.state.Orphans
	r.state.RetainedWAL, r.state.Lag, r.state.Orphans, r.high = retained, lag, orphans, high
	state := r.state
	r.mu.Unlock()
	if higher {
		r.log.Warn("the slot of write sets holds back more than half of max_slot_wal_keep_size: above it the slot is lost", "slot", state.Slot,
			"retained_bytes", retained, "max_bytes", state.KeepWAL, "next step", "quack doctor; transactions that stay open for long and bulk loads hold it back")
	}
	if left {
		r.log.Warn("transactions of shadows are prepared and nobody has rolled them back: they hold their locks", "orphans", orphans,
			"next step", "quack doctor prints the ROLLBACK PREPARED of each; never COMMIT PREPARED")
	}
}
