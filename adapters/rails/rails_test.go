// Package rails holds the Rails adapter to the promises of all adapters. The
// adapter itself is in lib, in Ruby; docs/rails.md says how to use it.
package rails

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/quackproxy/quack/adapters/conformance"
	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// needRails fails without Ruby and Rails, unless QUACK_SKIP_RAILS is set: a
// skip that nobody sees would be no test.
func needRails(t *testing.T) {
	t.Helper()
	if os.Getenv("QUACK_SKIP_RAILS") != "" {
		t.Skip("QUACK_SKIP_RAILS is set")
	}
	out, err := exec.Command("ruby", "-e", `require "rails"; require "active_record"; require "pg"; require "puma"`).CombinedOutput()
	if err != nil {
		t.Fatalf("the Rails adapter needs Ruby, Rails, pg and puma: %v\n%s\n  install them: scripts/setup, or apt-get install ruby-rails ruby-pg puma; QUACK_SKIP_RAILS=1 leaves these tests out", err, out)
	}
}

func TestConformance(t *testing.T) {
	needRails(t)
	conformance.Run(t, app)
}

func TestCost(t *testing.T) {
	needRails(t)
	conformance.MeasureCost(t, app)
}

var app = conformance.App{
	Name:    "rails",
	Command: []string{"puma", "-C", "testapp/puma.rb", "testapp/config.ru"},
	Has:     []conformance.Effect{conformance.Mail, conformance.Job, conformance.Callback},
}

// TestRuby runs the tests in Ruby, those of shadows against a database.
func TestRuby(t *testing.T) {
	needRails(t)
	dsn := pgtest.NewDatabase(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), "CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL UNIQUE);"+txshadow.InstallSQL())
	conn.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("test/*_test.rb")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in Ruby: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".rb"), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "ruby", file)
			cmd.Env = append(os.Environ(), "DATABASE_URL="+dsn)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}
