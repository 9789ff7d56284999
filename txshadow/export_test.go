package txshadow

import (
	"cmp"
	"context"
	"time"

	"github.com/quackproxy/quack/txshadow/internal/sqltext"
)

// Layers says which layers a test takes away.
type Layers struct{ NoInterception, NoFuse, NoBelt, NoWatch, NoFlush bool }

// Without takes layers away. To be called before the adapter's first session.
func (a *Adapter) Without(l Layers) {
	a.layers = layers{l.NoInterception, l.NoFuse, l.NoBelt, l.NoWatch, l.NoFlush}
}

// SetClock sets the codec's clock.
func (c *Codec) SetClock(now func() time.Time) { c.now = now }

// Codec is the adapter's codec.
func (a *Adapter) Codec() *Codec { return a.codec }

// ForgetProof makes the next hello prove anew; drill, by a whole drill.
func (a *Adapter) ForgetProof(drill bool) {
	a.proof.mu.Lock()
	defer a.proof.mu.Unlock()
	a.proof.until = time.Time{}
	if drill {
		a.proof.drilled = time.Time{}
	}
}

// Report is the Quack-Footprint of both.
func Report(f Footprint, e Effects) string { return f.with(e) }

// Statement is what split says of one.
type Statement struct {
	Text, Verb, Table, Refusal, Leak          string
	Savepoint, AllImmediate, Writable, Writes bool
}

// Split is split.
func Split(sql string, backslash bool) (all []Statement) {
	for _, s := range sqltext.Split(sql, backslash) {
		all = append(all, Statement{
			Text: sql[s.Start:s.End], Verb: s.Verb, Table: s.Table, Refusal: cmp.Or(s.Refusal, s.Blocks), Leak: s.Leak,
			Savepoint: s.Savepoint, AllImmediate: s.AllImmediate, Writable: s.Writable, Writes: s.Writes,
		})
	}
	return all
}

// Session opens a dedicated session. gone ends it from outside; elsewhere, as
// if that had reached another server.
func (a *Adapter) Session(ctx context.Context) (pid uint32, gone func(elsewhere bool) error, release func(), err error) {
	s, err := a.sessions.open(ctx)
	if err != nil {
		return 0, nil, nil, err
	}
	return s.conn.PgConn().PID(), func(elsewhere bool) error {
		sought := *s
		if elsewhere {
			sought.who.Server += "1"
		}
		return a.sessions.gone(&sought)
	}, s.release, nil
}

// SweepEvery makes the adapter look for orphans that often, of any age.
func (a *Adapter) SweepEvery(d time.Duration) { a.orphans = orphanRules{every: d} }

// PrepareAndGo prepares a transaction and then ends its session from outside,
// as if its connection were lost; meanwhile is run before.
func (a *Adapter) PrepareAndGo(ctx context.Context, gid, sql string, meanwhile func()) error {
	s, err := a.armed(ctx, time.Minute)
	if err != nil {
		return err
	}
	defer s.release()
	if _, err := s.prepareTransaction(ctx, sql, "id", gid); err != nil {
		return err
	}
	meanwhile()
	return a.sessions.gone(s)
}

// HasSpare reports whether a session is ready.
func (a *Adapter) HasSpare() bool {
	a.sessions.Refill()
	return a.sessions.Ready()
}
