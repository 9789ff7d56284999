// Package node holds the tests of the Node adapter: what npm needs is installed
// here when it is missing, and the adapter is run with a real PostgreSQL.
package node

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// skipWithoutNode is the variable by which these tests are left out on purpose.
const skipWithoutNode = "QUACK_SKIP_NODE"

// install sees to it that the packages of package-lock.json are there.
func install(t *testing.T) {
	t.Helper()
	if os.Getenv(skipWithoutNode) != "" {
		t.Skip(skipWithoutNode + " is set")
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("the tests of the Node adapter need %s (18 or later), which is not there: %v\n"+
				"  run scripts/setup, or leave them out with %s=1", program, err, skipWithoutNode)
		}
	}
	depend(t, "package-lock.json", "lib", "test", "testapp")
	if _, err := os.Stat("node_modules/pg"); err == nil {
		return
	}
	run(t, 3*time.Minute, nil, "npm", "ci", "--no-audit", "--no-fund")
}

// depend makes go test run anew when files have changed that it can not see
// Node reading.
func depend(t *testing.T, roots ...string) {
	t.Helper()
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run runs a program and returns what it has said; it fails when the program
// does.
func run(t *testing.T, limit time.Duration, env []string, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// TestNode runs the adapter's own tests: headers, SQL, and what it does with a
// database.
func TestNode(t *testing.T) {
	install(t)
	dsn := pgtest.NewDatabase(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := txshadow.Install(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	// One file after the other: they share the database.
	out := run(t, 5*time.Minute, []string{"QUACK_TEST_DSN=" + dsn}, "node", "--test", "--test-concurrency=1", "--test-reporter=tap", "test/")
	_, summary, _ := strings.Cut(out, "\n# tests ")
	if !strings.Contains(summary, "\n# skipped 0\n") {
		t.Errorf("some tests were left out: %s", summary)
	}
	t.Logf("tests %s", summary)
}
