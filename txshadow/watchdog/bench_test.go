package watchdog

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
)

// BenchmarkQueries is what a look and a measurement take on loopback, beside 50
// sessions of which nobody waits.
func BenchmarkQueries(b *testing.B) {
	dsn := pgtest.NewDatabase(b)
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer closeConn(conn)
	for range 50 {
		other, err := pgx.Connect(b.Context(), dsn)
		if err != nil {
			b.Fatal(err)
		}
		defer closeConn(other)
	}
	w, err := New(Config{Name: "shop", DSN: dsn}, Settings{})
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range []struct {
		name string
		do   func() error
	}{
		{"look", func() error { return w.look(b.Context(), conn, Settings{Cap: time.Second}) }},
		{"measure", func() error { return w.measure(b.Context(), conn, Settings{}) }},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if err := q.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
