package txshadow

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow/internal/catalog"
)

// InstallSQL is what makes the fuse: the schema txshadow with one table and
// its trigger, and the right to arm it for roles, or for everybody when there
// are none. It may be run again. Nothing of it touches an application's table.
//
// The trigger is ENABLE ALWAYS, so that it fires under
// session_replication_role = replica as well. The table is unlogged: its rows
// are never committed, and its crash-safety is nobody's concern.
//
// The lift is for the PREPARE TRANSACTION of ModePrepare: the trigger lets a row
// pass when the setting txshadow.probe is the nonce in that very row, which is
// another one for each transaction. Installing it anew brings it to a fuse of
// before.
func InstallSQL(roles ...string) string {
	to := "PUBLIC"
	if len(roles) > 0 {
		quoted := make([]string, len(roles))
		for i, r := range roles {
			quoted[i] = pgx.Identifier{r}.Sanitize()
		}
		to = strings.Join(quoted, ", ")
	}
	return foreignFuse + `CREATE SCHEMA IF NOT EXISTS txshadow;
CREATE UNLOGGED TABLE IF NOT EXISTS txshadow.fuse (nonce text NOT NULL);
CREATE OR REPLACE FUNCTION txshadow.refuse() RETURNS trigger LANGUAGE plpgsql AS $fuse$
BEGIN
  IF NEW.nonce OPERATOR(pg_catalog.<>) '' AND NEW.nonce OPERATOR(pg_catalog.=) pg_catalog.current_setting('txshadow.probe', true) THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'a shadow transaction can not be committed' USING
    ERRCODE = '` + catalog.StateFuse + `',
    HINT = 'It ends with ROLLBACK. See docs/writes.md of Quack.';
END
$fuse$;
DROP TRIGGER IF EXISTS fuse ON txshadow.fuse;
CREATE CONSTRAINT TRIGGER fuse AFTER INSERT ON txshadow.fuse
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION txshadow.refuse();
ALTER TABLE txshadow.fuse ENABLE ALWAYS TRIGGER fuse;
GRANT USAGE ON SCHEMA txshadow TO ` + to + `;
GRANT INSERT ON txshadow.fuse TO ` + to + `;
`
}

// foreignFuse refuses to build on what somebody else has made: the owner of the
// trigger's function could replace it later, and it runs with the rights of
// whoever arms the fuse.
const foreignFuse = `DO $own$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles r JOIN (
      SELECT nspowner, oid FROM pg_catalog.pg_namespace UNION ALL
      SELECT relowner, relnamespace FROM pg_catalog.pg_class WHERE relkind OPERATOR(pg_catalog.=) 'r' UNION ALL
      SELECT proowner, pronamespace FROM pg_catalog.pg_proc) o (owner, schema) ON r.oid OPERATOR(pg_catalog.=) o.owner
    WHERE o.schema OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace('txshadow')::oid
      AND r.rolname OPERATOR(pg_catalog.<>) current_user AND NOT r.rolsuper) THEN
    RAISE EXCEPTION 'the schema txshadow, or something in it, belongs to another role, which could switch the fuse off'
      USING HINT = 'Install it as that role when it is trusted, else look at what is there, and DROP SCHEMA txshadow CASCADE first.';
  END IF;
END
$own$;
`

// UninstallSQL removes what InstallSQL has made.
func UninstallSQL() string { return "DROP SCHEMA IF EXISTS txshadow CASCADE;\n" }

// Install runs InstallSQL on conn, all or nothing.
func Install(ctx context.Context, conn *pgx.Conn, roles ...string) error {
	if _, err := conn.Exec(ctx, InstallSQL(roles...)); err != nil {
		return fmt.Errorf("install the fuse: %w\n  it needs a role that may create a schema in this database", err)
	}
	return nil
}
