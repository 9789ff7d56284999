package doctor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ofRole is a setting as a session of the role in this database begins with, and
// what ALTER has stated it for: "" for the server.
func (p *patient) ofRole(ctx context.Context, name, role string) (value, scope string, err error) {
	const sql = `SELECT substr(c, length($1) + 2), CASE WHEN s.setrole <> 0 AND s.setdatabase <> 0 THEN format('ROLE %I IN DATABASE %I', $2::text, current_database())
		WHEN s.setrole <> 0 THEN format('ROLE %I', $2::text) ELSE format('DATABASE %I', current_database()) END
	FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE c LIKE $1 || '=%'
		AND s.setrole IN (0, COALESCE((SELECT oid FROM pg_roles WHERE rolname = $2), 0)) AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
	ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1`
	rows, err := p.conn.Query(ctx, sql, name, role)
	if err != nil {
		return "", "", err
	}
	found := false
	for rows.Next() {
		found = true
		if err := rows.Scan(&value, &scope); err != nil {
			return "", "", err
		}
	}
	if rows.Err() != nil || found {
		return value, scope, rows.Err()
	}
	err = p.conn.QueryRow(ctx, "SELECT COALESCE((SELECT reset_val FROM pg_settings WHERE name = $1), '')", name).Scan(&value)
	return value, "", err
}

// set is the statement that sets something where it is stated now.
func set(scope, setting, value string) []string {
	if scope == "" {
		return alterSystem(setting + " = '" + value + "'")
	}
	return []string{"ALTER " + scope + " SET " + setting + " = '" + value + "';"}
}

// rolesOr are the application's roles, or this session's own.
func (p *patient) rolesOr() []string {
	if len(p.Roles) == 0 {
		return []string{p.me}
	}
	return p.Roles
}

func checkIsolation(ctx context.Context, p *patient) error {
	for _, role := range p.rolesOr() {
		level, scope, err := p.ofRole(ctx, "default_transaction_isolation", role)
		if err != nil {
			return err
		}
		p.say(Finding{Check: "isolation " + role, State: Missing.unless(level != "serializable"), Found: level,
			Means: "an open shadow would make live SERIALIZABLE transactions fail with 40001: adapters run no shadow write as this role",
			Fix:   append([]string{"-- changes what the application gets: only where it does not rely on serializable"}, set(scope, "default_transaction_isolation", "read committed")...)})
	}
	return nil
}

// checkTimeouts looks at limits that would end a shadow within its time.
func checkTimeouts(ctx context.Context, p *patient) error {
	for _, role := range p.rolesOr() {
		for _, name := range []string{"idle_in_transaction_session_timeout", "transaction_timeout", "statement_timeout"} {
			value, scope, err := p.ofRole(ctx, name, role)
			if err != nil {
				return err
			}
			limit := duration(value)
			p.say(Finding{Check: name + " " + role, State: Warning.unless(limit == 0 || limit >= p.Cap), Found: either(limit == 0, "none", limit.String()),
				Means: fmt.Sprintf("shorter than the %s that a shadow may take: shadows may be cut off, and are not compared", p.Cap),
				Fix:   set(scope, name, strconv.FormatInt(p.Cap.Milliseconds(), 10)+"ms")})
		}
	}
	return nil
}

// duration is a setting's time: a number of ms, or one with a unit.
func duration(value string) time.Duration {
	value = strings.ReplaceAll(value, " ", "")
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(n) * time.Millisecond
	}
	if days, ok := strings.CutSuffix(value, "d"); ok {
		n, _ := strconv.Atoi(days) // PostgreSQL has taken it: it is a number
		return time.Duration(n) * 24 * time.Hour
	}
	d, _ := time.ParseDuration(strings.Replace(value, "min", "m", 1))
	return d
}

func checkCounts(ctx context.Context, p *patient) error {
	for _, role := range p.rolesOr() {
		value, scope, err := p.ofRole(ctx, "track_counts", role)
		if err != nil {
			return err
		}
		p.say(Finding{Check: "track_counts", State: Warning.unless(value == "on"), Found: value + " for " + role,
			Means: "rows written are not counted: no footprints (level 1)", Fix: set(scope, "track_counts", "on")})
	}
	return nil
}
