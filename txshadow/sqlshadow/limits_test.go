package sqlshadow_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
	"github.com/quackproxy/quack/txshadow/sqlshadow"
)

// What one session with one transaction can not give is refused, or noted.
func TestWhatAShadowCanNotGive(t *testing.T) {
	for _, c := range []struct {
		reason string
		do     func(ctx context.Context, db *sql.DB)
	}{
		{"unsupported:concurrent-transactions", func(ctx context.Context, db *sql.DB) {
			a, _ := db.BeginTx(ctx, nil)
			defer a.Rollback()
			db.BeginTx(ctx, nil)
		}},
		{"unsupported:concurrent-writes", func(ctx context.Context, db *sql.DB) {
			a, _ := db.BeginTx(ctx, nil)
			defer a.Rollback()
			db.ExecContext(ctx, insert)
		}},
		{"unsupported:concurrent-statements", func(ctx context.Context, db *sql.DB) {
			a, _ := db.BeginTx(ctx, nil)
			defer a.Rollback()
			a.Exec("SELECT 1/0")
			db.ExecContext(ctx, "SELECT 1")
		}},
		{"unsupported:isolation", func(ctx context.Context, db *sql.DB) {
			db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
		}},
		{"", func(ctx context.Context, db *sql.DB) {
			a, _ := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted, ReadOnly: true})
			a.Exec(insert) // fails as live
			a.Rollback()
			db.ExecContext(ctx, insert)
		}},
		{"unsupported:too-many-statements", func(ctx context.Context, db *sql.DB) {
			for range 61 {
				db.ExecContext(ctx, insert)
			}
		}},
		{"unsupported:result-size", func(ctx context.Context, db *sql.DB) {
			rows, err := db.QueryContext(ctx, "SELECT repeat('x', 1000) FROM generate_series(1, 100)")
			if err == nil {
				for rows.Next() {
				}
				rows.Close()
			}
		}},
		{"unsupported:conn", func(ctx context.Context, db *sql.DB) {
			conn, _ := db.Conn(ctx)
			defer conn.Close()
			sqlshadow.Raw(conn, func(any) error { panic("called in a shadow") })
		}},
		{"unsupported:copy", func(ctx context.Context, db *sql.DB) { db.PrepareContext(ctx, "COPY accounts FROM STDIN") }},
		{"unsupported:savepoint-outside-transaction", func(ctx context.Context, db *sql.DB) { db.ExecContext(ctx, "SAVEPOINT mine") }},
		{"unsupported:set-local", func(ctx context.Context, db *sql.DB) {
			a, _ := db.BeginTx(ctx, nil)
			a.Exec("SET LOCAL search_path = public")
			a.Commit()
			db.ExecContext(ctx, "SELECT 1")
		}},
	} {
		bothDrivers(t, func(t *testing.T, on server) {
			s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) { c.do(r.Context(), s.db) },
				withConfig(func(c *sqlshadow.Config) { c.MaxResult = 50_000 }))
			if out := s.shadow("/"); out.ack.Reason != c.reason {
				t.Errorf("%q, want %q\n%s", out.ack.Reason, c.reason, s.logs)
			}
			if n := s.rows(); n != 0 {
				t.Errorf("%s: %d rows are left", c.reason, n)
			}
		})
	}
}

// rewriter makes something else of what was judged.
type rewriter struct{}

func (rewriter) RewriteQuery(context.Context, *pgx.Conn, string, []any) (string, []any, error) {
	return "COMMIT", nil, nil
}

// pgx takes arguments that change the SQL: its own named ones work, others are
// refused.
func TestArgumentsThatRewrite(t *testing.T) {
	s := serve(t, onPGX, says(func(s *service, ctx context.Context) any {
		_, named := s.db.ExecContext(ctx, "INSERT INTO accounts (email) VALUES (@email)", pgx.NamedArgs{"email": "a"})
		_, other := s.db.ExecContext(ctx, "SELECT 1", rewriter{})
		return fmt.Sprint(named, other != nil)
	}))
	if out := s.shadow("/"); strings.TrimSpace(out.body) != `"\u003cnil\u003e true"` || out.ack.Reason != "unsupported:query-rewriter" || s.rows() != 0 {
		t.Errorf("%s (%s), %d rows", out.body, out.ack.Reason, s.rows())
	}
}

// What uses the shadow's context after its end is not sent, and what it had
// left open does no harm to the pool.
func TestAfterTheEnd(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		ended, said := make(chan struct{}), make(chan []error, 1)
		s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) {
			ctx := context.WithoutCancel(r.Context())
			tx, err := s.db.BeginTx(ctx, nil)
			if err != nil {
				panic(err)
			}
			go func() {
				<-ended
				_, inTx := tx.Exec(insert)
				_, outside := s.db.ExecContext(ctx, insert)
				said <- []error{inTx, outside, tx.Commit()}
			}()
		})
		s.db.SetMaxOpenConns(2)
		s.shadow("/")
		close(ended)
		for i, err := range <-said {
			if !errors.Is(err, txshadow.ErrOver) {
				t.Errorf("%d: %v", i, err)
			}
		}
		for range 3 {
			_, err := s.db.Exec(insert)
			s.must(err)
		}
		if n := s.rows(); n != 6 {
			t.Errorf("%d rows, want the 6 of live work", n)
		}
	})
}

// A statement with the context of no request is live, and noted; or refused.
// One in a transaction of the shadow belongs to it, whatever context it has.
func TestForeignContexts(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		for _, strict := range []bool{false, true} {
			var got error
			s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) {
				_, got = s.db.Exec(insert)
				s.db.ExecContext(context.Background(), "SELECT 1")
			}, withConfig(func(c *sqlshadow.Config) { c.Strict = strict }))
			out := s.shadow("/")
			if out.ack.Reason != "unsupported:foreign-context" || s.adapter.ForeignCalls() != 1 || errors.Is(got, txshadow.ErrForeign) != strict {
				t.Errorf("strict %v: %q, %d calls, %v", strict, out.ack.Reason, s.adapter.ForeignCalls(), got)
			}
			if !strings.Contains(s.logs.String(), "limits_test.go:") {
				t.Errorf("the log does not say where\n%s", s.logs)
			}
		}
		s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) {
			tx, err := s.db.BeginTx(r.Context(), nil)
			if err != nil {
				panic(err)
			}
			tx.Exec(insert)
			tx.ExecContext(context.Background(), insert)
			tx.Commit()
		})
		if out := s.shadow("/"); out.ack.Reason != "" || s.rows() != 0 {
			t.Errorf("%q, %d rows", out.ack.Reason, s.rows())
		}
	})
}

// A live transaction stays live when a shadow's context is used in it, which
// is refused.
func TestALiveTransactionInAShadow(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		var refused error
		s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) {
			tx, err := s.db.Begin()
			if err != nil {
				panic(err)
			}
			_, refused = tx.ExecContext(r.Context(), insert)
			tx.Rollback()
		})
		out := s.shadow("/")
		var refusal *txshadow.RefusedError
		if out.ack.Reason != "unsupported:foreign-context" || !errors.As(refused, &refusal) || s.rows() != 0 {
			t.Errorf("%q, %v, %d rows", out.ack.Reason, refused, s.rows())
		}
	})
}

// A shadow does not wait long for the locks of others.
func TestLockTimeout(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) {
			s.db.ExecContext(r.Context(), "UPDATE accounts SET n = n + 1")
		})
		_, err := s.outside.Exec(insert)
		s.must(err)
		live, err := s.outside.Begin()
		s.must(err)
		defer live.Rollback()
		_, err = live.Exec("UPDATE accounts SET n = 7")
		s.must(err)
		if out := s.shadow("/"); out.ack.Reason != "unsupported:lock-timeout" {
			t.Errorf("%q", out.ack.Reason)
		}
	})
}

// The context of one statement cancels that statement, and the rest goes on.
func TestAContextOfOneStatement(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		s := serve(t, on, says(func(s *service, ctx context.Context) any {
			_, before := s.db.ExecContext(ctx, addAccount, "before")
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			_, err := s.db.ExecContext(short, "SELECT pg_sleep(20)")
			_, after := s.db.ExecContext(ctx, addAccount, "after")
			var n int
			scan := s.db.QueryRowContext(ctx, "SELECT count(*) FROM accounts").Scan(&n)
			return fmt.Sprint(before, errors.Is(err, context.DeadlineExceeded), after, scan, n)
		}))
		if out := s.shadow("/"); strings.TrimSpace(out.body) != `"\u003cnil\u003e true \u003cnil\u003e \u003cnil\u003e 2"` || out.ack.Reason != "" {
			t.Errorf("%s (%s)\n%s", out.body, out.ack.Reason, s.logs)
		}
	})
}

// When the session is ended from outside, the shadow is not compared, and
// nothing is left.
func TestTheSessionIsEnded(t *testing.T) {
	bothDrivers(t, func(t *testing.T, on server) {
		var second error
		s := serve(t, on, func(s *service, w http.ResponseWriter, r *http.Request) {
			s.db.ExecContext(r.Context(), insert)
			s.outside.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%quack-shadow' AND state LIKE 'idle in%'")
			_, second = s.db.ExecContext(r.Context(), insert)
		})
		if out := s.shadow("/"); out.ack.Reason != "unsupported:session-lost" || second == nil || s.rows() != 0 {
			t.Errorf("%q, %v, %d rows\n%s", out.ack.Reason, second, s.rows(), s.logs)
		}
	})
}

// Effects are reported with the footprint.
func TestEffects(t *testing.T) {
	s := serve(t, onPQ, func(s *service, w http.ResponseWriter, r *http.Request) {
		s.db.ExecContext(r.Context(), insert)
		txshadow.Record(r.Context(), "job", "ChargeJob")
	})
	out := s.shadow("/")
	if len(out.ack.Effects) != 1 || out.ack.Effects[0].Name != "job:ChargeJob" {
		t.Errorf("%+v", out.ack)
	}
}

// Without the fuse hello is not answered, and says what to do.
func TestHelloWithoutTheFuse(t *testing.T) {
	s := serve(t, onPQ, says(func(s *service, ctx context.Context) any { return nil }))
	_, err := s.outside.Exec("ALTER TABLE txshadow.fuse DISABLE TRIGGER fuse")
	s.must(err)
	defer s.outside.Exec("ALTER TABLE txshadow.fuse ENABLE ALWAYS TRIGGER fuse")
	out := s.do(s.marked(txshadow.ModeHello, time.Second, "GET", txshadow.HelloPath, ""))
	if out.status != http.StatusServiceUnavailable || !strings.Contains(out.body, "quack txshadow install") {
		t.Errorf("%d %s", out.status, out.body)
	}
}
