package txshadow_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// A pool's hook has the session itself. One that clears it up takes the shadow
// away, and nothing of the application's is sent behind that.
func TestHooksThatClearTheSessionUp(t *testing.T) {
	for _, c := range []struct {
		sql    []string
		reason string
	}{
		{[]string{"ROLLBACK", "RESET ALL"}, "escape:prepare-conn"},
		{[]string{"ROLLBACK", "DISCARD ALL"}, "escape:prepare-conn"},
		{[]string{"RESET ALL"}, "unsupported:session-lost"},
		{[]string{"SET search_path = public"}, ""},
	} {
		t.Run(strings.Join(c.sql, " "), func(t *testing.T) {
			s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/begin" {
					if tx, err := s.db.Begin(r.Context()); err == nil {
						tx.Exec(r.Context(), insert)
						tx.Commit(r.Context())
					}
				}
				s.db.Exec(r.Context(), "INSERT INTO accounts (email) VALUES ('a')")
			}, withPool(func(cfg *pgxpool.Config) {
				cfg.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
					for _, sql := range c.sql {
						if _, err := conn.Exec(ctx, sql); err != nil {
							return false, err
						}
					}
					return true, nil
				}
			}))
			for _, target := range []string{"/", "/begin"} {
				out := s.do(s.marked(txshadow.ModeRollback, 0, "POST", target, ""))
				if n := s.rows(); n != 0 || out.ack.Reason != c.reason {
					t.Errorf("%s: %d rows persisted, %+v\n%s", target, n, out, s.logs)
				}
			}
		})
	}
}

// Only the role in force at the PREPARE may end the transaction. An
// application that works as another role than it has logged in with leaves none
// behind that its own session could not roll back.
func TestRolesAndPreparedTransactions(t *testing.T) {
	var login string
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		tx := must(s.db.Begin(r.Context()))
		must(tx.Exec(r.Context(), strings.ReplaceAll(r.URL.Query().Get("as"), "ROLENAME", pgx.Identifier{login + " tenant"}.Sanitize())))
		must(tx.Exec(r.Context(), insert))
		s.must(tx.Commit(r.Context()))
	}, ownDatabase, func(set *setup) {
		set.direct = func(dsn string) string {
			cfg := must(pgx.ParseConfig(dsn))
			login = "login of " + cfg.Database
			do, undo := roles(login)
			run(t, dsn, do)
			t.Cleanup(func() { run(t, dsn, undo) })
			return fmt.Sprintf("host=%s port=%d dbname=%s user='%s' sslmode=disable", cfg.Host, cfg.Port, cfg.Database, login)
		}
	})
	r := s.reader()
	for _, as := range []string{"SET LOCAL ROLE ROLENAME", "SET ROLE ROLENAME", "SELECT set_config('role', '" + login + " tenant', true)"} {
		gid, w := r.Expect()
		out := s.prepare(gid, spaced.Replace("/?as="+as))
		if _, err := w.Rows(soon()); err != nil || out.ack.Reason != "" {
			t.Errorf("%s: %v, %+v\n%s", as, err, out, s.logs)
		}
	}
}

// roles is SQL that makes a role that may log in and become another, which is
// given to it, and SQL that drops both.
func roles(login string) (make, drop string) {
	l, tenant := pgx.Identifier{login}.Sanitize(), pgx.Identifier{login + " tenant"}.Sanitize()
	both := l + ", " + tenant
	return `CREATE ROLE ` + l + ` LOGIN NOINHERIT; CREATE ROLE ` + tenant + `; GRANT ` + tenant + ` TO ` + l + `;
		GRANT INSERT ON accounts, audit TO ` + both + `; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ` + both,
		`DROP OWNED BY ` + both + `; DROP ROLE ` + both
}

// run runs SQL on a connection of its own.
func run(t *testing.T, dsn, sql string) {
	conn := must(pgx.Connect(context.Background(), dsn))
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Error(err)
	}
}
