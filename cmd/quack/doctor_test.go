package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow/doctor"
)

// examined runs quack doctor on a table.
func examined(t *testing.T, table string, env []string, flags ...string) (stdout, stderr string, code int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("quack", append([]string{"doctor", file}, flags...)...)
	cmd.Env = append(append(os.Environ(), "QUACK_SECRET="+testSecret), env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Instances are asked for their proof, and databases looked at: with the fuse
// nothing is missing, without it the script says what to do, and is not run.
func TestDoctor(t *testing.T) {
	dsn := pgtest.NewDatabase(t)
	with := httptest.NewServer(newAdapter(t, dsn).Middleware(http.NotFoundHandler()))
	defer with.Close()
	without := httptest.NewServer(http.NotFoundHandler())
	defer without.Close()
	routes := shopTable(without.URL, with.URL, ", rollback: header", createRoute)
	shop := []string{"QUACK_DB_SHOP=" + dsn}

	out, errs, code := examined(t, routes, shop, "--role", "postgres")
	if code != 0 || !strings.Contains(out, "ok  backend accounts  "+with.URL+"  has proved that it rolls back") || !strings.Contains(out, "write sets: level ") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if out, _, code := examined(t, routes, nil); code != 1 || !strings.Contains(out, "QUACK_DB_SHOP is not set") {
		t.Errorf("without a DSN: code %d\n%s", code, out)
	}
	liar := strings.Replace(routes, with.URL, without.URL, 1)
	if out, _, code := examined(t, liar, shop); code != 1 || !strings.Contains(out, "missing  backend accounts  "+without.URL+"  hello was answered with 404") {
		t.Errorf("an instance without the adapter: code %d\n%s", code, out)
	}

	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "DROP SCHEMA txshadow CASCADE"); err != nil {
		t.Fatal(err)
	}
	script, _, code := examined(t, routes, shop, "--sql", "--role", "postgres")
	if code != 1 || !strings.Contains(script, "CREATE SCHEMA IF NOT EXISTS txshadow;") || strings.Contains(script, "has proved") {
		t.Errorf("code %d\n%s", code, script)
	}
	out, _, code = examined(t, routes, shop, "--json", "--role", "postgres")
	var found examination
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != 1 || len(found.Databases) != 1 || !found.Databases[0].Missing() {
		t.Errorf("code %d, %v\n%s", code, err, out)
	}
	for _, f := range found.Databases[0].Findings {
		if f.Check == "fuse" && f.State != doctor.Missing {
			t.Errorf("the script was run: %+v", f)
		}
	}
}

// An instance is asked in the way of its backend, and what only quack serve can
// ask is named, not taken for missing.
func TestDoctorAsksInTheWayOfTheBackend(t *testing.T) {
	dsn := pgtest.NewDatabase(t)
	prefers := preferApp(t, dsn, "")
	deaf := httptest.NewServer(http.NotFoundHandler())
	defer deaf.Close()
	of := func(accounts string) string { return table(deaf.URL, accounts, ", rollback: prefer", createRoute) }

	if out, errs, code := examined(t, of(prefers), nil); code != 0 || errs != "" || !strings.Contains(out, "ok  backend accounts  "+prefers+"  has proved that it rolls back") {
		t.Errorf("prefer: code %d\n%s%s", code, out, errs)
	}
	out, errs, code := examined(t, of(deaf.URL), nil)
	if code != 1 || !strings.Contains(out, "GET / with Prefer: tx=rollback was answered with 404: no Preference-Applied\n  does the backend take that preference") {
		t.Errorf("no preference: code %d\n%s", code, out)
	}
	if strings.Contains(errs, "--sql") {
		t.Errorf("there is no script, and one is named:\n%s", errs)
	}
	lanes := shopTable(deaf.URL, prefers, `, rollback: lanes, proof: /, lanes: [{url: "http://127.0.0.1:1", listen: "127.0.0.1:2"}]`, createRoute)
	out, errs, _ = examined(t, lanes, []string{"QUACK_DB_SHOP=" + dsn}, "--role", "postgres")
	if !strings.Contains(out, "warning  backend accounts  http://127.0.0.1:1  not asked: only quack serve, which listens at 127.0.0.1:2 for it, can") {
		t.Errorf("lanes:\n%s%s", out, errs)
	}
}
