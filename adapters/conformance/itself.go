package conformance

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// runAsApp is set for a test program that is to be the app.
const runAsApp = "QUACK_TEST_RUN_AS_APP"

// Main is the TestMain of an app in Go: the test program is the app itself, so
// that what is tested is built as the test is, with the race detector.
func Main(m *testing.M, app func()) {
	if os.Getenv(runAsApp) != "" {
		app()
		return
	}
	goleak.VerifyTestMain(m)
}

// Itself is this program as the app of an adapter, with more in its
// environment. It has all effects.
func Itself(t *testing.T, adapter string, env ...string) App {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return App{
		Name: adapter, Command: []string{self}, Env: append(env, runAsApp+"=1"),
		Has: []Effect{Mail, Job, Callback, HTTP},
	}
}
