// Package doctor looks at a database, and says what of it shadow writes need is
// missing, what that means, and which statements would put it right.
//
// Start with [Examine], which returns a [Report]; [Report.Script] is its
// statements as one script. Nothing of the database is changed: the statements
// are for a person to read and run. The one thing that is tried is a temporary
// replication slot, which is dropped at once.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/internal/connect"
)

// State is how a finding is.
type State string

// The states, from good to bad.
const (
	OK      State = "ok"
	Warning State = "warning" // shadow writes run, with less than there could be
	Missing State = "missing" // shadow writes do not run, or live traffic is not kept from them
)

// Finding is one thing that was looked at.
type Finding struct {
	Check   string   `json:"check"` // its name: fuse, wal_level, …
	State   State    `json:"state"`
	Found   string   `json:"found"`
	Means   string   `json:"means"`   // "" when it is as it should be
	Fix     []string `json:"fix"`     // statements that put it right; comments where there are none
	Restart bool     `json:"restart"` // the server has to be restarted after them
}

// Report is what was found of a database.
type Report struct {
	Database string    `json:"database"` // name in routes.yaml
	Server   string    `json:"server"`   // its version
	Roles    []string  `json:"roles"`    // of the application, as given or seen
	Level    int       `json:"write_level"`
	LevelWhy string    `json:"write_level_why"` // what is in the way of a higher one; "" at 4
	Findings []Finding `json:"findings"`
}

// Options say what is asked of the database.
type Options struct {
	Name       string        // in routes.yaml
	Roles      []string      // of the application; empty: those that are seen
	MaxShadows int           // shadow writes at once
	Cap        time.Duration // no shadow's transaction is older
}

// Missing reports whether something is missing.
func (r Report) Missing() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.State == Missing })
}

// patient is a database that is looked at.
type patient struct {
	Options
	conn     *pgx.Conn
	version  int // server_version_num
	me       string
	super    bool
	findings []Finding
	failed   map[string]bool // checks that are not ok
}

// checks are made in this order, each on its own.
var checks = []func(context.Context, *patient) error{
	checkServer, checkPooler, checkFuse, checkFuseRights, checkIsolation, checkTimeouts,
	checkWatchdog, checkPreparedRight, checkConnections,
	checkCounts, checkWAL, checkPreparedLimit, checkSlots, checkOtherSlots, checkReplicationRight, checkDecoding, checkIdentity,
	checkPrepared, checkNames, checkOutside, checkSequences, checkStandbys,
}

// Examine looks at the database of a DSN. An error means that it could not.
func Examine(ctx context.Context, dsn string, o Options) (Report, error) {
	cfg, err := connect.Config(dsn, fmt.Sprintf("the DSN of database %q", o.Name))
	if err != nil {
		return Report{}, err
	}
	cfg.RuntimeParams["application_name"] = "quack doctor"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // goes through a pooler
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return Report{}, fmt.Errorf("connect to database %q: %w", o.Name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	p := &patient{Options: o, conn: conn, failed: map[string]bool{}}
	if err := p.introduce(ctx); err != nil {
		return Report{}, err
	}
	for _, check := range checks {
		if err := check(ctx, p); err != nil {
			return Report{}, fmt.Errorf("look at database %q: %w", o.Name, err)
		}
	}
	r := Report{Database: o.Name, Roles: p.Roles, Findings: p.findings}
	r.Server = fmt.Sprintf("%d.%d", p.version/10000, p.version%10000)
	r.Level, r.LevelWhy = p.level()
	return r, nil
}

// introduce learns who we are and who the application is.
func (p *patient) introduce(ctx context.Context) error {
	err := p.conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_user::text,
		(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)`).Scan(&p.version, &p.me, &p.super)
	if err != nil {
		return fmt.Errorf("ask database %q who we are: %w", p.Name, err)
	}
	if len(p.Roles) == 0 {
		if p.Roles, err = p.texts(ctx, rolesSQL); err != nil {
			return fmt.Errorf("look for the application's roles: %w", err)
		}
	}
	return nil
}

// rolesSQL lists the roles of shadows' sessions, else those that may arm the
// fuse by a grant of their own, else those of the sessions that are there.
const rolesSQL = `WITH seen AS (
	SELECT 1 AS rank, usename::text AS role FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%` + txshadow.SessionName + `'
	UNION ALL SELECT 2, pg_get_userbyid(a.grantee)::text FROM pg_namespace n, aclexplode(n.nspacl) a
		WHERE n.nspname = 'txshadow' AND a.grantee NOT IN (0, n.nspowner)
	UNION ALL SELECT 3, usename::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
		AND usename IS NOT NULL AND application_name NOT LIKE 'quack %')
SELECT DISTINCT role FROM seen WHERE rank = (SELECT min(rank) FROM seen) ORDER BY role`

// say notes a finding.
func (p *patient) say(f Finding) {
	if f.State == "" {
		f.State = OK
	}
	if f.State == OK {
		f.Means, f.Fix, f.Restart = "", nil, false
	} else {
		p.failed[f.Check] = true
	}
	if f.Fix == nil {
		f.Fix = []string{}
	}
	p.findings = append(p.findings, f)
}

// unless is the state, or OK when good.
func (s State) unless(good bool) State {
	if good {
		return OK
	}
	return s
}

// either is one of two texts.
func either(yes bool, one, other string) string {
	if yes {
		return one
	}
	return other
}

func (p *patient) setting(ctx context.Context, name string) (value string, err error) {
	err = p.conn.QueryRow(ctx, "SELECT COALESCE(current_setting($1, true), '')", name).Scan(&value)
	return value, err
}

func (p *patient) texts(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := p.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (p *patient) truth(ctx context.Context, sql string, args ...any) (yes bool, err error) {
	err = p.conn.QueryRow(ctx, sql, args...).Scan(&yes)
	return yes, err
}

// level is the highest level of write sets that the database allows.
func (p *patient) level() (int, string) {
	var why []string
	for _, check := range []string{"version", "wal_level", "max_prepared_transactions", "slots", "replication", "test_decoding", "max_slot_wal_keep_size", "standbys"} {
		if p.failed[check] {
			why = append(why, check)
		}
	}
	switch {
	case p.failed["track_counts"]:
		return 0, strings.Join(append(why, "track_counts"), ", ")
	case len(why) == 0:
		return 4, ""
	}
	return 1, strings.Join(why, ", ")
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

const reload = "SELECT pg_reload_conf();"

func alterSystem(setting string) []string {
	return []string{"ALTER SYSTEM SET " + setting + ";", reload}
}
