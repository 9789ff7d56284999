// Package pgtest gives tests a real PostgreSQL.
//
// [NewDatabase] is nearly always what a test wants: a fresh, empty database in
// a cluster that all tests of the process share. The cluster is started by
// the first test that asks, and gone soon after the process is, however that
// ends; no goroutine runs for it, so that leak checks see nothing.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/postgres"
)

var shared struct {
	once    sync.Once
	cluster *postgres.Cluster
	err     error
	count   atomic.Int64
}

// Cluster is the cluster that the tests of this process share. Roles and
// settings made in it are seen by all of them.
func Cluster(t testing.TB) *postgres.Cluster {
	t.Helper()
	shared.once.Do(func() {
		// Not t.Context(): the cluster outlives the test that asked first.
		shared.cluster, shared.err = postgres.Start(context.Background(), postgres.Options{Progress: os.Stderr})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// NewDatabase makes an empty database for t and returns its DSN (superuser,
// TCP). At t's end it is dropped, and the sessions still in it are ended.
func NewDatabase(t testing.TB) (dsn string) {
	t.Helper()
	c := Cluster(t)
	name := fmt.Sprintf("test_%d", shared.count.Add(1))
	if err := c.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := c.DropDatabase(ctx, name); err != nil {
			t.Error(err)
		}
	})
	return c.DSN(name)
}
