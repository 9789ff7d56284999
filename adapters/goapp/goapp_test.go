package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/quackproxy/quack/adapters/conformance"
)

func TestMain(m *testing.M) { conformance.Main(m, main) }

func TestConformanceWithAPool(t *testing.T) { conform(t, "pool") }

func TestConformanceWithOneConnection(t *testing.T) { conform(t, "conn") }

// TestTheSuiteFindsFaults runs the suite on apps that break a promise each.
func TestTheSuiteFindsFaults(t *testing.T) {
	for _, c := range []struct{ fault, promise, says string }{
		{"no middleware", "writes/create", "left something behind"},
		{"own pool", "writes/durable", "left something behind"},
		{"no recording", "effects", "is not in the footprint"},
		{"another answer", "writes/create", "answered with 200, live with 201"},
		{"own sessions", "active", "\"active\":false"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestConformanceWithAPool$/"+c.promise+"$")
			cmd.Env = append(os.Environ(), "APP_FAULT="+c.fault)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.says) {
				t.Errorf("the suite did not find it (%v):\n%s", err, out)
			}
		})
	}
}

func TestCost(t *testing.T) { conformance.MeasureCost(t, itself(t, "pool")) }

func conform(t *testing.T, database string) { conformance.Run(t, itself(t, database)) }

// itself is this program, as the app.
func itself(t *testing.T, database string) conformance.App {
	t.Helper()
	app := conformance.Itself(t, "txshadow", "APP_DATABASE="+database)
	app.OneConnection = database == "conn"
	app.Again = database == "conn"
	return app
}
