package doctor

import (
	"context"
	"fmt"

	"github.com/quackproxy/quack/txshadow"
)

func checkServer(ctx context.Context, p *patient) error {
	p.say(Finding{Check: "version", State: Warning.unless(p.version >= 140000), Found: fmt.Sprintf("PostgreSQL %d", p.version/10000),
		Means: "before PostgreSQL 14 prepared transactions are not decoded: write sets stay at level 1", Fix: []string{"-- upgrade to PostgreSQL 14 or later"}})
	standby, err := p.truth(ctx, "SELECT pg_is_in_recovery()")
	p.say(Finding{Check: "primary", State: Missing.unless(!standby), Found: either(standby, "a standby", "a primary"),
		Means: "on a standby nothing is written, nor ended: the DSN has to lead to the primary", Fix: []string{"-- put the DSN of the primary in its QUACK_DB variable"}})
	return err
}

func checkPooler(ctx context.Context, p *patient) error {
	var pid int32
	err := p.conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid)
	direct := uint32(pid) == p.conn.PgConn().PID()
	p.say(Finding{Check: "pooler", State: Missing.unless(direct), Found: either(direct, "none before the database", "a connection pooler stands before the database"),
		Means: "a pooler hands a shadow's settings on to live work: adapters refuse to run through one, and the watchdog needs a session of its own",
		Fix:   []string{"-- put the address of the database itself in its QUACK_DB variable, and in Config.DirectDSN of the adapter"}})
	return err
}

// fuseOID is the fuse's table, also for a role that may not use its schema.
const fuseOID = `(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'txshadow' AND c.relname = 'fuse')`

// fuseSQL asks whether the fuse's trigger is in force, and refuses.
const fuseSQL = `SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid WHERE t.tgrelid = ` + fuseOID + `
	AND t.tgname = 'fuse' AND t.tgenabled = 'A' AND t.tgdeferrable AND t.tginitdeferred AND t.tgtype & 4 = 4 AND f.prosrc LIKE '%QF001%')`

func checkFuse(ctx context.Context, p *patient) error {
	there, err := p.truth(ctx, "SELECT "+fuseOID+" IS NOT NULL")
	if err != nil {
		return err
	}
	force, err := p.truth(ctx, fuseSQL)
	found := "installed, its trigger in force"
	switch {
	case !there:
		found = "not installed"
	case !force:
		found = "installed, and its trigger is missing, switched off or changed"
	}
	p.say(Finding{Check: "fuse", State: Missing.unless(there && force), Found: found,
		Means: "without it the database itself would not refuse a shadow's COMMIT: adapters run no shadow write", Fix: []string{txshadow.InstallSQL(p.Roles...)}})
	return err
}

func checkFuseRights(ctx context.Context, p *patient) error {
	if len(p.Roles) == 0 {
		p.say(Finding{Check: "roles", State: Warning, Found: "no role of the application is seen", Means: "its rights were not looked at", Fix: []string{"-- name it: quack doctor --role NAME"}})
	}
	var known []string
	for _, role := range p.Roles {
		there, err := p.truth(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role)
		if err != nil {
			return err
		}
		if !there {
			p.say(Finding{Check: "role " + role, State: Missing, Found: "there is no such role", Means: "nothing can be said of it", Fix: []string{"-- name another: quack doctor --role NAME"}})
			continue
		}
		known = append(known, role)
		if p.failed["fuse"] { // whose installation grants what is needed
			continue
		}
		may, err := p.truth(ctx, "SELECT has_schema_privilege($1::text, 'txshadow', 'USAGE') AND has_table_privilege($1::text, "+fuseOID+", 'INSERT')", role)
		if err != nil {
			return err
		}
		p.say(Finding{Check: "rights " + role, State: Missing.unless(may), Found: either(may, "may arm the fuse", "may not arm the fuse"),
			Means: "adapters that log in as it run no shadow write", Fix: []string{"GRANT USAGE ON SCHEMA txshadow TO " + quote(role) + ";", "GRANT INSERT ON txshadow.fuse TO " + quote(role) + ";"}})
	}
	p.Roles = known
	return nil
}

// checkWatchdog looks at what the role of the DSN may do: see and end sessions
// of the application's roles.
func checkWatchdog(ctx context.Context, p *patient) error {
	sees, err := p.truth(ctx, "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')")
	if err != nil {
		return err
	}
	p.say(Finding{Check: "pg_monitor", State: Missing.unless(sees), Found: p.me + either(sees, " sees all sessions", " sees only sessions of its own role"),
		Means: "the watchdog does not see that a live session waits for a shadow", Fix: []string{"GRANT pg_monitor TO " + quote(p.me) + ";"}})
	for _, role := range p.Roles {
		var ends, super bool
		err := p.conn.QueryRow(ctx, `SELECT r.rolsuper, CASE WHEN r.rolsuper THEN $2 ELSE pg_has_role(current_user, 'pg_signal_backend', 'USAGE') OR pg_has_role(current_user, r.oid, 'USAGE') END
			FROM pg_roles r WHERE r.rolname = $1`, role, p.super).Scan(&super, &ends)
		if err != nil {
			return err
		}
		fix := "GRANT pg_signal_backend TO " + quote(p.me) + ";"
		if super {
			fix = "-- sessions of a superuser are ended by superusers only: let the application log in as another role"
		}
		p.say(Finding{Check: "pg_signal_backend " + role, State: Missing.unless(ends), Found: p.me + either(ends, " may end its sessions", " may not end its sessions"),
			Means: "the watchdog can not end a shadow that live sessions wait for", Fix: []string{fix}})
	}
	return nil
}

// checkPreparedRight: only the owner of a prepared transaction, or who may become
// that role, can roll it back.
func checkPreparedRight(ctx context.Context, p *patient) error {
	for _, role := range p.Roles {
		may, err := p.truth(ctx, "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $1", role)
		if err != nil {
			return err
		}
		p.say(Finding{Check: "rollback prepared " + role, State: Warning.unless(may), Found: p.me + either(may, " may roll its prepared transactions back", " may not roll its prepared transactions back"),
			Means: "at level 4 only the adapter can end one that was left behind, once it runs again: until then it holds its locks", Fix: []string{"GRANT " + quote(role) + " TO " + quote(p.me) + ";"}})
	}
	return nil
}

func checkConnections(ctx context.Context, p *patient) error {
	var taken, most int
	err := p.conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL)::int,
		current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int`).Scan(&taken, &most)
	need := p.MaxShadows + 2
	p.say(Finding{Check: "connections", State: Warning.unless(most-taken >= need), Found: fmt.Sprintf("%d of %d are taken", taken, most),
		Means: fmt.Sprintf("each instance of a service takes up to %d more for shadows", need), Fix: alterSystem(fmt.Sprintf("max_connections = %d", most+10*need)), Restart: true})
	return err
}
