package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

// checkPrepared looks for prepared transactions that were left behind.
func checkPrepared(ctx context.Context, p *patient) error {
	list, err := p.texts(ctx, `SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND gid LIKE '`+txshadow.PreparedName+`%'
		AND prepared < clock_timestamp() - $1 * interval '1 ms' ORDER BY prepared`, p.Cap.Milliseconds())
	f := Finding{Check: "prepared transactions", Found: "none of a shadow is left behind"}
	if len(list) > 0 {
		f.State, f.Found, f.Means = Missing, "left behind: "+shorten(list), "each holds its locks, and keeps dead rows, until it is rolled back"
		for _, gid := range list {
			f.Fix = append(f.Fix, "ROLLBACK PREPARED '"+strings.ReplaceAll(gid, "'", "''")+"';")
		}
	}
	p.say(f)
	return err
}

// checkNames looks for deferrable constraints that go by the fuse's name: SET
// CONSTRAINTS with that name is refused in a shadow.
func checkNames(ctx context.Context, p *patient) error {
	tables, err := p.texts(ctx, `SELECT format('ALTER TABLE %1$I.%2$I RENAME CONSTRAINT %3$I TO %4$I;',
		n.nspname, c.relname, k.conname, k.conname || '_' || k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE k.condeferrable AND lower(k.conname) = 'fuse' AND n.nspname <> 'txshadow' ORDER BY 1`)
	p.say(Finding{Check: "constraint names", State: Warning.unless(len(tables) == 0), Found: either(len(tables) == 0, "no deferrable constraint is called fuse", fmt.Sprintf("%d deferrable constraints are called fuse", len(tables))),
		Means: "SET CONSTRAINTS with that name could mean Quack's fuse: a shadow that sends it is refused", Fix: tables})
	return err
}

// outsideSQL lists functions of the database's own whose text calls what no
// rollback takes back: another session, a sequence's setting, a file.
const outsideSQL = `SELECT DISTINCT format('%I.%I', n.nspname, f.proname) FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
	WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'txshadow')
	AND f.prosrc ~* '\m(dblink\w*|pg_background_launch|setval|lo_export|pg_file_write|http_(post|put|patch|delete))\s*\(|\mcopy\M[^;]*\mto\s+(program\M|'')'
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e') ORDER BY 1`

// checkOutside looks for such functions: a shadow that calls one, by a trigger
// say, does for good what it does outside.
func checkOutside(ctx context.Context, p *patient) error {
	list, err := p.texts(ctx, outsideSQL)
	f := Finding{Check: "functions", Found: "none is seen to act outside of its transaction"}
	if len(list) > 0 {
		f.State, f.Found = Warning, "they act outside of their transaction: "+shorten(list)
		f.Means = "what they do there a shadow does for good, and no adapter sees it: an audit trail by dblink gets a row of each shadow"
		f.Fix = []string{"-- leave routes that reach them without shadow writes, or let them return at once where current_setting('application_name') ends in " + txshadow.SessionName}
	}
	p.say(f)
	return err
}

// nearEnd is which share of its numbers a sequence may have used up.
const nearEnd = 0.7

// sequence is one that has been used.
type sequence struct {
	Name            string
	Used            float64 // share of the numbers that it, or its column, has
	Table, Column   string  // "" without a column
	Identity, Small bool    // of an identity column; of a type below bigint
}

const sequencesSQL = `SELECT format('%I.%I', s.schemaname, s.sequencename),
	s.last_value::float8 / LEAST(s.max_value, CASE a.atttypid WHEN 'int4'::regtype THEN 2147483647 WHEN 'int2'::regtype THEN 32767 ELSE s.max_value END)::float8,
	CASE WHEN a.attname IS NULL THEN '' ELSE format('%I.%I', tn.nspname, t.relname) END, COALESCE(quote_ident(a.attname), ''), COALESCE(d.deptype = 'i', false), s.data_type::text <> 'bigint'
FROM pg_sequences s JOIN pg_namespace n ON n.nspname = s.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.sequencename
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE s.last_value IS NOT NULL AND s.increment_by > 0 AND NOT s.cycle ORDER BY 2 DESC, 1`

// checkSequences looks for sequences near their end: a shadow uses numbers up
// as a live write does.
func checkSequences(ctx context.Context, p *patient) error {
	rows, err := p.conn.Query(ctx, sequencesSQL)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sequence])
	if err != nil {
		return err
	}
	unseen, err := p.texts(ctx, `SELECT DISTINCT format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO %I;', n.nspname, current_user) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE CASE WHEN c.relkind = 'S' AND NOT pg_is_other_temp_schema(n.oid) THEN NOT has_sequence_privilege(c.oid, 'SELECT') END`)
	if err != nil {
		return err
	}
	near := len(unseen) > 0
	if near {
		p.say(Finding{Check: "sequences", State: Warning, Found: p.me + " does not see how far some of them are", Means: "one that is near its end would not be noticed", Fix: unseen})
	}
	for _, s := range list {
		if s.Used < nearEnd {
			continue
		}
		near = true
		f := Finding{Check: "sequence " + s.Name, State: Warning, Found: fmt.Sprintf("%.0f%% of its numbers are used", s.Used*100),
			Means: "numbers that shadows take are not given back: it ends sooner, and then live INSERTs fail"}
		if s.Small && !s.Identity {
			f.Fix = append(f.Fix, "ALTER SEQUENCE "+s.Name+" AS bigint;")
		}
		if s.Table != "" {
			f.Fix = append(f.Fix, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE bigint; -- rewrites the table under an exclusive lock", s.Table, s.Column))
		}
		if s.Table != "" && s.Small && s.Identity {
			f.Fix = append(f.Fix, "ALTER SEQUENCE "+s.Name+" AS bigint;")
		}
		p.say(f)
	}
	if !near {
		p.say(Finding{Check: "sequences", Found: "none is near its end"})
	}
	return nil
}

// checkStandbys says what synchronous replication means: a shadow's session does
// not wait for it. Whom "*" stands for has to be told apart: the server would take
// the reader of write sets for a standby.
func checkStandbys(ctx context.Context, p *patient) error {
	names, err := p.setting(ctx, "synchronous_standby_names")
	f := Finding{Check: "standbys", Found: "none is synchronous"}
	if names != "" {
		f.Found = "synchronous: " + names + "; shadows do not wait for them (synchronous_commit = local)"
	}
	if strings.Contains(names, "*") || strings.Contains(strings.ToLower(names), "quack-writeset") {
		f.State, f.Means = Warning, "the server would take Quack's reader of rows for a standby, and live commits would wait for it: level 4 is refused"
		f.Fix = []string{"-- name the standbys in synchronous_standby_names in place of *, as pg_stat_replication.application_name has them"}
	}
	p.say(f)
	p.say(Finding{Check: "subtransactions", Found: "a shadow makes at most 60, below the 64 that the server keeps at hand for each session"})
	return err
}
