package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/adapters/conformance"
)

// runAsApp makes the test program the app itself, so that what is tested is
// built as the test is: with the race detector.
const runAsApp = "QUACK_TEST_RUN_AS_APP"

func TestMain(m *testing.M) {
	if os.Getenv(runAsApp) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestConformanceWithLibPQ(t *testing.T) { conform(t, "pq") }

func TestConformanceWithPGX(t *testing.T) { conform(t, "pgx") }

func conform(t *testing.T, driver string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	conformance.Run(t, conformance.App{
		Name: "sqlshadow", Command: []string{self}, Env: []string{runAsApp + "=1", "APP_DRIVER=" + driver},
		Has:       []conformance.Effect{conformance.Mail, conformance.Job, conformance.Callback, conformance.HTTP},
		NoNotices: true,
	})
}
