package txshadow_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quackproxy/quack/txshadow"
)

// limits are what a shadow can not give, the reason it gives for that, and
// whether the application gets an error.
var limits = []struct {
	name   string
	run    func(ctx context.Context, db *txshadow.Pool) error
	reason string
	fails  bool
}{
	{"isolation level", func(ctx context.Context, db *txshadow.Pool) error {
		_, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
		return err
	}, "unsupported:isolation", true},
	{"own BEGIN", func(ctx context.Context, db *txshadow.Pool) error {
		_, err := db.BeginTx(ctx, pgx.TxOptions{BeginQuery: "BEGIN PRIORITY HIGH"})
		return err
	}, "unsupported:begin-query", true},
	{"two transactions", func(ctx context.Context, db *txshadow.Pool) error {
		must(db.Begin(ctx))
		_, err := db.Begin(ctx)
		return err
	}, "unsupported:concurrent-transactions", true},
	{"read beside a transaction", func(ctx context.Context, db *txshadow.Pool) error {
		must(must(db.Begin(ctx)).Exec(ctx, insert))
		var n int // a connection of its own would not see the row
		return errors.Join(db.QueryRow(ctx, "SELECT count(*) FROM accounts").Scan(&n), wantOne(n))
	}, "", false},
	{"write beside a transaction", func(ctx context.Context, db *txshadow.Pool) error {
		tx := must(db.Begin(ctx))
		_, err := db.Exec(ctx, insert)
		return errors.Join(err, tx.Commit(ctx))
	}, "unsupported:concurrent-writes", false},
	{"statement beside a failed transaction", func(ctx context.Context, db *txshadow.Pool) error {
		must(db.Begin(ctx)).Exec(ctx, "SELECT 1/0")
		_, err := db.Exec(ctx, "SELECT 1")
		return err
	}, "unsupported:concurrent-statements", true},
	{"savepoint outside of a transaction", exec("SAVEPOINT x"), "unsupported:savepoint-outside-transaction", true},
	{"VACUUM", exec("VACUUM accounts"), "unsupported:vacuum", true},
	{"LISTEN", exec("LISTEN x"), "unsupported:listen", true},
	{"setval", exec("SELECT setval('accounts_id_seq', 1)"), "unsupported:setval", true},
	{"advisory lock", exec("SELECT pg_advisory_lock(1)"), "unsupported:advisory-lock", true},
	{"advisory lock of the transaction", exec("SELECT pg_advisory_xact_lock(1)"), "unsupported:advisory-lock", true},
	{"SKIP LOCKED", exec("SELECT * FROM accounts FOR UPDATE SKIP LOCKED"), "unsupported:skip-locked", true},
	{"TRUNCATE", exec("TRUNCATE accounts"), "unsupported:truncate", true},
	{"ALTER TABLE", exec("ALTER TABLE other.notes ADD x int"), "unsupported:alter", true},
	{"a procedure that commits", exec("DO $$BEGIN INSERT INTO audit (what) VALUES ('x'); COMMIT; END$$"), "unsupported:procedure", true},
	{"a procedure that commits in a transaction", func(ctx context.Context, db *txshadow.Pool) error {
		_, err := must(db.Begin(ctx)).Exec(ctx, "DO $$BEGIN COMMIT; END$$")
		return err
	}, "", true},
	{"belt by argument", exec("SELECT set_config($1, 'off', false)", "Default_Transaction_Read_Only"), "unsupported:default_transaction_read_only", true},
	{"what is not recognised", exec("FROBNICATE"), "unsupported:statement", true},
	{"our schema by COPY", func(ctx context.Context, db *txshadow.Pool) error {
		_, err := db.CopyFrom(ctx, pgx.Identifier{"txshadow", "fuse"}, []string{"nonce"}, pgx.CopyFromRows(nil))
		return err
	}, "unsupported:txshadow", true},
	{"the verb in a batch", func(ctx context.Context, db *txshadow.Pool) error {
		b := &pgx.Batch{}
		b.Queue(insert)
		b.Queue("COMMIT")
		return db.SendBatch(ctx, b).Close()
	}, "escape:commit", true},
	{"a batch that begins", func(ctx context.Context, db *txshadow.Pool) error {
		b := &pgx.Batch{}
		b.BeginTx(pgx.TxOptions{})
		b.Queue(insert)
		br := db.SendBatch(ctx, b)
		return errors.Join(br.Close(), br.Tx().Commit(ctx))
	}, "unsupported:batch-begin", true},
	{"several statements in one of a batch", func(ctx context.Context, db *txshadow.Pool) error {
		b := &pgx.Batch{}
		b.Queue("SELECT 1; SELECT 2")
		return db.SendBatch(ctx, b).Close()
	}, "unsupported:batch-of-several", true},
	{"the verb by a rewriter", exec("SELECT 1", rewriter("COMMIT")), "escape:commit", true},
	{"the verb by Prepare", func(ctx context.Context, db *txshadow.Pool) error {
		_, err := must(db.Begin(ctx)).Prepare(ctx, "x", "COMMIT")
		return err
	}, "escape:commit", true},
	{"the verb by a prepared name", exec("sneaky"), "escape:commit", true},
	{"the verb by EXECUTE", exec("EXECUTE sneaky"), "escape:commit", true},
	{"EXECUTE", func(ctx context.Context, db *txshadow.Pool) error {
		exec("PREPARE mine AS SELECT 1")(ctx, db)
		return errors.Join(exec("EXECUTE mine")(ctx, db), exec("EXECUTE honest(1)")(ctx, db))
	}, "", false},
	{"a prepared name", func(ctx context.Context, db *txshadow.Pool) error {
		var n int
		return errors.Join(db.QueryRow(ctx, "honest", 1).Scan(&n), wantOne(n))
	}, "", false},
	{"nothing after an escape", func(ctx context.Context, db *txshadow.Pool) error {
		db.Exec(ctx, "COMMIT")
		_, err := db.Exec(ctx, "SELECT 1")
		return err
	}, "escape:commit", true},
	{"an escape outranks what came before", func(ctx context.Context, db *txshadow.Pool) error {
		db.Exec(ctx, "VACUUM")
		return exec("END")(ctx, db)
	}, "escape:end", true},
	{"large result", exec("SELECT repeat('x', 1000000) FROM generate_series(1, 3)"), "", false},
	{"too large a result", func(ctx context.Context, db *txshadow.Pool) error {
		_, err := pgx.CollectRows(must(db.Query(ctx, "SELECT repeat('x', 1000000) FROM generate_series(1, 3)")), pgx.RowTo[string])
		return err
	}, "unsupported:result-size", true},
	{"the connection of a transaction", func(ctx context.Context, db *txshadow.Pool) error {
		return must(db.Begin(ctx)).Conn().Ping(ctx)
	}, "unsupported:conn", true},
	{"the connection of a connection", func(ctx context.Context, db *txshadow.Pool) error {
		return must(db.Acquire(ctx)).Conn().Ping(ctx)
	}, "unsupported:conn", true},
	{"large objects", func(ctx context.Context, db *txshadow.Pool) error {
		large := must(db.Begin(ctx)).LargeObjects()
		_, err := large.Create(ctx, 0)
		return err
	}, "unsupported:large-objects", true},
	{"SET LOCAL that would have ended", func(ctx context.Context, db *txshadow.Pool) error {
		tx := must(db.Begin(ctx))
		tx.Exec(ctx, "SET LOCAL search_path = other")
		return errors.Join(tx.Commit(ctx), exec("SELECT 1")(ctx, db))
	}, "unsupported:set-local", false},
	{"SET LOCAL and nothing after", func(ctx context.Context, db *txshadow.Pool) error {
		tx := must(db.Begin(ctx))
		tx.Exec(ctx, "SET LOCAL search_path = other")
		return tx.Commit(ctx)
	}, "", false},
	{"SET LOCAL that was rolled back", func(ctx context.Context, db *txshadow.Pool) error {
		tx := must(db.Begin(ctx))
		tx.Exec(ctx, "SET LOCAL search_path = other")
		return errors.Join(tx.Rollback(ctx), exec("SELECT 1 FROM accounts")(ctx, db))
	}, "", false},
	{"temporary table ON COMMIT DROP", func(ctx context.Context, db *txshadow.Pool) error {
		tx := must(db.Begin(ctx))
		tx.Exec(ctx, "CREATE TEMP TABLE x (a int) ON COMMIT DROP")
		return errors.Join(tx.Commit(ctx), exec("SELECT 1")(ctx, db))
	}, "unsupported:on-commit", false},
	{"60 writes", func(ctx context.Context, db *txshadow.Pool) error { return times(60, exec(insert))(ctx, db) }, "", false},
	{"61 writes", func(ctx context.Context, db *txshadow.Pool) error { return times(61, exec(insert))(ctx, db) }, "unsupported:too-many-statements", true},
	{"61 writes in a transaction", func(ctx context.Context, db *txshadow.Pool) error {
		return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			for range 61 {
				must(tx.Exec(ctx, insert))
			}
			return nil
		})
	}, "", false},
	{"100 reads", func(ctx context.Context, db *txshadow.Pool) error { return times(100, exec("SELECT 1"))(ctx, db) }, "", false},
}

func exec(sql string, args ...any) func(context.Context, *txshadow.Pool) error {
	return func(ctx context.Context, db *txshadow.Pool) error {
		_, err := db.Exec(ctx, sql, args...)
		return err
	}
}

func times(n int, f func(context.Context, *txshadow.Pool) error) func(context.Context, *txshadow.Pool) error {
	return func(ctx context.Context, db *txshadow.Pool) (err error) {
		for range n {
			err = errors.Join(err, f(ctx, db))
		}
		return err
	}
}

func wantOne(n int) error {
	if n != 1 {
		return errors.New("not one")
	}
	return nil
}

// rewriter rewrites every query into another.
type rewriter string

func (r rewriter) RewriteQuery(_ context.Context, conn *pgx.Conn, _ string, args []any) (string, []any, error) {
	if err := conn.Ping(context.Background()); err == nil {
		return "", nil, errors.New("a rewriter was given a connection that is open")
	}
	return string(r), args, nil
}

func TestLimits(t *testing.T) {
	var got error
	var run func(ctx context.Context, db *txshadow.Pool) error
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) { got = run(r.Context(), s.db) },
		withConfig(func(c *txshadow.Config) { c.MaxResult = 2 << 20 }),
		withPool(func(c *pgxpool.Config) {
			c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
				_, err := conn.Prepare(ctx, "sneaky", "COMMIT")
				_, err2 := conn.Prepare(ctx, "honest", "SELECT $1::int")
				return errors.Join(err, err2)
			}
		}))
	for _, l := range limits {
		t.Run(l.name, func(t *testing.T) {
			run = l.run
			out := s.shadow("/")
			if out.ack.Reason != l.reason || (got != nil) != l.fails {
				t.Errorf("reason %q, want %q; the application got %v", out.ack.Reason, l.reason, got)
			}
			var refused *txshadow.RefusedError
			if l.fails && errors.As(got, &refused) && !strings.HasPrefix(refused.Error(), "txshadow: ") {
				t.Errorf("error %q", refused)
			}
		})
	}
	if n := s.rows(); n != 0 {
		t.Errorf("%d rows persisted", n)
	}
}
