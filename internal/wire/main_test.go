// Package wire tests the whole live path on the wire: a front, the handler of
// package proxy and the engine of package upstream, between clients and
// backends that speak raw bytes or frames. Start with [newPath], the
// handler, and [startFront], which serves it.
//
// The suites are: HTTP/2 frame by frame, next to net/http's own server; odd
// HTTP/1.1 requests, which nothing may take for two; messages that have to
// arrive as they were sent; and each protocol with a real client and a real
// backend.
package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/quackproxy/quack/readonly"
	"github.com/quackproxy/quack/store"
)

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "wire-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := store.Open(context.Background(), dir, readonly.Schema)
	if err != nil {
		panic(err)
	}
	if openGate, err = readonly.Open(context.Background(), db); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := errors.Join(db.Close(), goleak.Find()); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// openGate is the gate of all paths: no test here closes it.
var openGate *readonly.Gate
