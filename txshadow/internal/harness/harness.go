// Package harness is what the tests of adapters, of the wire proxy and of
// write sets share: a log that can be looked into, waiting for a fact, requests
// that are marked as shadows, and golden files.
package harness

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quackproxy/quack/txshadow"
)

// Log collects log lines. The zero value is ready.
type Log struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// patience is more than anything takes that tests wait for.
const patience = time.Minute

// Until waits for a fact that something else brings about. Where it waits in
// vain, it shows what is told then.
func Until(t testing.TB, what string, ok func() bool, told ...func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, tell := range told {
				t.Log(tell())
			}
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// Marker marks requests to a service as shadows. The zero value is ready.
type Marker struct{ ids atomic.Int64 }

// Request is a request to the service at base, marked by codec. Its id is
// "request-" and how many there were before, from 1.
func (m *Marker) Request(t testing.TB, codec *txshadow.Codec, base string, mode txshadow.Mode, budget time.Duration, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("request-%d", m.ids.Add(1))
	codec.MarkContext(r.Header, id, "shadow", time.Now(), false)
	codec.MarkShadow(r.Header, id, mode, budget, method, target, []byte(body))
	return r
}

// Golden compares with a file, or writes it.
func Golden(t testing.TB, update bool, file, got string) {
	t.Helper()
	if update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is out of date (go test -update); got\n%s", file, got)
	}
}
