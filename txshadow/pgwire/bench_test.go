package pgwire

import (
	"context"
	"testing"

	"github.com/quackproxy/quack/txshadow"
)

// BenchmarkShadow is what a shadow costs around the instance's own statements:
// to open it, and to roll it back and read the footprint.
func BenchmarkShadow(b *testing.B) {
	p := lane(b, patient)
	connect(b, p.dsn)
	ctx, l := context.Background(), p.server.Lane()
	for b.Loop() {
		if err := l.Open(ctx, Shadow{ID: "b", Mode: txshadow.ModeRollback}); err != nil {
			b.Fatal(err)
		}
		if out := l.Close(ctx); !out.RolledBack {
			b.Fatal(out)
		}
	}
}
