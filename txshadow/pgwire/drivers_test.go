package pgwire

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"
)

// driver sends statements on a connection of its own, outside of transactions
// of its own making, and goes on behind errors.
type driver func(t testing.TB, dsn string, sqls []string)

func viaPgx(mode pgx.QueryExecMode) driver {
	return func(t testing.TB, dsn string, sqls []string) {
		conn, ctx := connect(t, dsn), context.Background()
		for _, s := range sqls {
			conn.Exec(ctx, s, mode)
		}
		conn.Close(ctx)
	}
}

func viaPq(prepared bool) driver {
	return func(t testing.TB, dsn string, sqls []string) {
		connector, err := pq.NewConnector(dsn)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		defer db.Close()
		db.SetMaxOpenConns(1)
		for _, s := range sqls {
			if !prepared {
				db.Exec(s)
				continue
			}
			if st, err := db.Prepare(s); err == nil {
				st.Exec()
				st.Close()
			}
		}
	}
}

func viaPsql(t testing.TB, dsn string, sqls []string) {
	args := []string{"-X", "-q", "-v", "ON_ERROR_STOP=0", dsn}
	for _, s := range sqls {
		args = append(args, "-c", s)
	}
	exec.CommandContext(t.Context(), "psql", args...).Run() // fails as the statements do
}

const python2 = `
import json, sys, psycopg2
for line in sys.stdin:
    job = json.loads(line)
    conn = psycopg2.connect(job["dsn"]); conn.autocommit = True
    for sql in job["sqls"]:
        try: conn.cursor().execute(sql)
        except psycopg2.Error: pass
    conn.close(); print("done", flush=True)
`

const python3 = `
import json, sys, psycopg
for line in sys.stdin:
    job = json.loads(line)
    conn = psycopg.connect(job["dsn"], autocommit=True)
    for sql in job["sqls"]:
        try: conn.execute(sql, prepare=True) if job["extended"] else psycopg.ClientCursor(conn).execute(sql)
        except psycopg.Error: pass
    conn.close(); print("done", flush=True)
`

const node = `
const { Client } = require('pg')
const lines = require('readline').createInterface({ input: process.stdin })
async function run(job) {
  const c = new Client({ connectionString: job.dsn })
  c.on('error', () => {})
  await c.connect()
  for (const text of job.sqls) {
    try { await c.query({ text, queryMode: job.extended ? 'extended' : undefined }) } catch {}
  }
  try { await c.end() } catch {}
  console.log('done')
}
let last = Promise.resolve()
lines.on('line', l => { last = last.then(() => run(JSON.parse(l))) })
`

// viaProgram runs the jobs by one process of another language.
func viaProgram(t *testing.T, extended bool, env []string, name string, args ...string) driver {
	if out, err := probe(env, name, args...); err != nil {
		for _, skip := range []string{"QUACK_SKIP_NODE", "QUACK_SKIP_DJANGO"} {
			if (name == "node") == (skip == "QUACK_SKIP_NODE") && os.Getenv(skip) != "" {
				t.Skip(skip + " is set")
			}
		}
		t.Fatalf("the driver is not there: %v\n%s\n  run scripts/setup", err, out)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); io.Copy(io.Discard, out); cmd.Wait() })
	lines := bufio.NewReader(out)
	return func(t testing.TB, dsn string, sqls []string) {
		job, _ := json.Marshal(map[string]any{"dsn": dsn, "sqls": sqls, "extended": extended})
		fmt.Fprintf(in, "%s\n", job)
		if line, err := lines.ReadString('\n'); line != "done\n" {
			t.Fatalf("got %q, %v", line, err)
		}
	}
}

// probe starts a program without a job: it fails when its driver is missing.
func probe(env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	return cmd.CombinedOutput()
}

// TestDrivers tries the escapes by real drivers through a lane: nothing
// persists, and what the session's state is afterwards serves the next.
func TestDrivers(t *testing.T) {
	modules, _ := filepath.Abs("../../adapters/node/node_modules")
	nodePath := []string{"NODE_PATH=" + modules}
	for _, c := range []struct {
		name string
		make func(*testing.T) driver
	}{
		{"pgx simple", func(*testing.T) driver { return viaPgx(pgx.QueryExecModeSimpleProtocol) }},
		{"pgx cached statements", func(*testing.T) driver { return viaPgx(pgx.QueryExecModeCacheStatement) }},
		{"lib/pq simple", func(*testing.T) driver { return viaPq(false) }},
		{"lib/pq prepared", func(*testing.T) driver { return viaPq(true) }},
		{"psql", func(*testing.T) driver { return viaPsql }},
		{"psycopg2", func(t *testing.T) driver { return viaProgram(t, false, nil, "/usr/bin/python3", "-c", python2) }},
		{"psycopg3 simple", func(t *testing.T) driver { return viaProgram(t, false, nil, "/usr/bin/python3", "-c", python3) }},
		{"psycopg3 prepared", func(t *testing.T) driver { return viaProgram(t, true, nil, "/usr/bin/python3", "-c", python3) }},
		{"node-postgres simple", func(t *testing.T) driver { return viaProgram(t, false, nodePath, "node", "-e", node) }},
		{"node-postgres extended", func(t *testing.T) driver { return viaProgram(t, true, nodePath, "node", "-e", node) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := c.make(t)
			p := lane(t, patient)
			stay := dialWire(t, p.dsn)
			wrote := 0
			for _, escape := range tried {
				p.open()
				d(t, p.dsn, append([]string{insert}, escape.With(insert)...))
				if got := stay.ask(query("SELECT count(*) >= 0 FROM accounts")); errorCode(got) != "" {
					t.Errorf("%s: another connection gets %s", escape, got)
				}
				if out := p.close(); len(out.Footprint) > 0 {
					wrote++
				}
				p.inOrder()
				p.server.Lane().Release()
			}
			if n := one[int](t, p.direct, "SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM audit) + (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())"); n != 0 {
				t.Errorf("%d rows persisted", n)
			}
			if wrote < len(tried)*3/4 {
				t.Errorf("of %d shadows only %d have written anything", len(tried), wrote)
			}
			// And in pass-through they do what they do without the proxy.
			through := start(t, p.direct)
			d(t, through.dsn, []string{"INSERT INTO accounts VALUES (1, 'a', 1)", "nonsense", "INSERT INTO accounts VALUES (2, 'b', 1)"})
			if n := one[int](t, p.direct, "SELECT count(*) FROM accounts"); n != 2 {
				t.Errorf("%d rows in pass-through", n)
			}
		})
	}
}

// TestPgbench runs the built-in scripts by all protocols to their end, through
// a lane, and the tables are as they were.
func TestPgbench(t *testing.T) {
	p := lane(t, patient)
	bench := func(dsn string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "pgbench", append(args, dsn)...).CombinedOutput()
		if err != nil {
			t.Fatalf("pgbench %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	bench(p.direct, "-i", "-q", "-I", "dtGvp")
	sum := func() string {
		return one[string](t, p.direct, `SELECT concat_ws('/', (SELECT sum(hash_record_extended(a, 0)) FROM pgbench_accounts a), (SELECT sum(hash_record_extended(a, 0)) FROM pgbench_tellers a),
			(SELECT sum(hash_record_extended(a, 0)) FROM pgbench_branches a), (SELECT count(*) FROM pgbench_history))`)
	}
	before := sum()
	for _, script := range []string{"tpcb-like", "simple-update", "select-only"} {
		for _, protocol := range []string{"simple", "extended", "prepared"} {
			p.open()
			out := bench(p.dsn, "-n", "-b", script, "-M", protocol, "-t", "40", "-c", "1")
			end := p.close()
			if !strings.Contains(out, "number of transactions actually processed: 40/40") || end.Reason != "" {
				t.Errorf("%s, %s: %+v\n%s", script, protocol, end, out)
			}
			if writes := len(end.Footprint) > 0; writes == (script == "select-only") {
				t.Errorf("%s, %s: the footprint is %s", script, protocol, end.Footprint)
			}
		}
	}
	if after := sum(); after != before {
		t.Errorf("the tables had %s and have %s", before, after)
	}
}
