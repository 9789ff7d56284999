// Package django tests the adapter for Django: what is Python's own by
// unittest, and the rest by the suite that holds for every adapter.
package django

import (
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/adapters/conformance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const python = "/usr/bin/python3" // Debian's, for which its packages of Django and psycopg2 are

// needsDjango fails where Django is missing, so that nobody takes a test that
// has not run for one that has passed.
func needsDjango(t *testing.T) {
	t.Helper()
	if os.Getenv("QUACK_SKIP_DJANGO") != "" {
		t.Skip("QUACK_SKIP_DJANGO is set")
	}
	if out, err := exec.Command(python, "-c", "import django, psycopg2, gunicorn").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n  run scripts/setup, or set QUACK_SKIP_DJANGO to leave the tests of the Django adapter out", err, out)
	}
}

func TestConformance(t *testing.T) {
	needsDjango(t)
	for name, atomic := range map[string]string{"atomic requests off": "", "atomic requests on": "1"} {
		t.Run(name, func(t *testing.T) { conform(t, atomic) })
	}
}

func TestCost(t *testing.T) {
	needsDjango(t)
	conformance.MeasureCost(t, app(""))
}

func conform(t *testing.T, atomicRequests string) { conformance.Run(t, app(atomicRequests)) }

// app's extended protocol is SQL's own PREPARE and EXECUTE: psycopg2 sends by the
// simple one alone.
func app(atomicRequests string) conformance.App {
	return conformance.App{
		Name:    "django",
		Command: []string{python, "-m", "gunicorn", "--config", "testapp/gunicorn.conf.py", "app"},
		Again:   atomicRequests != "",
		Env:     []string{"ATOMIC_REQUESTS=" + atomicRequests, "PYTHONDONTWRITEBYTECODE=1"},
		Has:     []conformance.Effect{conformance.Mail, conformance.Job, conformance.Callback, conformance.HTTP},
		// Django has one connection of a database in each thread; another one is
		// another alias.
		Beside: "unsupported:other-database", Apart: "unsupported:other-database",
		PerThread: true,
	}
}
