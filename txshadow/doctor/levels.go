package doctor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

func checkWAL(ctx context.Context, p *patient) error {
	level, err := p.setting(ctx, "wal_level")
	if err != nil {
		return err
	}
	p.say(Finding{Check: "wal_level", State: Warning.unless(level == "logical"), Found: level,
		Means: "what a shadow would have written can not be read row by row (level 4)", Fix: alterSystem("wal_level = 'logical'"), Restart: true})
	keep, err := p.setting(ctx, "max_slot_wal_keep_size")
	p.say(Finding{Check: "max_slot_wal_keep_size", State: Warning.unless(keep != "-1" && keep != ""), Found: keep,
		Means: "a slot that nobody reads would keep WAL until the disk is full: level 4 is refused without a bound", Fix: alterSystem("max_slot_wal_keep_size = '1GB'")})
	return err
}

func checkPreparedLimit(ctx context.Context, p *patient) error {
	text, err := p.setting(ctx, "max_prepared_transactions")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	p.say(Finding{Check: "max_prepared_transactions", State: Warning.unless(n >= p.MaxShadows), Found: text,
		Means: fmt.Sprintf("level 4 ends a shadow by PREPARE TRANSACTION: %d at once", p.MaxShadows), Fix: alterSystem(fmt.Sprintf("max_prepared_transactions = %d", max(10, 2*p.MaxShadows))), Restart: true})
	return err
}

func checkSlots(ctx context.Context, p *patient) error {
	var slots, taken, senders, sending int
	err := p.conn.QueryRow(ctx, `SELECT current_setting('max_replication_slots')::int, (SELECT count(*) FROM pg_replication_slots)::int,
		current_setting('max_wal_senders')::int, (SELECT count(*) FROM pg_stat_replication)::int`).Scan(&slots, &taken, &senders, &sending)
	var fix []string
	if slots <= taken {
		fix = alterSystem(fmt.Sprintf("max_replication_slots = %d", taken+10))
	}
	if senders <= sending {
		fix = append(fix, alterSystem(fmt.Sprintf("max_wal_senders = %d", sending+10))...)
	}
	p.say(Finding{Check: "slots", State: Warning.unless(fix == nil), Found: fmt.Sprintf("%d of %d replication slots and %d of %d senders of WAL are taken", taken, slots, sending, senders),
		Means: "each Quack needs one of both for level 4", Fix: fix, Restart: true})
	return err
}

// checkOtherSlots looks for slots that get prepared transactions when they are
// prepared: subscriptions with two_phase.
func checkOtherSlots(ctx context.Context, p *patient) error {
	if p.version < 140000 {
		return nil
	}
	list, err := p.texts(ctx, `SELECT slot_name FROM pg_replication_slots WHERE two_phase AND database = current_database()
		AND slot_name NOT LIKE 'txshadow\_%' ORDER BY 1`)
	f := Finding{Check: "two-phase slots", Found: "nobody else is sent prepared transactions"}
	if len(list) > 0 {
		f.State, f.Found = Warning, "others are sent prepared transactions: "+shorten(list)
		f.Means = "at level 4 they get the rows of each shadow, and its rollback behind them: a subscriber holds its locks meanwhile"
		f.Fix = []string{"-- create these subscriptions anew WITH (two_phase = false), or stay at level 1: a Quack role without REPLICATION"}
	}
	p.say(f)
	return err
}

func checkReplicationRight(ctx context.Context, p *patient) error {
	may, err := p.truth(ctx, "SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user")
	p.say(Finding{Check: "replication", State: Warning.unless(may), Found: p.me + either(may, " may read WAL", " may not read WAL"),
		Means: "Quack reads what shadows would have written through a replication slot (level 4)", Fix: []string{"ALTER ROLE " + quote(p.me) + " REPLICATION;"}})
	return err
}

// checkDecoding tries a temporary slot, which waits for the transactions that
// are open, and is dropped at once.
func checkDecoding(ctx context.Context, p *patient) error {
	for _, needed := range []string{"version", "primary", "wal_level", "slots", "replication"} {
		if p.failed[needed] {
			p.say(Finding{Check: "test_decoding", State: Warning, Found: "not tried: " + needed + " comes first", Means: "level 4 needs it", Fix: []string{"-- put " + needed + " right, then ask again"}})
			return nil
		}
	}
	const slot = "'quack_doctor_' || pg_backend_pid()"
	if _, err := p.conn.Exec(ctx, "SET statement_timeout = '3s'"); err != nil {
		return err
	}
	_, err := p.conn.Exec(ctx, "SELECT pg_create_logical_replication_slot("+slot+", 'test_decoding', true, true)")
	var e *pgconn.PgError
	if err != nil && !errors.As(err, &e) {
		return err
	}
	p.say(decoding(e))
	if err == nil {
		if _, err := p.conn.Exec(ctx, "SELECT pg_drop_replication_slot("+slot+")"); err != nil {
			return err
		}
	}
	_, err = p.conn.Exec(ctx, "RESET statement_timeout")
	return err
}

// decoding is the finding for what the server said to a slot; nil for nothing.
func decoding(e *pgconn.PgError) Finding {
	f := Finding{Check: "test_decoding", State: Warning, Means: "level 4 reads rows through it"}
	switch {
	case e == nil:
		return Finding{Check: f.Check, Found: "usable"}
	case e.Code == "57014":
		f.Found, f.Fix = "a slot was not ready within 3s: it waits for the transactions that are open", []string{"SELECT pid, usename, xact_start, query FROM pg_stat_activity WHERE backend_xid IS NOT NULL ORDER BY xact_start;"}
	case strings.HasPrefix(e.Code, "58"):
		f.Found, f.Fix = "the server does not have it: "+e.Message, []string{"-- install PostgreSQL's contrib modules on the server, and see that its dynamic_library_path has $libdir"}
	default:
		f.Found, f.Fix = "a slot could not be made: "+e.Message, []string{"-- put right what the message says, then ask again"}
	}
	return f
}

// checkIdentity lists tables whose old rows are not in WAL.
func checkIdentity(ctx context.Context, p *patient) error {
	list, err := p.texts(ctx, `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname NOT IN ('txshadow', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
		AND (c.relreplident = 'n' OR c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)) ORDER BY 1`)
	f := Finding{Check: "replica identity", Found: "each table has one"}
	if len(list) > 0 {
		f.State, f.Found = Warning, "none: "+shorten(list)
		f.Means = "at level 4 their INSERTs are seen, an UPDATE without its old row, and of a DELETE only that there was one"
		for _, table := range list {
			f.Fix = append(f.Fix, "ALTER TABLE "+table+" REPLICA IDENTITY FULL; -- old rows go into WAL; needs an exclusive lock for a moment")
		}
	}
	p.say(f)
	return err
}

// shorten is a list for people.
func shorten(list []string) string {
	if len(list) > 5 {
		return strings.Join(list[:5], ", ") + fmt.Sprintf(" and %d more", len(list)-5)
	}
	return strings.Join(list, ", ")
}
