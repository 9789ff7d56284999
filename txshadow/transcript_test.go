package txshadow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quackproxy/quack/txshadow"
)

// transcript notes what an application sees of its database.
type transcript struct {
	ctx context.Context
	db  *txshadow.Pool
	b   strings.Builder
}

// note notes what came of a step: values, and errors by what callers can tell
// them apart by.
func (x *transcript) note(step string, values ...any) {
	fmt.Fprintf(&x.b, "%s:", step)
	for _, v := range values {
		if err, ok := v.(error); ok {
			var e *pgconn.PgError
			switch {
			case errors.As(err, &e):
				v = e.Code
			case errors.Is(err, pgx.ErrNoRows), errors.Is(err, pgx.ErrTxClosed), errors.Is(err, pgx.ErrTxCommitRollback):
				v = err.Error()
			}
		}
		fmt.Fprintf(&x.b, " %v", v)
	}
	x.b.WriteByte('\n')
}

func (x *transcript) exec(step string, db querier, sql string, args ...any) {
	tag, err := db.Exec(x.ctx, sql, args...)
	x.note(step, tag, err)
}

func (x *transcript) count(step, table string) {
	var n int
	err := x.db.QueryRow(x.ctx, "SELECT count(*) FROM "+table).Scan(&n)
	x.note(step, n, err)
}

func (x *transcript) begin() pgx.Tx {
	tx, err := x.db.Begin(x.ctx)
	x.note("begin", err)
	return tx
}

type account struct {
	Email string
	N     int
}

// steps are what an application does, one group of them after the other.
var steps = map[string]func(*transcript){
	"autocommit": func(x *transcript) {
		x.exec("insert", x.db, "INSERT INTO accounts (email) VALUES ($1)", "a")
		x.exec("again", x.db, "INSERT INTO accounts (email) VALUES ($1)", "a")
		x.exec("another", x.db, "INSERT INTO accounts (email) VALUES ($1)", "b")
		x.exec("wrong argument", x.db, "INSERT INTO accounts (n) VALUES ($1)", "x")
		x.exec("several", x.db, "INSERT INTO accounts (email) VALUES ('c'); INSERT INTO accounts (email) VALUES ('c')")
		x.count("count", "accounts")
		x.count("by trigger", "audit")
		x.count("no such table", "nothing")
		x.exec("empty", x.db, "")
	},
	"transactions": func(x *transcript) {
		tx := x.begin()
		x.exec("insert", tx, "INSERT INTO accounts (email) VALUES ('t1')")
		x.note("commit", tx.Commit(x.ctx))
		x.note("commit again", tx.Commit(x.ctx))
		x.note("rollback after", tx.Rollback(x.ctx))
		x.exec("exec after", tx, "SELECT 1")
		_, err := tx.Begin(x.ctx)
		x.note("begin after", err)
		x.count("kept", "accounts")
		tx = x.begin()
		x.exec("insert", tx, "INSERT INTO accounts (email) VALUES ('t2')")
		x.note("rollback", tx.Rollback(x.ctx))
		x.count("gone", "accounts")
		tx = x.begin()
		x.exec("insert", tx, "INSERT INTO accounts (email) VALUES ('t3')")
		x.exec("fails", tx, "INSERT INTO accounts (email) VALUES ('t3')")
		x.exec("aborted", tx, "SELECT 1")
		x.note("commit of a failed one", tx.Commit(x.ctx))
		x.count("gone too", "accounts")
	},
	"nested": func(x *transcript) {
		tx := x.begin()
		inner, err := tx.Begin(x.ctx)
		x.note("inner", err)
		x.exec("insert", inner, "INSERT INTO accounts (email) VALUES ('n1')")
		x.exec("fails", inner, "INSERT INTO accounts (email) VALUES ('n1')")
		x.note("rollback", inner.Rollback(x.ctx))
		x.exec("closed", inner, "SELECT 1")
		err = pgx.BeginFunc(x.ctx, tx, func(tx pgx.Tx) error {
			x.exec("insert", tx, "INSERT INTO accounts (email) VALUES ('n2')")
			return nil
		})
		x.note("func", err)
		third, err := tx.Begin(x.ctx)
		x.note("third", err)
		x.note("commit", tx.Commit(x.ctx))
		x.exec("closed with its parent", third, "SELECT 1")
		x.count("one", "accounts")
		err = pgx.BeginFunc(x.ctx, x.db, func(tx pgx.Tx) error {
			x.exec("insert", tx, "INSERT INTO accounts (email) VALUES ('n3')")
			return errors.New("no")
		})
		x.note("func fails", err)
		x.count("still one", "accounts")
	},
	"savepoints by text": func(x *transcript) {
		tx := x.begin()
		x.exec("savepoint", tx, "SAVEPOINT mine")
		x.exec("insert", tx, "INSERT INTO accounts (email) VALUES ('s1')")
		x.exec("fails", tx, "SELECT 1/0")
		x.exec("back", tx, "ROLLBACK TO SAVEPOINT mine")
		x.exec("insert", tx, "INSERT INTO accounts (email) VALUES ('s2')")
		x.exec("release", tx, "RELEASE mine")
		x.note("commit", tx.Commit(x.ctx))
		x.count("one", "accounts")
	},
	"deferred constraints": func(x *transcript) {
		tx := x.begin()
		x.exec("order first", tx, "INSERT INTO orders (account) VALUES (-1)")
		x.note("commit", tx.Commit(x.ctx))
		x.count("none", "orders")
		tx = x.begin()
		x.exec("order first", tx, "INSERT INTO orders (account) VALUES (-2)")
		x.exec("then account", tx, "INSERT INTO accounts (id, email) VALUES (-2, 'd2')")
		x.note("commit", tx.Commit(x.ctx))
		x.count("one", "orders")
		x.exec("autocommit", x.db, "INSERT INTO orders (account) VALUES (-3)")
		x.exec("delete the account", x.db, "DELETE FROM accounts WHERE id = -2")
		tx = x.begin()
		x.exec("all immediate", tx, "SET CONSTRAINTS ALL IMMEDIATE")
		x.exec("fails at once", tx, "INSERT INTO orders (account) VALUES (-4)")
		x.note("rollback", tx.Rollback(x.ctx))
		tx = x.begin()
		x.exec("deferred again", tx, "INSERT INTO orders (account) VALUES (-5)")
		x.exec("account", tx, "INSERT INTO accounts (id, email) VALUES (-5, 'd5')")
		x.note("commit", tx.Commit(x.ctx))
		x.count("two", "orders")
	},
	"read only": func(x *transcript) {
		tx, err := x.db.BeginTx(x.ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.ReadCommitted})
		x.note("begin", err)
		x.exec("write", tx, "INSERT INTO accounts (email) VALUES ('r')")
		x.note("rollback", tx.Rollback(x.ctx))
		x.exec("write after", x.db, "INSERT INTO accounts (email) VALUES ('r')")
	},
	"results": func(x *transcript) {
		x.exec("fill", x.db, "INSERT INTO accounts (email, n) SELECT 'm' || g, g FROM generate_series(1, 5) g")
		rows, err := x.db.Query(x.ctx, "SELECT email, n FROM accounts ORDER BY n")
		x.note("query", err)
		all, err := pgx.CollectRows(rows, pgx.RowToStructByName[account])
		x.note("structs", all, err, rows.CommandTag())
		rows, _ = x.db.Query(x.ctx, "SELECT n, email, NULL::text AS nothing, now() - now() AS d, ARRAY[1,2] AS a FROM accounts ORDER BY n LIMIT $1", 2)
		for rows.Next() {
			values, err := rows.Values()
			x.note("values", values, err, len(rows.RawValues()), rows.FieldDescriptions()[1].Name)
		}
		x.note("end", rows.Err(), rows.CommandTag(), rows.Next())
		_, err = rows.Values()
		x.note("values after the end", err)
		maps, err := pgx.CollectRows(must(x.db.Query(x.ctx, "SELECT email FROM accounts WHERE n = 3")), pgx.RowToMap)
		x.note("maps", maps, err)
		rows, _ = x.db.Query(x.ctx, "SELECT email FROM accounts")
		rows.Next()
		var n int
		x.note("wrong type", rows.Scan(&n) != nil, rows.Err() != nil, rows.Next())
		rows, _ = x.db.Query(x.ctx, "SELECT 1/(n - 3) FROM accounts ORDER BY n")
		for rows.Next() {
			x.note("row", rows.Scan(&n), n)
		}
		x.note("fails on its way", rows.Err())
		_, err = pgx.CollectRows(must(x.db.Query(x.ctx, "SELECT no_such FROM accounts")), pgx.RowToMap)
		x.note("no such column", err)
		x.note("no rows", x.db.QueryRow(x.ctx, "SELECT n FROM accounts WHERE n > 99").Scan(&n))
		x.note("first of many", x.db.QueryRow(x.ctx, "SELECT n FROM accounts ORDER BY n").Scan(&n), n)
		x.note("named", x.db.QueryRow(x.ctx, "SELECT n FROM accounts WHERE email = @e", pgx.NamedArgs{"e": "m4"}).Scan(&n), n)
		x.note("mode", x.db.QueryRow(x.ctx, "SELECT n FROM accounts WHERE n = $1", pgx.QueryExecModeSimpleProtocol, 2).Scan(&n), n)
		x.note("formats", x.db.QueryRow(x.ctx, "SELECT n FROM accounts WHERE n = $1", pgx.QueryResultFormats{0}, 2).Scan(&n), n)
		x.note("mode and named", x.db.QueryRow(x.ctx, "SELECT n FROM accounts WHERE n = @n", pgx.QueryExecModeExec, pgx.NamedArgs{"n": 5}).Scan(&n), n)
		x.note("returning", x.db.QueryRow(x.ctx, "UPDATE accounts SET n = n + 10 WHERE n = 1 RETURNING n").Scan(&n), n)
		tag, err := pgx.ForEachRow(must(x.db.Query(x.ctx, "SELECT n FROM accounts")), []any{&n}, func() error { return nil })
		x.note("for each", tag, err)
		x.exec("empty table", x.db, "SELECT * FROM orders")
	},
	"batch and copy": func(x *transcript) {
		b := &pgx.Batch{}
		b.Queue("INSERT INTO accounts (email) VALUES ($1)", "b1")
		b.Queue("SELECT count(*) FROM accounts").QueryRow(func(row pgx.Row) error {
			var n int
			err := row.Scan(&n)
			x.note("counted", n)
			return err
		})
		b.Queue("SELECT email FROM accounts").Query(func(rows pgx.Rows) error {
			all, err := pgx.CollectRows(rows, pgx.RowTo[string])
			x.note("collected", all)
			return err
		})
		x.note("close", x.db.SendBatch(x.ctx, b).Close())
		b = &pgx.Batch{}
		b.Queue("INSERT INTO accounts (email) VALUES ('b2')")
		b.Queue("INSERT INTO accounts (email) VALUES ('b2')")
		b.Queue("SELECT 1")
		br := x.db.SendBatch(x.ctx, b)
		tag, err := br.Exec()
		x.note("first", tag, err)
		tag, err = br.Exec()
		x.note("second", tag, err)
		_, err = br.Exec()
		x.note("third", err)
		x.note("close", br.Close(), br.Close())
		b = &pgx.Batch{}
		b.Queue("SELECT 7")
		br = x.db.SendBatch(x.ctx, b)
		var n int
		x.note("row", br.QueryRow().Scan(&n), n)
		x.note("too many", br.QueryRow().Scan(&n) != nil)
		br.Close()
		x.count("the failed batch left nothing", "accounts")
		x.note("empty", x.db.SendBatch(x.ctx, &pgx.Batch{}).Close())
		copied, err := x.db.CopyFrom(x.ctx, pgx.Identifier{"other", "notes"}, []string{"note"}, pgx.CopyFromRows([][]any{{"x"}, {"y"}}))
		x.note("copied", copied, err)
		copied, err = x.db.CopyFrom(x.ctx, pgx.Identifier{"accounts"}, []string{"email"}, pgx.CopyFromRows([][]any{{"z"}, {"z"}}))
		x.note("copy fails", copied, err)
		x.count("notes", "other.notes")
		x.count("accounts", "accounts")
	},
	"connections": func(x *transcript) {
		err := x.db.AcquireFunc(x.ctx, func(c *txshadow.Conn) error {
			x.exec("exec", c, "INSERT INTO accounts (email) VALUES ('c1')")
			tx, err := c.Begin(x.ctx)
			x.note("begin", err)
			x.exec("in the transaction", c, "INSERT INTO accounts (email) VALUES ('c2')")
			var n int
			x.note("sees it", c.QueryRow(x.ctx, "SELECT count(*) FROM accounts").Scan(&n), n)
			x.note("rollback", tx.Rollback(x.ctx))
			x.note("gone", c.QueryRow(x.ctx, "SELECT count(*) FROM accounts").Scan(&n), n)
			copied, err := c.CopyFrom(x.ctx, pgx.Identifier{"other", "notes"}, []string{"note"}, pgx.CopyFromRows([][]any{{"x"}}))
			x.note("copied", copied, err)
			b := &pgx.Batch{}
			b.Queue("SELECT 1")
			x.note("batch", c.SendBatch(x.ctx, b).Close(), c.Ping(x.ctx))
			rows, err := c.Query(x.ctx, "SELECT email FROM accounts")
			all, _ := pgx.CollectRows(rows, pgx.RowTo[string])
			x.note("query", err, all)
			return errors.New("as it came")
		})
		x.note("func", err)
		x.note("ping", x.db.Ping(x.ctx))
	},
	"prepared": func(x *transcript) {
		tx := x.begin()
		sd, err := tx.Prepare(x.ctx, "by-name", "SELECT n FROM accounts WHERE email = $1")
		x.note("prepared", err, len(sd.Fields), len(sd.ParamOIDs))
		var n int
		x.note("by name", tx.QueryRow(x.ctx, "by-name", "nobody").Scan(&n))
		x.note("commit", tx.Commit(x.ctx))
	},
}

func must[T any](v T, err error) T { return v }

// TestAnApplicationSeesTheSame runs what an application does live and as a
// shadow, from the same state, and wants the same transcript.
func TestAnApplicationSeesTheSame(t *testing.T) {
	var shadowed *transcript
	s := serve(t, func(s *service, w http.ResponseWriter, r *http.Request) {
		shadowed = &transcript{ctx: r.Context(), db: s.db}
		steps[r.URL.Query().Get("steps")](shadowed)
	})
	for name, run := range steps {
		t.Run(name, func(t *testing.T) {
			out := s.do(s.marked(txshadow.ModeRollback, 0, "POST", "/?steps="+strings.ReplaceAll(name, " ", "+"), ""))
			if out.err != nil || out.ack.Reason != "" {
				t.Fatalf("%+v\n%s", out, s.logs)
			}
			if n := s.rows(); n != 0 {
				t.Fatalf("%d rows persisted", n)
			}
			live := &transcript{ctx: context.Background(), db: s.db}
			run(live)
			s.live("TRUNCATE accounts, audit, orders, other.notes")
			if d := cmp.Diff(strings.Split(live.b.String(), "\n"), strings.Split(shadowed.b.String(), "\n")); d != "" {
				t.Errorf("-live +shadow\n%s", d)
			}
		})
	}
}
